//! The values of a variable in the years in which it was collected, and nothing in others.

use super::conform::{arrow_type, conform};
use crate::engine::Fault;
use crate::vocab::{Type, YearPlaces};
use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Int16Array, PrimitiveArray, RecordBatch, new_null_array,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimeUnit, TimestampMicrosecondType,
};
use std::sync::{Arc, OnceLock};

/// Where a variable's values stand in the scanned batch.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) column: usize,
    pub(super) name: String,
    /// In which years, by their place among all such sets; `None` for all.
    pub(super) years: Option<usize>,
}

/// Columns of nothing: one of each type, made once, as long as the first batch.
#[derive(Debug, Clone, Default)]
pub(super) struct Nothing(Vec<(DataType, OnceLock<ArrayRef>)>);

impl Nothing {
    /// Those of some types.
    pub(super) fn of(kinds: impl Iterator<Item = DataType>) -> Self {
        let mut all = Self::default();
        for kind in kinds {
            if !all.0.iter().any(|(other, _)| *other == kind) {
                all.0.push((kind, OnceLock::new()));
            }
        }
        all
    }

    /// So many rows of nothing.
    pub(super) fn rows(&self, kind: &DataType, rows: usize) -> ArrayRef {
        let made = self.0.iter().find(|(other, _)| other == kind);
        let made = made.map(|(kind, made)| made.get_or_init(|| new_null_array(kind, rows)));
        made.filter(|made| rows <= made.len()).map_or_else(|| new_null_array(kind, rows), |made| made.slice(0, rows))
    }
}

/// The conformed values of a variable: all missing where it was not collected, from the column of each row's year where
/// the year stands in a column.
pub(super) fn variable(
    batch: &RecordBatch,
    sources: &[Source],
    kind: Type,
    among: &[Among],
    nothing: &Nothing,
) -> Result<ArrayRef, Fault> {
    let nothing = || nothing.rows(&arrow_type(kind), batch.num_rows());
    let mut values: Option<ArrayRef> = None;
    for source in sources {
        let column = conform(batch.column(source.column), &source.name, kind).map_err(Fault::Value)?;
        values = match (source.years.and_then(|years| among.get(years)), values) {
            (None | Some(Among::All), _) => Some(column),
            (Some(Among::Nothing), values) => values,
            (Some(Among::Some(here)), None) => Some(only(&column, here)?),
            (Some(Among::Some(here)), Some(otherwise)) => {
                Some(zip(&here.bits, &column, &otherwise).map_err(|_| Fault::Unexpected)?)
            }
        };
    }
    Ok(values.unwrap_or_else(nothing))
}

/// A column's values in rows that are here, and nothing in others: what was not collected is not left below a null either.
fn only(column: &ArrayRef, here: &Here) -> Result<ArrayRef, Fault> {
    fn numbers<T: ArrowPrimitiveType>(column: &ArrayRef, here: &Here) -> Result<ArrayRef, Fault> {
        let values = column.as_primitive::<T>().values().iter().zip(&here.rows);
        let values: Vec<T::Native> = values.map(|(v, here)| if *here { *v } else { T::Native::default() }).collect();
        let nulls = NullBuffer::union(column.nulls(), Some(&NullBuffer::new(here.bits.values().clone())));
        let array = PrimitiveArray::<T>::try_new(values.into(), nulls).map_err(|_| Fault::Unexpected)?;
        Ok(Arc::new(array.with_data_type(column.data_type().clone())))
    }
    match column.data_type() {
        DataType::Int8 => numbers::<Int8Type>(column, here),
        DataType::Int16 => numbers::<Int16Type>(column, here),
        DataType::Int32 => numbers::<Int32Type>(column, here),
        DataType::Int64 => numbers::<Int64Type>(column, here),
        DataType::Float32 => numbers::<Float32Type>(column, here),
        DataType::Float64 => numbers::<Float64Type>(column, here),
        DataType::Decimal128(..) => numbers::<Decimal128Type>(column, here),
        DataType::Date32 => numbers::<Date32Type>(column, here),
        DataType::Timestamp(TimeUnit::Microsecond, None) => numbers::<TimestampMicrosecondType>(column, here),
        kind => zip(&here.bits, column, &new_null_array(kind, column.len())).map_err(|_| Fault::Unexpected),
    }
}

/// Years of a batch that lie farther apart are looked at row by row.
const NEAR: i16 = 64;

