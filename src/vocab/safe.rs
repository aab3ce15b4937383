//! Counts that may leave are made safe here and nowhere else: under 10 hidden, others to the nearest 5.

/// The count to the nearest 5, or `None` where it is 1 to 9 and must not be told. Zero may be told.
#[must_use]
pub fn safe_count(count: u64) -> Option<u64> {
    match count {
        0 => Some(0),
        1..=9 => None,
        _ => Some((count.saturating_add(2)) / 5 * 5),
    }
}

/// The safe count as text with thousands apart: `fewer than 10`, `1,235`.
#[must_use]
pub fn safe_text(count: u64) -> String {
    match safe_count(count) {
        None => "fewer than 10".to_owned(),
        Some(count) => {
            let digits = count.to_string();
            let mut text = String::with_capacity(digits.len() + digits.len() / 3);
            for (i, c) in digits.chars().enumerate() {
                if i > 0 && (digits.len() - i).is_multiple_of(3) {
                    text.push(',');
                }
                text.push(c);
            }
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_counts_are_hidden_and_others_rounded() {
        for (count, text) in [
            (0, "0"),
            (1, "fewer than 10"),
            (9, "fewer than 10"),
            (10, "10"),
            (12, "10"),
            (13, "15"),
            (1_234_567, "1,234,565"),
        ] {
            assert_eq!(safe_text(count), text);
        }
    }
}
