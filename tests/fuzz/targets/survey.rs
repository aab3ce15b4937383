//! Any bytes as a Parquet file: its footer; and where that is accepted, its columns to the end, as a build reads them.
#![no_main]

mod common;

use common::{folder, told};
use futures::{FutureExt as _, StreamExt as _};
use leo_extract::engine::{Engine, Fault, scan};
use leo_extract::survey::{Survey, conversion};
use leo_extract::vocab::{Error, Silent, Type};
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

/// A page of one repeated value may rightly stand for any number of rows: beyond this many nothing new is learnt.
const ROWS: usize = 1 << 20;

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(1, 1 << 30, folder(), Arc::new(Silent)).expect("an engine"))
}

libfuzzer_sys::fuzz_target!(init: common::judge_panics(), |data: &[u8]| {
    let at = folder().join("x.parquet");
    if std::fs::write(&at, data).is_err() {
        return;
    }
    let mut survey = Survey::default();
    let problems = survey.read(&[(at.clone(), "x.parquet".to_owned())], 1);
    told(&problems.into_values().collect(), folder());
    let Some(facts) = survey.facts(&at) else { return };
    let names: BTreeSet<&str> = facts.names().collect();
    for name in &names {
        for column in facts.columns(name) {
            for wanted in [Type::Bool, Type::Int8, Type::Int64, Type::Float64, Type::Text, Type::Date] {
                let _ = conversion(&column.data_type, wanted);
            }
        }
    }
    let names: Vec<&str> = names.into_iter().take(32).collect();
    let _ = facts.bytes_of(&names);
    for name in names {
        let Ok(plan) = scan(facts, &[name], &(0..facts.row_groups.len())) else { continue };
        // A decoder that gives up with a panic is caught by every room that reads rows, and is a corrupt file to it.
        let fault = engine().block_on(std::panic::AssertUnwindSafe(async {
            let mut stream = match plan.execute(0, engine().task()) {
                Ok(stream) => stream,
                Err(error) => return Some(Fault::of(&error)),
            };
            let mut rows = 0;
            while let Some(batch) = stream.next().await {
                match batch {
                    Ok(batch) => rows += batch.num_rows(),
                    Err(error) => return Some(Fault::of(&error)),
                }
                if rows > ROWS {
                    break;
                }
            }
            None
        }).catch_unwind()).unwrap_or(Some(Fault::Corrupt));
        if let Some(Error::Findings(findings)) = fault.map(|f| f.at("x.parquet", "fuzz", 1 << 30)) {
            told(&findings, folder());
        }
    }
});