/// The years of a batch's rows, where they stand in a column.
pub(super) struct RowYears<'a> {
    rows: &'a Int16Array,
    /// Those that are met, where no row lacks one and they lie near each other, as they mostly do.
    met: Option<Vec<i16>>,
}

/// Which rows are of one of some years.
pub(super) enum Among {
    Nothing,
    All,
    Some(Here),
}

/// Some rows of a batch, a bit each and a byte each.
pub(super) struct Here {
    bits: BooleanArray,
    rows: Vec<bool>,
}

impl<'a> RowYears<'a> {
    pub(super) fn of(rows: &'a Int16Array) -> Self {
        let values = rows.values();
        let range = values.iter().min().zip(values.iter().max());
        let near =
            range.filter(|(first, last)| rows.null_count() == 0 && last.checked_sub(**first).is_some_and(|n| n < NEAR));
        let met = near.map(|(first, last)| (*first..=*last).filter(|year| values.contains(year)).collect());
        Self { rows, met }
    }

    pub(super) fn among(&self, years: &YearPlaces) -> Among {
        let one_of = |year: i16| years.place(year).is_some();
        match &self.met {
            Some(met) if met.iter().all(|year| one_of(*year)) => Among::All,
            Some(met) if !met.iter().any(|year| one_of(*year)) => Among::Nothing,
            _ => {
                let is = |row: usize| self.rows.is_valid(row) && one_of(self.rows.value(row));
                let rows: Vec<bool> = (0..self.rows.len()).map(is).collect();
                Among::Some(Here { bits: BooleanArray::new(BooleanBuffer::from(rows.as_slice()), None), rows })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocab::Years;
    use arrow::array::StringViewArray;

    #[test]
    fn years_of_rows_are_told_together_as_one_by_one() {
        let some = YearPlaces::of(&Years::parse("2001/2002..2003/2004").unwrap());
        let rows = [
            vec![Some(2001), Some(2003), Some(2002)],
            vec![Some(2001), Some(2004)],
            vec![Some(2001), None],
            vec![None, None],
            vec![Some(1999), Some(2004)],
            vec![Some(2001), Some(2001 + 64)],
            vec![Some(2001), Some(2001 + 63)],
            vec![Some(i16::MIN), Some(i16::MAX)],
            vec![Some(i16::MAX)],
            vec![],
        ];
        for rows in rows {
            let array = Int16Array::from(rows.clone());
            let right: Vec<bool> =
                rows.iter().map(|year| year.is_some_and(|year| some.place(year).is_some())).collect();
            match RowYears::of(&array).among(&some) {
                Among::All => assert!(right.iter().all(|is| *is)),
                Among::Nothing => assert!(!right.contains(&true)),
                Among::Some(here) => assert_eq!((&here.rows, here.bits.values()), (&right, &right.as_slice().into())),
            }
        }
    }

    #[test]
    fn nothing_is_left_of_what_was_not_collected() {
        let years = Int16Array::from(vec![Some(2001), None, Some(1999), Some(2003)]);
        let Among::Some(here) =
            RowYears::of(&years).among(&YearPlaces::of(&Years::parse("2001/2002..2003/2004").unwrap()))
        else {
            panic!("some rows are of these years, and others are not")
        };
        let numbers: ArrayRef = Arc::new(PrimitiveArray::<Int32Type>::from(vec![Some(5), Some(6), Some(7), None]));
        let only_numbers = only(&numbers, &here).unwrap();
        assert_eq!(*only_numbers, PrimitiveArray::<Int32Type>::from(vec![Some(5), None, None, None]));
        assert_eq!(only_numbers.as_primitive::<Int32Type>().values()[..3], [5, 0, 0]);
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec![Some("a"), Some("b"), Some("c"), None]));
        let only_texts = only(&texts, &here).unwrap();
        assert_eq!(*only_texts, StringViewArray::from(vec![Some("a"), None, None, None]));
        assert_eq!(only_texts.as_string_view().views()[..3], [texts.as_string_view().views()[0], 0, 0]);
        let cents: ArrayRef =
            Arc::new(PrimitiveArray::<Decimal128Type>::from(vec![9; 4]).with_precision_and_scale(7, 2).unwrap());
        assert_eq!(
            (only(&cents, &here).unwrap().data_type(), only(&cents, &here).unwrap().null_count()),
            (cents.data_type(), 2)
        );
    }
}
