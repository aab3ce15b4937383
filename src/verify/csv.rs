//! CSV tables: read back strictly into the columns that the approval demands, so that every check of a Parquet table
//! looks at them too, and compared with their Parquet twins cell by cell.
//!
//! RFC 4180, UTF-8, a header. A cell without anything is missing, `""` is an empty text. Whatever cannot be read as its
//! column's type is refused.

use super::cells::Cells;
use super::expected::Table;
use crate::files::operation;
use crate::vocab::Type;
use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Float32Builder, Float64Builder, Int8Builder,
    Int16Builder, Int32Builder, Int64Builder, StringViewBuilder, TimestampMicrosecondBuilder,
};
use std::cmp::Ordering;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

/// No cell is longer: one that is was not written by us, and must not fill the memory.
const LONGEST: usize = 1 << 24;

/// What is wrong with a CSV file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It cannot be read, or is no CSV.
    Unreadable,
    /// Its header is another.
    Header,
    /// A cell of this column is not of its type.
    Cell(usize),
    /// It says something else than its twin.
    Differs,
}

/// A CSV table on its way in.
pub(super) struct Reader {
    file: BufReader<File>,
    columns: Vec<Builder>,
}

impl Reader {
    /// Opens a table and reads its header.
    pub(super) fn open(path: &Path, table: &Table<'_>) -> Result<Self, Fault> {
        let file = operation::open(path).map_err(|_| Fault::Unreadable)?;
        let columns = table.columns.iter().map(|column| Builder::new(column.kind)).collect();
        let mut reader = Self { file: BufReader::with_capacity(1 << 18, file), columns };
        let mut header = Vec::new();
        row(&mut reader.file, |index, text, _| {
            let belongs = table.columns.get(index).is_some_and(|column| column.name.as_bytes() == text);
            header.push(index);
            if belongs { Ok(()) } else { Err(Fault::Header) }
        })?;
        if header.len() == table.columns.len() { Ok(reader) } else { Err(Fault::Header) }
    }

    /// The next columns, of at most `rows` rows; `None` at the end.
    pub(super) fn batch(&mut self, rows: usize) -> Result<Option<Vec<ArrayRef>>, Fault> {
        let mut read = 0;
        while read < rows {
            let (file, columns) = (&mut self.file, &mut self.columns);
            let cells = row(file, |index, text, quoted| {
                let column = columns.get_mut(index).ok_or(Fault::Unreadable)?;
                column.push(text, quoted).ok_or(Fault::Cell(index))
            })?;
            match cells {
                0 => break,
                cells if cells == self.columns.len() => read += 1,
                _ => return Err(Fault::Unreadable),
            }
        }
        Ok((read > 0).then(|| self.columns.iter_mut().map(Builder::finish).collect()))
    }
}

/// Compares the next rows with those of the twin.
pub(super) fn compare(reader: &mut Reader, twin: &[ArrayRef]) -> Result<(), Fault> {
    let rows = twin.first().map_or(0, |column| column.len());
    let columns = reader.batch(rows)?.ok_or(Fault::Differs)?;
    for (index, (mine, theirs)) in columns.iter().zip(twin).enumerate() {
        let (Some(mine), Some(theirs)) = (Cells::of(mine), Cells::of(theirs)) else { return Err(Fault::Cell(index)) };
        if mine.len() != rows || (0..rows).any(|row| mine.compare(row, &theirs, row) != Ordering::Equal) {
            return Err(Fault::Differs);
        }
    }
    Ok(())
}

