//! Events: what a run tells while it works. No variant has a field that could hold a cell.

use super::{ElementName, Error, Result};

/// What a run tells while it works.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    /// A step of the story begins: `survey`, `link`, `cohort`, `extract`, `verify`, `publish`.
    Step(&'static str),
    /// Work on an element begins.
    ElementStarted {
        /// The element.
        element: &'a ElementName,
        /// Rows to be read.
        rows: u64,
    },
    /// Rows of an element were read.
    ElementRows {
        /// The element.
        element: &'a ElementName,
        /// Rows read since the last event.
        rows: u64,
    },
    /// Work on an element ended.
    ElementFinished {
        /// The element.
        element: &'a ElementName,
    },
    /// A note for the log: in our own words.
    Note(String),
}

/// Who is told. Called from many threads; must not block for long.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn on(&self, event: Event<'_>);

    /// Whether the run should stop as soon as it can: asked between batches.
    fn interrupted(&self) -> bool {
        false
    }

    /// The same as a result, for whoever works in a loop.
    ///
    /// # Errors
    /// [`Error::Interrupted`] where the run should stop.
    fn go_on(&self) -> Result<()> {
        if self.interrupted() { Err(Error::Interrupted) } else { Ok(()) }
    }
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn on(&self, _: Event<'_>) {}
}
