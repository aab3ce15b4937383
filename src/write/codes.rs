//! Counting missing values, and values that are not among the catalogue's codes.

use super::store::Value;
use arrow::datatypes::DataType;

/// The known codes of one column, and what was met beside them.
#[derive(Debug)]
pub(crate) struct Codes {
    texts: Vec<String>,
    integers: Vec<i64>,
    listed: bool,
    pub(super) missing: u64,
    pub(super) unknown: u64,
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

impl Codes {
    pub(crate) fn new(codes: &[String]) -> Self {
        Self {
            texts: codes.to_vec(),
            integers: codes.iter().filter_map(|c| c.parse().ok()).collect(),
            listed: !codes.is_empty(),
            missing: 0,
            unknown: 0,
        }
    }

    fn knows(&self, value: Value<'_>, kind: &DataType) -> bool {
        match (value, kind) {
            (Value::String(text), DataType::Utf8View) => self.texts.iter().any(|code| code.as_bytes() == text),
            (Value::Word(word), DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64) => {
                self.integers.contains(&word.cast_signed())
            }
            _ => true,
        }
    }

    /// Counts the rows whose value is no code, by their numbers among `distinct` values, the first of them number 1; 0 is
    /// missing.
    pub(super) fn look<'a>(
        &mut self,
        numbers: &[u16],
        distinct: usize,
        value: impl Fn(usize) -> Value<'a>,
        kind: &DataType,
    ) {
        if !self.listed {
            return;
        }
        let unknown: Vec<bool> = (0..distinct).map(|index| !self.knows(value(index), kind)).collect();
        if unknown.contains(&true) {
            let is = |number: u16| usize::from(number).checked_sub(1).and_then(|i| unknown.get(i)) == Some(&true);
            self.unknown += count(numbers.iter().filter(|number| is(**number)).count());
        }
    }

    /// Whether there are codes that a value could be missing from.
    pub(super) fn are_listed(&self) -> bool {
        self.listed
    }

    /// Counts missing values.
    pub(super) fn miss(&mut self, rows: usize) {
        self.missing += count(rows);
    }

    /// Counts a row by its value.
    #[inline]
    pub(super) fn see(&mut self, value: Value<'_>, kind: &DataType) {
        self.missing += u64::from(value == Value::Missing);
        if self.listed && !self.knows(value, kind) {
            self.unknown += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_codes_and_missing_values_are_counted() {
        let met = ["M", "m", "A code of many letters", "A code of many lettres"];
        let value = |index: usize| Value::String(met[index].as_bytes());
        let mut codes = Codes::new(&["M".into(), "F".into(), "A code of many letters".into()]);
        codes.look(&[1, 0, 2, 2, 3, 4], met.len(), value, &DataType::Utf8View);
        codes.miss(1);
        assert_eq!((codes.missing, codes.unknown), (1, 3));
        let mut codes = Codes::new(&["1".into(), "2".into()]);
        for value in [Value::Word(1), Value::Word(3), Value::Missing] {
            codes.see(value, &DataType::Int16);
        }
        assert_eq!((codes.missing, codes.unknown), (1, 1));
    }
}
