//! Progress: bars on a terminal, a line a step and element otherwise, JSON lines where asked, nothing when quiet.

use super::{show, signal};
use crate::vocab::{Event, Observer, safe_count, safe_text};
use indicatif::{HumanDuration, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::Instant;

/// How progress is told.
enum How {
    Quiet,
    Bars(MultiProgress),
    Lines,
    Json,
}

/// An element being read.
struct Reading {
    bar: Option<ProgressBar>,
    rows: u64,
    since: Instant,
}

/// Tells what happens while it happens.
pub(super) struct Progress {
    how: How,
    started: Instant,
    reading: Mutex<BTreeMap<String, Reading>>,
}

impl Progress {
    pub(super) fn new(quiet: bool, json: bool) -> Self {
        let how = if quiet {
            How::Quiet
        } else if json {
            How::Json
        } else if std::io::stderr().is_terminal() {
            How::Bars(MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(5)))
        } else {
            How::Lines
        };
        Self { how, started: Instant::now(), reading: Mutex::default() }
    }

    fn line(&self, text: &str) {
        match &self.how {
            How::Quiet => {}
            How::Bars(bars) => {
                if bars.println(text).is_err() {
                    show::to_stderr(text);
                }
            }
            How::Lines => show::to_stderr(text),
            How::Json => show::to_stderr(&json!({"seconds": self.seconds(), "note": text}).to_string()),
        }
    }

    fn seconds(&self) -> f64 {
        (self.started.elapsed().as_secs_f64() * 100.0).round() / 100.0
    }

    fn step(&self, name: &str) {
        match &self.how {
            How::Json => show::to_stderr(&json!({"seconds": self.seconds(), "step": name}).to_string()),
            _ => self.line(&format!("{:>7.1} s  {name}", self.seconds())),
        }
    }

    fn began(&self, element: &str, rows: u64) {
        let bar = match &self.how {
            How::Bars(bars) => {
                let bar = bars.add(ProgressBar::new(rows));
                if let Some(style) = style() {
                    bar.set_style(style);
                }
                bar.set_prefix(element.to_owned());
                Some(bar)
            }
            How::Quiet | How::Lines | How::Json => None,
        };
        if let Ok(mut reading) = self.reading.lock() {
            reading.insert(element.to_owned(), Reading { bar, rows, since: Instant::now() });
        }
    }

    fn read(&self, element: &str, rows: u64) {
        if let How::Bars(_) = &self.how
            && let Ok(reading) = self.reading.lock()
            && let Some(bar) = reading.get(element).and_then(|r| r.bar.as_ref())
        {
            bar.inc(rows);
        }
    }

    fn ended(&self, element: &str) {
        let Some(reading) = self.reading.lock().ok().and_then(|mut r| r.remove(element)) else { return };
        let seconds = reading.since.elapsed().as_secs_f64();
        match (&self.how, reading.bar) {
            (How::Bars(_), Some(bar)) => bar.finish_and_clear(),
            (How::Json, _) => {
                // Null where the count is too small to be told.
                let rows = safe_count(reading.rows);
                let event = json!({"seconds": self.seconds(), "element": element, "rows": rows, "took": seconds});
                show::to_stderr(&event.to_string());
            }
            (How::Lines, _) => self.line(&format!(
                "{:>7.1} s    {element:<24} {:>13} rows in {seconds:.1} s",
                self.seconds(),
                safe_text(reading.rows)
            )),
            (How::Quiet | How::Bars(_), _) => {}
        }
    }
}

/// The look of a bar, at most 80 columns: element, bar, rows, rows a second, time left.
fn style() -> Option<ProgressStyle> {
    let style = ProgressStyle::with_template("  {prefix:22!} {bar:10} {rows:>13} rows {pace:>12} {left:>9}").ok()?;
    Some(
        style
            .with_key("rows", |state: &ProgressState, to: &mut dyn Write| {
                let _ = to.write_str(&safe_text(state.pos()));
            })
            .with_key("pace", |state: &ProgressState, to: &mut dyn Write| {
                let _ = to.write_str(&pace(state.per_sec()));
            })
            .with_key("left", |state: &ProgressState, to: &mut dyn Write| {
                // Before the first rows nothing is known of the time.
                if state.pos() > 0 {
                    let _ = write!(to, "{:#} left", HumanDuration(state.eta()));
                }
            }),
    )
}

/// Rows a second, in thousands or millions: `162k/s`.
fn pace(rows: f64) -> String {
    match rows {
        r if !r.is_finite() || r < 1.0 => String::new(),
        r if r < 1e3 => "under 1k/s".to_owned(),
        r if r < 1e6 => format!("{:.0}k/s", r / 1e3),
        r => format!("{:.1}M/s", (r / 1e6).min(99_999.0)),
    }
}

impl Observer for Progress {
    fn on(&self, event: Event<'_>) {
        match event {
            Event::Step(name) => self.step(name),
            Event::ElementStarted { element, rows } => self.began(element.as_str(), rows),
            Event::ElementRows { element, rows } => self.read(element.as_str(), rows),
            Event::ElementFinished { element } => self.ended(element.as_str()),
            Event::Note(text) => self.line(&show::harmless(&text)),
        }
    }

    fn interrupted(&self) -> bool {
        signal::asked()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_short_and_the_bar_has_a_look() {
        for (rows, text) in [
            (0.0, ""),
            (f64::NAN, ""),
            (7.0, "under 1k/s"),
            (162_123.000_235, "162k/s"),
            (3_456_789.0, "3.5M/s"),
            (f64::MAX, "99999.0M/s"),
        ] {
            assert_eq!(pace(rows), text);
            assert!(pace(rows).len() <= 12);
        }
        assert!(style().is_some(), "the template reads");
    }
}
