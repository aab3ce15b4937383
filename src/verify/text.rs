//! A column of text, as the decoder gives it: one text after the other, views, or codes of a dictionary. Whatever the
//! form, a cell is the same text; what is asked of every cell is asked of a dictionary's texts once.

use arrow::array::{Array, ArrayRef, DictionaryArray, StringArray, StringViewArray, UInt32Array};
use arrow::datatypes::{DataType, UInt32Type};
use std::cmp::Ordering;

/// A column of text of one batch.
#[derive(Debug, Clone, Copy)]
pub(super) enum Text<'a> {
    /// Equal short texts are equal numbers.
    Views(&'a StringViewArray),
    /// One behind the other.
    Plain(&'a StringArray),
    /// The place of each in a dictionary, whose texts may stand in any order, and several times.
    Coded(&'a UInt32Array, &'a StringArray),
}

/// The type in which a column is read whose file has a dictionary.
pub(super) fn coded_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Utf8))
}

impl<'a> Text<'a> {
    /// The column, where it is one of text.
    pub(super) fn of(array: &'a ArrayRef) -> Option<Self> {
        let any = array.as_any();
        match array.data_type() {
            DataType::Utf8View => any.downcast_ref().map(Self::Views),
            DataType::Utf8 => any.downcast_ref().map(Self::Plain),
            DataType::Dictionary(..) => {
                let coded: &DictionaryArray<UInt32Type> = any.downcast_ref()?;
                Some(Self::Coded(coded.keys(), coded.values().as_any().downcast_ref()?))
            }
            _ => None,
        }
    }

    /// How many cells there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Views(array) => array.len(),
            Self::Plain(array) => array.len(),
            Self::Coded(keys, _) => keys.len(),
        }
    }

    /// Whether a cell is missing.
    #[inline]
    pub(super) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Views(array) => array.is_null(row),
            Self::Plain(array) => array.is_null(row),
            Self::Coded(keys, _) => keys.is_null(row),
        }
    }

    /// How many cells are missing.
    pub(super) fn null_count(&self) -> usize {
        match self {
            Self::Views(array) => array.null_count(),
            Self::Plain(array) => array.null_count(),
            Self::Coded(keys, _) => keys.null_count(),
        }
    }

    /// The text of a cell that is not missing.
    #[inline]
    pub(super) fn value(&self, row: usize) -> &'a str {
        match self {
            Self::Views(array) => array.value(row),
            Self::Plain(array) => array.value(row),
            Self::Coded(keys, values) => values.value(keys.value(row) as usize),
        }
    }

    /// All cells, where none is missing, and each has sixteen bytes and stands right behind the one before.
    pub(super) fn sixteens(&self) -> Option<&'a [[u8; 16]]> {
        let Self::Plain(array) = self else { return None };
        let offsets = array.value_offsets();
        let (first, last) = (usize::try_from(*offsets.first()?).ok()?, usize::try_from(*offsets.last()?).ok()?);
        let even = array.null_count() == 0 && offsets.array_windows().fold(true, |even, [a, b]| even & (b - a == 16));
        even.then(|| array.value_data().get(first..last).map(|bytes| bytes.as_chunks().0)).flatten()
    }

    /// Whether there are cells, and all are one and the same text, as far as can be told without a look at them: the decoder
    /// refuses a code that is beyond its dictionary.
    pub(super) fn is_one(&self) -> bool {
        let Self::Coded(keys, values) = self else { return false };
        values.len() == 1 && values.null_count() == 0 && keys.null_count() == 0 && !keys.is_empty()
    }

    /// The cells in order.
    pub(super) fn iter(self) -> impl Iterator<Item = Option<&'a str>> {
        (0..self.len()).map(move |row| (!self.is_null(row)).then(|| self.value(row)))
    }

    /// Whether two cells of this column, neither of them missing, are the same text without a look at it. If not, they
    /// may be so nevertheless.
    #[inline]
    fn is_settled(&self, row: usize, other: usize) -> bool {
        match self {
            // Within one array, equal views are equal texts.
            Self::Views(array) => array.views().get(row) == array.views().get(other),
            Self::Plain(_) => false,
            Self::Coded(keys, _) => keys.values().get(row) == keys.values().get(other),
        }
    }

    /// Whether all of `rows` hold the text of the row before, as far as can be told without a look at the texts.
    pub(super) fn all_settled(&self, rows: &[u32]) -> bool {
        let settled = |row: usize| row.checked_sub(1).is_some_and(|previous| self.is_settled(row, previous));
        self.is_one() || (self.null_count() == 0 && rows.iter().all(|row| settled(*row as usize)))
    }

    /// Whether two rows that follow each other are both missing, or both the same text, as far as can be told without a
    /// look at the texts.
    #[inline]
    pub(super) fn repeats(&self, row: usize, previous: usize) -> bool {
        match (self.is_null(row), self.is_null(previous)) {
            (false, false) => self.is_settled(row, previous),
            (one, other) => one == other,
        }
    }

    /// Compares two cells that are not missing, byte by byte.
    #[inline]
    pub(super) fn compare(&self, row: usize, other: &Self, other_row: usize) -> Ordering {
        if let (Self::Coded(keys, values), Self::Coded(other_keys, others)) = (self, other)
            && std::ptr::eq(*values, *others)
            && keys.value(row) == other_keys.value(other_row)
        {
            return Ordering::Equal;
        }
        self.value(row).as_bytes().cmp(other.value(other_row).as_bytes())
    }
}

/// Whether two dictionaries are one and the same: not equal, but the same bytes in memory.
pub(super) fn is_same(a: &StringArray, b: &StringArray) -> bool {
    a.len() == b.len()
        && std::ptr::eq(a.value_data().as_ptr(), b.value_data().as_ptr())
        && std::ptr::eq(a.value_offsets().as_ptr(), b.value_offsets().as_ptr())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_text_is_the_same_in_every_form() {
        let texts = [Some("b"), None, Some("a longer text than a view holds"), Some(""), Some("b"), None, Some("a")];
        // The dictionary is in no order, holds a text twice, and one that no cell has.
        let keys = UInt32Array::from(vec![Some(3), None, Some(1), Some(2), Some(0), None, Some(5)]);
        let values = vec!["b", "a longer text than a view holds", "", "b", "unused", "a"];
        let coded = DictionaryArray::new(keys, Arc::new(StringArray::from(values)));
        let forms: [ArrayRef; 3] = [
            Arc::new(StringViewArray::from(texts.to_vec())),
            Arc::new(StringArray::from(texts.to_vec())),
            Arc::new(coded),
        ];
        assert_eq!(*forms[2].data_type(), coded_type());
        for form in &forms {
            let text = Text::of(form).unwrap();
            assert_eq!((text.len(), text.null_count(), text.is_one()), (7, 2, false));
            assert_eq!(text.iter().collect::<Vec<_>>(), texts);
            for other in &forms {
                let other = Text::of(other).unwrap();
                for (row, mine) in texts.iter().enumerate() {
                    for (at, theirs) in texts.iter().enumerate() {
                        if let (Some(mine), Some(theirs)) = (mine, theirs) {
                            assert_eq!(text.compare(row, &other, at), mine.cmp(theirs));
                        }
                        assert!(!text.repeats(row, at) || mine == theirs);
                    }
                }
            }
        }
    }
}
