//! The files of a world as Parquet: each column in its stored type, each file in its layout.

use super::int96;
use super::model::{Cell, Column, File, Kind, Layout, Pack, Stored};
use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int64Array,
    ListArray, NullArray, RecordBatch, StringArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    TimestampNanosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use std::path::Path;
use std::sync::Arc;

const DAY_MICROS: i64 = 86_400_000_000;

/// Writes all files of a world below its folder.
pub(super) fn write(files: &[File], root: &Path) {
    for file in files {
        let path = root.join(&file.path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        if file.columns.iter().any(|c| c.stored == Stored::Int96) {
            int96::write(file, &path, properties(&file.layout));
            continue;
        }
        let arrays: Vec<ArrayRef> = file.columns.iter().map(array).collect();
        let fields = file.columns.iter().zip(&arrays).map(|(c, a)| Field::new(&c.name, a.data_type().clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).unwrap();
        let sink = std::fs::File::create(&path).unwrap();
        let mut writer = ArrowWriter::try_new(sink, schema, Some(properties(&file.layout))).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }
}

fn properties(layout: &Layout) -> WriterProperties {
    let pack = match layout.pack {
        Pack::None => Compression::UNCOMPRESSED,
        Pack::Snappy => Compression::SNAPPY,
        Pack::Zstd => Compression::ZSTD(ZstdLevel::default()),
    };
    let version = if layout.second_pages { WriterVersion::PARQUET_2_0 } else { WriterVersion::PARQUET_1_0 };
    let mut properties = WriterProperties::builder()
        .set_compression(pack)
        .set_writer_version(version)
        .set_dictionary_enabled(layout.dictionary)
        .set_statistics_enabled(if layout.statistics { EnabledStatistics::Page } else { EnabledStatistics::None });
    if let Some(rows) = layout.group_rows {
        properties = properties.set_max_row_group_row_count(Some(rows));
    }
    if let Some(rows) = layout.page_rows {
        properties = properties.set_data_page_row_count_limit(rows).set_write_batch_size(rows);
    }
    properties.build()
}

/// The values of a column, each read by `of`; missing ones stay so.
pub(super) fn each<'c, T>(column: &'c Column, of: impl Fn(&'c Cell) -> Option<T>) -> Vec<Option<T>> {
    let read = |cell: &'c Cell| match cell {
        Cell::Null => None,
        other => Some(of(other).unwrap_or_else(|| panic!("{other:?} does not stand in {}", column.name))),
    };
    column.cells.iter().map(read).collect()
}

/// A moment in microseconds: dates are midnights.
pub(super) fn moment(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Date(days) => Some(i64::from(*days) * DAY_MICROS),
        Cell::Stamp(micros) => Some(*micros),
        _ => None,
    }
}

fn array(column: &Column) -> ArrayRef {
    match column.stored {
        Stored::AllNull => return Arc::new(NullArray::new(column.cells.len())),
        Stored::Millis => {
            let millis = |cell: &Cell| moment(cell).map(|m| m / 1_000);
            return Arc::new(TimestampMillisecondArray::from(each(column, millis)));
        }
        Stored::Micros => return Arc::new(TimestampMicrosecondArray::from(each(column, moment))),
        Stored::Utc => {
            return Arc::new(TimestampMicrosecondArray::from(each(column, moment)).with_timezone("UTC"));
        }
        Stored::Nested => {
            let lists = column.cells.iter().map(|cell| (!cell.is_null()).then(|| vec![Some(7), None]));
            return Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists));
        }
        Stored::Nanos => {
            let nanos = |cell: &Cell| moment(cell).and_then(|m| m.checked_mul(1_000));
            return Arc::new(TimestampNanosecondArray::from(each(column, nanos)));
        }
        Stored::Days if column.kind == Kind::Timestamp => {
            let day = |cell: &Cell| moment(cell).and_then(|m| i32::try_from(m.div_euclid(DAY_MICROS)).ok());
            return Arc::new(Date32Array::from(each(column, day)));
        }
        _ => {}
    }
    let plain = plain(column);
    let wanted = match column.stored {
        Stored::Dictionary => DataType::Dictionary(Box::new(DataType::Int32), Box::new(plain.data_type().clone())),
        Stored::LargeText => DataType::LargeUtf8,
        Stored::ViewText => DataType::Utf8View,
        Stored::Int8 => DataType::Int8,
        Stored::Int16 => DataType::Int16,
        Stored::Int32 => DataType::Int32,
        Stored::Int64 => DataType::Int64,
        Stored::UInt8 => DataType::UInt8,
        Stored::UInt16 => DataType::UInt16,
        Stored::UInt32 => DataType::UInt32,
        Stored::UInt64 => DataType::UInt64,
        Stored::WholeDecimal => DataType::Decimal128(20, 0),
        Stored::SmallDecimal => match column.kind {
            Kind::Decimal(p, s) => DataType::Decimal128(p - 1, i8::try_from(s - 1).unwrap()),
            other => panic!("{other:?} is no decimal"),
        },
        Stored::Float32 => DataType::Float32,
        Stored::Half => DataType::Float16,
        Stored::Binary => {
            let bytes = each(column, |c| if let Cell::Text(t) = c { Some(t.as_bytes()) } else { None });
            return Arc::new(BinaryArray::from(bytes));
        }
        _ => return plain,
    };
    let stored = cast(&plain, &wanted).unwrap();
    assert_eq!(stored.null_count(), plain.null_count(), "{} loses values as {wanted}", column.name);
    stored
}

fn plain(column: &Column) -> ArrayRef {
    let float = |cell: &Cell| if let Cell::Float(v) = cell { Some(*v) } else { None };
    match column.kind {
        Kind::Bool => {
            Arc::new(BooleanArray::from(each(column, |c| if let Cell::Bool(v) = c { Some(*v) } else { None })))
        }
        Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => {
            let wide: ArrayRef =
                Arc::new(Int64Array::from(each(column, |c| if let Cell::Int(v) = c { Some(*v) } else { None })));
            let narrow = match column.kind {
                Kind::Int8 => DataType::Int8,
                Kind::Int16 => DataType::Int16,
                Kind::Int32 => DataType::Int32,
                _ => DataType::Int64,
            };
            if column.stored == Stored::Plain { cast(&wide, &narrow).unwrap() } else { wide }
        }
        Kind::Float64 => Arc::new(Float64Array::from(each(column, float))),
        Kind::Float32 => {
            let wide: ArrayRef = Arc::new(Float64Array::from(each(column, float)));
            let narrow = cast(&wide, &DataType::Float32).unwrap();
            assert!(narrow.as_any().is::<Float32Array>());
            if column.stored == Stored::Plain { narrow } else { wide }
        }
        Kind::Decimal(p, s) => {
            let values = each(column, |c| if let Cell::Decimal(v, _) = c { Some(*v) } else { None });
            let scale = i8::try_from(s).unwrap();
            Arc::new(Decimal128Array::from(values).with_precision_and_scale(p, scale).unwrap())
        }
        Kind::Text => {
            Arc::new(StringArray::from(each(column, |c| if let Cell::Text(t) = c { Some(t.as_str()) } else { None })))
        }
        Kind::Date => {
            Arc::new(Date32Array::from(each(column, |c| if let Cell::Date(v) = c { Some(*v) } else { None })))
        }
        Kind::Timestamp => Arc::new(TimestampMicrosecondArray::from(each(column, moment))),
    }
}