/// Reads one row and hands its cells on; gives their number, 0 at the end of the file. A row ends with CR LF.
fn row(
    file: &mut BufReader<File>,
    mut cell: impl FnMut(usize, &[u8], bool) -> Result<(), Fault>,
) -> Result<usize, Fault> {
    #[derive(PartialEq)]
    enum In {
        Plain,
        Quoted,
        /// After a quote within quotes: the end, or the first half of a quote.
        Closing,
        /// After CR outside quotes.
        Return,
    }
    let (mut state, mut text, mut quoted, mut cells, mut any) = (In::Plain, Vec::new(), false, 0, false);
    loop {
        let buffer = file.fill_buf().map_err(|_| Fault::Unreadable)?;
        if buffer.is_empty() {
            return if any { Err(Fault::Unreadable) } else { Ok(0) };
        }
        let mut used = 0;
        for byte in buffer {
            used += 1;
            any = true;
            state = match (state, byte) {
                (In::Return, b'\n') => {
                    cell(cells, &text, quoted)?;
                    file.consume(used);
                    return Ok(cells + 1);
                }
                (In::Return, _) => return Err(Fault::Unreadable),
                (In::Quoted, b'"') => In::Closing,
                (In::Plain | In::Closing, b'\r') => In::Return,
                (In::Plain | In::Closing, b',') => {
                    cell(cells, &text, quoted)?;
                    (cells, quoted) = (cells + 1, false);
                    text.clear();
                    In::Plain
                }
                (In::Plain, b'"') if text.is_empty() && !quoted => {
                    quoted = true;
                    In::Quoted
                }
                (In::Plain, b'"' | b'\n') => return Err(Fault::Unreadable),
                (In::Closing, b'"') => {
                    text.push(b'"');
                    In::Quoted
                }
                (In::Closing, _) => return Err(Fault::Unreadable),
                (state, byte) => {
                    text.push(*byte);
                    state
                }
            };
        }
        file.consume(used);
        if text.len() > LONGEST {
            return Err(Fault::Unreadable);
        }
    }
}

/// A column that is being read.
enum Builder {
    Bool(BooleanBuilder),
    Int8(Int8Builder),
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Decimal(Decimal128Builder, u8, i8),
    Text(StringViewBuilder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
}

macro_rules! each {
    ($builder:expr, $inner:ident => $body:expr) => {
        match $builder {
            Builder::Bool($inner) => $body,
            Builder::Int8($inner) => $body,
            Builder::Int16($inner) => $body,
            Builder::Int32($inner) => $body,
            Builder::Int64($inner) => $body,
            Builder::Float32($inner) => $body,
            Builder::Float64($inner) => $body,
            Builder::Decimal($inner, ..) => $body,
            Builder::Text($inner) => $body,
            Builder::Date($inner) => $body,
            Builder::Timestamp($inner) => $body,
        }
    };
}

impl Builder {
    fn new(kind: Type) -> Self {
        match kind {
            Type::Bool => Self::Bool(BooleanBuilder::new()),
            Type::Int8 => Self::Int8(Int8Builder::new()),
            Type::Int16 => Self::Int16(Int16Builder::new()),
            Type::Int32 => Self::Int32(Int32Builder::new()),
            Type::Int64 => Self::Int64(Int64Builder::new()),
            Type::Float32 => Self::Float32(Float32Builder::new()),
            Type::Float64 => Self::Float64(Float64Builder::new()),
            Type::Decimal { precision, scale } => Self::Decimal(Decimal128Builder::new(), precision, scale),
            Type::Text => Self::Text(StringViewBuilder::new()),
            Type::Date => Self::Date(Date32Builder::new()),
            Type::Timestamp => Self::Timestamp(TimestampMicrosecondBuilder::new()),
        }
    }

