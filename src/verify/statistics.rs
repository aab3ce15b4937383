//! Column statistics in a file's footer: they must be those of the file's own cells, or a withheld value could hide there.

use super::cells::Cells;
use parquet::basic::Type as Physical;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics;
use std::cmp::Ordering;

/// The least or the greatest value of a column chunk.
#[derive(Debug, Clone, PartialEq)]
enum Bound {
    Whole(i128),
    Float(f64),
    Bytes(Vec<u8>),
}

impl Bound {
    fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => Some(a.cmp(b)),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(b),
            (Self::Bytes(a), Self::Bytes(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// Reads a bound as a file stores it.
    fn read(bytes: &[u8], physical: Physical) -> Option<Self> {
        Some(match physical {
            Physical::BOOLEAN => Self::Whole(i128::from(*bytes.first()?)),
            Physical::INT32 => Self::Whole(i32::from_le_bytes(bytes.try_into().ok()?).into()),
            Physical::INT64 => Self::Whole(i64::from_le_bytes(bytes.try_into().ok()?).into()),
            Physical::FLOAT => Self::Float(f32::from_le_bytes(bytes.try_into().ok()?).into()),
            Physical::DOUBLE => Self::Float(f64::from_le_bytes(bytes.try_into().ok()?)),
            Physical::BYTE_ARRAY => Self::Bytes(bytes.to_vec()),
            // Decimals: big-endian, the sign in front.
            Physical::FIXED_LEN_BYTE_ARRAY => {
                let sign = if *bytes.first()? & 0x80 == 0 { 0 } else { 0xff };
                let mut all = [sign; 16];
                all.get_mut(16_usize.checked_sub(bytes.len())?..)?.copy_from_slice(bytes);
                Self::Whole(i128::from_be_bytes(all))
            }
            Physical::INT96 => return None,
        })
    }
}

/// The extremes of the cells of one column chunk, as they are read.
#[derive(Debug, Default)]
pub(super) struct Extremes {
    bounds: Option<(Bound, Bound)>,
    missing: u64,
}

impl Extremes {
    /// Takes the cells of a batch in.
    pub(super) fn batch(&mut self, cells: &Cells<'_>) {
        self.missing += cells.missing() as u64;
        let Some((low, high)) = extremes(cells) else { return };
        self.bounds = Some(match self.bounds.take() {
            None => (low, high),
            Some((least, greatest)) => (
                if low.compare(&least) == Some(Ordering::Less) { low } else { least },
                if high.compare(&greatest) == Some(Ordering::Greater) { high } else { greatest },
            ),
        });
    }

    /// Whether a chunk's statistics are those of its cells: exact bounds equal, cut ones the beginning of the cells'.
    pub(super) fn agree(&self, statistics: &Statistics) -> bool {
        let physical = statistics.physical_type();
        let bound = |bytes: Option<&[u8]>| bytes.map(|bytes| Bound::read(bytes, physical));
        let count = statistics.null_count_opt().is_none_or(|missing| missing == self.missing);
        let (low, high) = (bound(statistics.min_bytes_opt()), bound(statistics.max_bytes_opt()));
        let fits = |stored: Option<Option<Bound>>, exact: bool, least: bool| match (stored, &self.bounds) {
            (None, _) => true,
            (Some(Some(stored)), Some((low, high))) => {
                let actual = if least { low } else { high };
                stored.compare(actual) == Some(Ordering::Equal) || (!exact && is_cut(&stored, actual, least))
            }
            (Some(_), _) => false,
        };
        count && fits(low, statistics.min_is_exact(), true) && fits(high, statistics.max_is_exact(), false)
    }

    /// Whether the bounds of a chunk's pages lie within those of its cells.
    pub(super) fn hold(&self, pages: &ColumnIndexMetaData) -> bool {
        macro_rules! each {
            ($index:expr, $bound:expr) => {
                $index
                    .min_values_iter()
                    .chain($index.max_values_iter())
                    .flatten()
                    .all(|value| self.holds(&$bound(value)))
            };
        }
        match pages {
            ColumnIndexMetaData::NONE => true,
            ColumnIndexMetaData::BOOLEAN(index) => each!(index, |v: &bool| Bound::Whole(i128::from(*v))),
            ColumnIndexMetaData::INT32(index) => each!(index, |v: &i32| Bound::Whole((*v).into())),
            ColumnIndexMetaData::INT64(index) => each!(index, |v: &i64| Bound::Whole((*v).into())),
            ColumnIndexMetaData::FLOAT(index) => each!(index, |v: &f32| Bound::Float((*v).into())),
            ColumnIndexMetaData::DOUBLE(index) => each!(index, |v: &f64| Bound::Float(*v)),
            ColumnIndexMetaData::BYTE_ARRAY(index) => each!(index, |v: &[u8]| Bound::Bytes(v.to_vec())),
            ColumnIndexMetaData::FIXED_LEN_BYTE_ARRAY(index) => each!(index, |v: &[u8]| {
                Bound::read(v, Physical::FIXED_LEN_BYTE_ARRAY).unwrap_or(Bound::Float(f64::NAN))
            }),
            ColumnIndexMetaData::INT96(_) => false,
        }
    }

    fn holds(&self, value: &Bound) -> bool {
        let Some((low, high)) = &self.bounds else { return false };
        let within =
            value.compare(low).is_some_and(Ordering::is_ge) && value.compare(high).is_some_and(Ordering::is_le);
        within || is_cut(value, low, true) || is_cut(value, high, false)
    }
}

/// Whether a stored bound is a cut of the actual one: its first bytes, the last of them raised for an upper bound.
fn is_cut(stored: &Bound, actual: &Bound, least: bool) -> bool {
    let (Bound::Bytes(stored), Bound::Bytes(actual)) = (stored, actual) else { return false };
    if least {
        return actual.starts_with(stored);
    }
    // Raising a character may change its last bytes; what stands before must be the actual text's.
    let common = stored.iter().zip(actual).take_while(|(a, b)| a == b).count();
    !stored.is_empty() && stored > actual && common + 4 >= stored.len() && stored.len() <= actual.len() + 1
}

fn extremes(cells: &Cells<'_>) -> Option<(Bound, Bound)> {
    macro_rules! whole {
        ($array:expr) => {{
            let low = arrow::compute::min($array)?;
            let high = arrow::compute::max($array)?;
            Some((Bound::Whole(low.into()), Bound::Whole(high.into())))
        }};
    }
    macro_rules! float {
        ($array:expr) => {{
            let values = || $array.iter().flatten().map(f64::from).filter(|value| !value.is_nan());
            values().next()?;
            Some((
                Bound::Float(values().fold(f64::INFINITY, f64::min)),
                Bound::Float(values().fold(f64::NEG_INFINITY, f64::max)),
            ))
        }};
    }
    match cells {
        Cells::Bool(array) => Some((
            Bound::Whole(i128::from(arrow::compute::min_boolean(array)?)),
            Bound::Whole(i128::from(arrow::compute::max_boolean(array)?)),
        )),
        Cells::Int8(array) => whole!(array),
        Cells::Int16(array) => whole!(array),
        Cells::Int32(array) => whole!(array),
        Cells::Int64(array) => whole!(array),
        Cells::Date(array) => whole!(array),
        Cells::Timestamp(array) => whole!(array),
        Cells::Decimal(array, _) => whole!(array),
        Cells::Float32(array) => float!(array),
        Cells::Float64(array) => float!(array),
        Cells::Text(text) => {
            let texts = || text.iter().flatten().map(str::as_bytes);
            Some((Bound::Bytes(texts().min()?.to_vec()), Bound::Bytes(texts().max()?.to_vec())))
        }
    }
}
