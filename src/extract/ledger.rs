//! The sinks and accounts of one scan: where the rows of each want go, and what became of all of them.

use super::buckets::{buckets, rows};
use super::group::Shared;
use crate::engine::Engine;
use crate::plan::{ElementScan, Purpose};
use crate::vocab::{Event, Fates, Observer, Slice};
use crate::write::{Sink, SinkKey};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The sinks and accounts of one scan.
pub(super) struct Ledger {
    sinks: Mutex<BTreeMap<SinkKey, std::sync::Arc<Sink>>>,
    fates: Mutex<BTreeMap<(usize, Option<Slice>), Fates>>,
    begun: AtomicBool,
    left: AtomicUsize,
}

impl Ledger {
    /// The empty ledger of a scan, with a sink for every table that the projects ask of it.
    pub(super) fn new(shared: &Shared, scan: usize, engine: &Engine) -> Self {
        let mut sinks = BTreeMap::new();
        let plan = shared.plan();
        if let Some(of) = plan.release.get(scan) {
            for (want, wanted) in of.wants.iter().enumerate() {
                let Purpose::Table { project, .. } = wanted.purpose else { continue };
                let Some(planned) = plan.projects.get(project) else { continue };
                for table in planned.tables.iter().filter(|t| t.element == of.element.name) {
                    let key = SinkKey { want, slice: table.slice };
                    let stem = table.slice.map_or_else(|| "all".to_owned(), Slice::file_stem);
                    let file = shared.scratch().join(format!("{scan}-{want}-{stem}.arrow"));
                    let rows = rows(of, wanted, table.slice);
                    let buckets = buckets(rows, &table.layout.columns, engine);
                    let sink = Sink::new(file, buckets, std::sync::Arc::clone(shared.ranks()), project);
                    sinks.insert(key, std::sync::Arc::new(sink));
                }
            }
        }
        let units = plan.release.get(scan).map_or(0, |s| s.units.len());
        Self {
            sinks: Mutex::new(sinks),
            fates: Mutex::default(),
            begun: AtomicBool::new(false),
            left: AtomicUsize::new(units),
        }
    }

    /// The sink of a table.
    pub(super) fn sink(&self, key: SinkKey) -> Option<std::sync::Arc<Sink>> {
        self.sinks.lock().ok()?.get(&key).map(std::sync::Arc::clone)
    }

    /// Takes a table's sink out: all its rows have come.
    pub(super) fn take(&self, key: SinkKey) -> Option<Sink> {
        std::sync::Arc::into_inner(self.sinks.lock().ok()?.remove(&key)?)
    }

    /// The keys of the sinks that a group feeds: those of its slice, or all where the element is not cut by location.
    pub(super) fn keys(&self, slice: Option<Slice>) -> Vec<SinkKey> {
        let Ok(sinks) = self.sinks.lock() else { return Vec::new() };
        sinks.keys().copied().filter(|k| slice.is_none() || k.slice == slice).collect()
    }

    /// Adds what became of a unit's rows for a want.
    pub(super) fn account(&self, want: usize, slice: Option<Slice>, fates: &Fates) {
        if let Ok(mut all) = self.fates.lock() {
            all.entry((want, slice)).or_default().add(fates);
        }
    }

    /// The account of a want.
    pub(super) fn fates(&self, want: usize, slice: Option<Slice>) -> Fates {
        self.fates.lock().ok().and_then(|all| all.get(&(want, slice)).copied()).unwrap_or_default()
    }

    /// Tells that work on the element begins, once.
    pub(super) fn begin(&self, observer: &dyn Observer, scan: &ElementScan) {
        if !self.begun.swap(true, Ordering::Relaxed) {
            let rows = scan.units.iter().map(|u| u.rows).sum();
            observer.on(Event::ElementStarted { element: &scan.element.name, rows });
        }
    }

    /// Tells that work on the element ended, with its last unit.
    pub(super) fn end(&self, observer: &dyn Observer, scan: &ElementScan) {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            observer.on(Event::ElementFinished { element: &scan.element.name });
        }
    }
}
