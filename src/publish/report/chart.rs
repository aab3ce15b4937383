//! Bars, drawn as inline SVG from counts that are safe already.

use crate::vocab::{safe_count, safe_text};
use maud::{Markup, html};

/// Height of a bar with its label, in the drawing's units.
const STEP: usize = 46;
/// Width of the drawing.
const WIDTH: u64 = 720;

/// Colours stand on the shapes themselves, so that a print or a copy of the drawing keeps them.
const INK: &str = "#0b0c0c";
const BLUE: &str = "#1d70b8";
const PALE: &str = "#d9dcdd";

/// One bar: what it counts, how many, and out of how many before.
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) count: u64,
    pub(super) before: u64,
}

/// Horizontal bars. A count that is hidden has no width.
pub(super) fn bars(title: &str, bars: &[Bar]) -> Markup {
    let widest = bars.iter().flat_map(|b| [b.count, b.before]).filter_map(safe_count).max().unwrap_or(0).max(1);
    let width = |count: u64| safe_count(count).map_or(0, |safe| safe * WIDTH / widest);
    let label = |bar: &Bar| format!("{}: {}", bar.label, safe_text(bar.count));
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (bars.len() * STEP) } role="img" aria-label=(title) {
            title { (title) }
            @for (i, bar) in bars.iter().enumerate() {
                text x="0" y=(i * STEP + 15) fill=(INK) { (label(bar)) }
                @if width(bar.before) > width(bar.count) {
                    rect x="0" y=(i * STEP + 21) width=(width(bar.before)) height="16" fill=(PALE) {}
                }
                rect x="0" y=(i * STEP + 21) width=(width(bar.count)) height="16" fill=(BLUE) {}
            }
        }
    }
}

/// A share in whole per cent, from safe counts only; hidden where either is.
pub(super) fn share(part: u64, whole: u64) -> String {
    match (safe_count(part), safe_count(whole)) {
        (Some(part), Some(whole)) if whole > 0 => format!("{}%", (part.min(whole) * 100 + whole / 2) / whole),
        (Some(_), Some(_)) => "–".to_owned(),
        _ => "hidden".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_widths_come_from_safe_counts() {
        assert_eq!(share(1, 100), "hidden");
        assert_eq!(share(50, 9), "hidden");
        assert_eq!(share(0, 0), "–");
        assert_eq!(share(998, 1001), "100%");
        assert_eq!(share(333, 1000), "34%");
        let drawn = |count| bars("t", &[Bar { label: "x".to_owned(), count, before: 1_000 }]).into_string();
        assert_eq!(drawn(7), drawn(3));
        assert_eq!(drawn(101), drawn(98));
    }
}