    /// Takes a cell in. `None` where it is not of the column's type.
    fn push(&mut self, text: &[u8], quoted: bool) -> Option<()> {
        let text = std::str::from_utf8(text).ok()?;
        if text.is_empty() && !quoted {
            each!(self, builder => builder.append_null());
            return Some(());
        }
        match self {
            Self::Bool(builder) => builder.append_value(text.parse().ok()?),
            Self::Int8(builder) => builder.append_value(text.parse().ok()?),
            Self::Int16(builder) => builder.append_value(text.parse().ok()?),
            Self::Int32(builder) => builder.append_value(text.parse().ok()?),
            Self::Int64(builder) => builder.append_value(text.parse().ok()?),
            // Rust reads `NaN` and `INF` as the Data Package standard writes them.
            Self::Float32(builder) => builder.append_value(text.parse().ok()?),
            Self::Float64(builder) => builder.append_value(text.parse().ok()?),
            Self::Decimal(builder, _, scale) => builder.append_value(decimal(text, *scale)?),
            Self::Text(builder) => builder.append_value(text),
            Self::Date(builder) => builder.append_value(date(text)?),
            Self::Timestamp(builder) => builder.append_value(moment(text)?),
        }
        Some(())
    }

    fn finish(&mut self) -> ArrayRef {
        if let Self::Decimal(builder, precision, scale) = self {
            // The catalogue's precision and scale are in range; were they not, no cell would compare equal.
            let array = builder.finish();
            return match array.clone().with_precision_and_scale(*precision, *scale) {
                Ok(array) => Arc::new(array),
                Err(_) => Arc::new(array),
            };
        }
        each!(self, builder => Arc::new(builder.finish()))
    }
}

/// `-12.05` with exactly the column's digits behind the point.
fn decimal(text: &str, scale: i8) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let unsigned = whole.strip_prefix('-').unwrap_or(whole);
    let fits =
        !unsigned.is_empty() && digits(unsigned) && digits(fraction) && usize::try_from(scale) == Ok(fraction.len());
    fits.then(|| format!("{whole}{fraction}").parse().ok())?
}

/// `2012-04-06` in days since 1970-01-01. Years of more than four digits, and before 0, are possible.
fn date(text: &str) -> Option<i32> {
    let (rest, day) = text.rsplit_once('-')?;
    let (year, month) = rest.rsplit_once('-')?;
    let number = |part: &str, length: usize| {
        (part.len() == length && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<i64>().ok())?
    };
    let (year, month, day) = (year.parse::<i64>().ok()?, number(month, 2)?, number(day, 2)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || year.abs() > 10_000_000 {
        return None;
    }
    // Years are taken to begin in March, so that the leap day ends them.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    i32::try_from(365 * year + leaps + (153 * month + 2) / 5 + day - 1 - 719_468).ok()
}

/// `2012-04-06T12:30:00.5` in microseconds since 1970-01-01.
fn moment(text: &str) -> Option<i64> {
    let (day, time) = text.split_once('T')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut seconds = 0;
    let parts: Vec<&str> = time.split(':').collect();
    for part in &parts {
        seconds = seconds * 60 + part.parse::<u32>().ok().filter(|n| *n < 60)?;
    }
    let digits = fraction.len() <= 6 && fraction.bytes().all(|b| b.is_ascii_digit());
    let micros: i64 = format!("{fraction:0<6}").parse().ok().filter(|_| digits && parts.len() == 3)?;
    let day = i64::from(date(day)?).checked_mul(86_400_000_000)?;
    day.checked_add(i64::from(seconds) * 1_000_000 + micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_read_as_they_are_written() {
        for (text, days) in [("1970-01-01", 0), ("9999-12-31", 2_932_896), ("1969-12-31", -1), ("2000-02-29", 11_016)] {
            assert_eq!(date(text), Some(days), "{text}");
        }
        assert_eq!(moment("1970-01-01T00:00:01.5"), Some(1_500_000));
        assert_eq!(moment("1969-12-31T23:59:59.999999"), Some(-1));
        assert_eq!((decimal("-12.05", 2), decimal("7", 0), decimal("-0.05", 2)), (Some(-1205), Some(7), Some(-5)));
        for bad in ["", "-", "1.5", "1.555", ".55", "1,5", "+1.55"] {
            assert_eq!(decimal(bad, 2), None, "{bad}");
        }
        for bad in ["2012-4-6", "2012-13-01", "20120406", "x-01-01"] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }
}
