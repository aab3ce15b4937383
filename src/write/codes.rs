//! Counting missing values, and values that are not among the catalogue's codes.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};

/// The known codes of one column, and what was met beside them.
#[derive(Debug)]
pub(super) struct Codes {
    texts: Vec<u128>,
    long: Vec<String>,
    integers: Vec<i64>,
    listed: bool,
    pub(super) missing: u64,
    pub(super) unknown: u64,
}

/// A text of at most 12 bytes as a string view has it, inlined.
fn inlined(text: &str) -> Option<u128> {
    let length = u32::try_from(text.len()).ok().filter(|l| *l <= 12)?;
    let mut view = [0; 16];
    view[..4].copy_from_slice(&length.to_le_bytes());
    view[4..4 + text.len()].copy_from_slice(text.as_bytes());
    Some(u128::from_le_bytes(view))
}

impl Codes {
    pub(super) fn new(codes: &[String]) -> Self {
        Self {
            texts: codes.iter().filter_map(|c| inlined(c)).collect(),
            long: codes.iter().filter(|c| c.len() > 12).cloned().collect(),
            integers: codes.iter().filter_map(|c| c.parse().ok()).collect(),
            listed: !codes.is_empty(),
            missing: 0,
            unknown: 0,
        }
    }

    /// Counts a chunk.
    pub(super) fn count(&mut self, column: &ArrayRef) {
        self.missing += u64::try_from(column.null_count()).unwrap_or(0);
        if !self.listed {
            return;
        }
        let unknown = match column.data_type() {
            DataType::Utf8View => {
                let texts = column.as_string_view();
                let mut last = None;
                let mut unknown = 0;
                for (row, view) in texts.views().iter().enumerate() {
                    if last == Some(*view) || texts.is_null(row) {
                        continue;
                    }
                    let length = u32::from_le_bytes([
                        view.to_le_bytes()[0],
                        view.to_le_bytes()[1],
                        view.to_le_bytes()[2],
                        view.to_le_bytes()[3],
                    ]);
                    let known = if length <= 12 {
                        self.texts.contains(view)
                    } else {
                        self.long.iter().any(|c| c == texts.value(row))
                    };
                    if known {
                        last = Some(*view);
                    } else {
                        unknown += 1;
                    }
                }
                unknown
            }
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => {
                let Ok(wide) = cast(column, &DataType::Int64) else { return };
                let values = wide.as_primitive::<Int64Type>();
                values.iter().flatten().filter(|v| !self.integers.contains(v)).count()
            }
            _ => 0,
        };
        self.unknown += u64::try_from(unknown).unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int16Array, StringViewArray};
    use std::sync::Arc;

    #[test]
    fn unknown_codes_and_missing_values_are_counted() {
        let mut codes = Codes::new(&["M".into(), "F".into(), "A code of many letters".into()]);
        let column: ArrayRef = Arc::new(StringViewArray::from(vec![
            Some("M"),
            None,
            Some("m"),
            Some("A code of many letters"),
            Some("A code of many lettres"),
        ]));
        codes.count(&column);
        assert_eq!((codes.missing, codes.unknown), (1, 2));
        let mut codes = Codes::new(&["1".into(), "2".into()]);
        codes.count(&(Arc::new(Int16Array::from(vec![Some(1), Some(3), None])) as ArrayRef));
        assert_eq!((codes.missing, codes.unknown), (1, 1));
    }
}
