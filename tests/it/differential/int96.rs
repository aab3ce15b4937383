//! Files with int96 timestamps, as old Spark and Hive wrote them: Arrow's writer has none, Parquet's own has.

use super::model::{Cell, Column, File, Kind, Stored};
use super::store::{each, moment};
use parquet::basic::{ConvertedType, Repetition, Type as Physical};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DoubleType, FloatType, Int32Type, Int64Type, Int96, Int96Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;
use std::path::Path;
use std::sync::Arc;

const DAY_MICROS: i64 = 86_400_000_000;
/// The Julian day of 1970-01-01.
const JULIAN: i64 = 2_440_588;

/// Whether this way of writing has the column's type.
pub(super) fn fits(column: &Column) -> bool {
    !matches!(column.kind, Kind::Decimal(_, _))
}

fn field(column: &Column) -> Type {
    let (physical, converted) = match column.kind {
        _ if column.stored == Stored::Int96 => (Physical::INT96, ConvertedType::NONE),
        Kind::Bool => (Physical::BOOLEAN, ConvertedType::NONE),
        Kind::Int8 => (Physical::INT32, ConvertedType::INT_8),
        Kind::Int16 => (Physical::INT32, ConvertedType::INT_16),
        Kind::Int32 => (Physical::INT32, ConvertedType::NONE),
        Kind::Int64 => (Physical::INT64, ConvertedType::NONE),
        Kind::Float32 => (Physical::FLOAT, ConvertedType::NONE),
        Kind::Float64 => (Physical::DOUBLE, ConvertedType::NONE),
        Kind::Text => (Physical::BYTE_ARRAY, ConvertedType::UTF8),
        Kind::Date => (Physical::INT32, ConvertedType::DATE),
        Kind::Timestamp => (Physical::INT64, ConvertedType::TIMESTAMP_MICROS),
        Kind::Decimal(_, _) => panic!("no decimals are written this way"),
    };
    Type::primitive_type_builder(&column.name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_converted_type(converted)
        .build()
        .unwrap()
}

/// Writes a file, a row group after the other.
pub(super) fn write(file: &File, path: &Path, properties: WriterProperties) {
    let fields = file.columns.iter().map(|c| Arc::new(field(c))).collect();
    let schema = Arc::new(Type::group_type_builder("schema").with_fields(fields).build().unwrap());
    let sink = std::fs::File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(sink, schema, Arc::new(properties)).unwrap();
    let rows = file.rows();
    let step = file.layout.group_rows.unwrap_or(rows).max(1);
    for start in (0..rows).step_by(step) {
        let mut group = writer.next_row_group().unwrap();
        for column in &file.columns {
            let part = Column { cells: column.cells[start..rows.min(start + step)].to_vec(), ..column.clone() };
            let mut open = group.next_column().unwrap().unwrap();
            values(&part, &mut open);
            open.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.close().unwrap();
}

fn values(column: &Column, open: &mut SerializedColumnWriter<'_>) {
    let levels: Vec<i16> = column.cells.iter().map(|c| i16::from(!c.is_null())).collect();
    macro_rules! put {
        ($of:ty, $read:expr) => {{
            let values: Vec<_> = each(column, $read).into_iter().flatten().collect();
            open.typed::<$of>().write_batch(&values, Some(&levels), None).unwrap();
        }};
    }
    let int = |c: &Cell| match c {
        Cell::Int(v) => Some(*v),
        Cell::Date(v) => Some(i64::from(*v)),
        _ => None,
    };
    match column.kind {
        _ if column.stored == Stored::Int96 => put!(Int96Type, |c| moment(c).map(int96)),
        Kind::Bool => put!(BoolType, |c| if let Cell::Bool(v) = c { Some(*v) } else { None }),
        Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Date => {
            put!(Int32Type, |c| int(c).map(|v| i32::try_from(v).unwrap()));
        }
        Kind::Int64 => put!(Int64Type, int),
        Kind::Timestamp => put!(Int64Type, moment),
        Kind::Float32 => put!(FloatType, |c| if let Cell::Float(v) = c { Some(single(*v)) } else { None }),
        Kind::Float64 => put!(DoubleType, |c| if let Cell::Float(v) = c { Some(*v) } else { None }),
        Kind::Text => {
            put!(ByteArrayType, |c| if let Cell::Text(t) = c { Some(ByteArray::from(t.as_str())) } else { None });
        }
        Kind::Decimal(_, _) => panic!("no decimals are written this way"),
    }
}

/// A double that equals a single, as that single.
fn single(value: f64) -> f32 {
    value.to_string().parse().unwrap()
}

/// Nanoseconds of the day, then the Julian day.
fn int96(micros: i64) -> Int96 {
    let nanos = u64::try_from(micros.rem_euclid(DAY_MICROS) * 1_000).unwrap();
    let day = u32::try_from(micros.div_euclid(DAY_MICROS) + JULIAN).unwrap();
    let low = u32::try_from(nanos & u64::from(u32::MAX)).unwrap();
    let mut value = Int96::new();
    value.set_data(low, u32::try_from(nanos >> 32).unwrap(), day);
    value
}
