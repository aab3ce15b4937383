//! How the `parquet` crate may write the tables: settings that somebody who wants speed would try.

use super::tables::Table;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;
use std::fmt;

/// How texts stand in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Texts {
    /// As views.
    Views,
    /// As Arrow dictionaries where the file has dictionaries, else as views.
    Dictionaries,
}

impl fmt::Display for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Views => "views",
            Self::Dictionaries => "dictionaries",
        })
    }
}

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Values {
    /// By a dictionary where our file has one, else as they are.
    AsPublished,
    /// The same, but integers as they are.
    PlainIntegers,
    /// The same, but integers by their differences.
    DeltaIntegers,
    /// All as they are.
    Plain,
    /// By a dictionary until it is too large: the crate's default.
    Tried,
}

/// Which chunks are compressed, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    /// With zstd, level 1: as ours are.
    Zstd,
    /// The same, but packed numbers of dictionaries and differences stay as they are: compressing them gains little.
    ZstdWhereItGains,
    Snappy,
}

/// One way to write all tables.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) texts: Texts,
    values: Values,
    codec: Codec,
    statistics: bool,
}

const fn setting(name: &'static str, texts: Texts, values: Values, codec: Codec) -> Setting {
    Setting { name, texts, values, codec, statistics: matches!(values, Values::Tried) }
}

/// What is tried. `person_id` is by its differences always, but not with the crate's defaults.
pub(crate) const SETTINGS: &[Setting] = &[
    setting("as published", Texts::Views, Values::AsPublished, Codec::Zstd),
    setting("as published, packed numbers not compressed", Texts::Views, Values::AsPublished, Codec::ZstdWhereItGains),
    setting("the same, from Arrow dictionaries", Texts::Dictionaries, Values::AsPublished, Codec::ZstdWhereItGains),
    setting("the same, integers plain", Texts::Dictionaries, Values::PlainIntegers, Codec::ZstdWhereItGains),
    setting("the same, integers by differences", Texts::Dictionaries, Values::DeltaIntegers, Codec::ZstdWhereItGains),
    setting("integers by differences, all compressed", Texts::Dictionaries, Values::DeltaIntegers, Codec::Zstd),
    setting("no dictionaries", Texts::Views, Values::Plain, Codec::Zstd),
    setting("as published, but Snappy", Texts::Views, Values::AsPublished, Codec::Snappy),
    setting("the crate's defaults, zstd 1", Texts::Views, Values::Tried, Codec::Zstd),
];

/// Rows of a page, as our files have them.
const PAGE_ROWS: usize = 64 * 1024;
/// Rows that the crate encodes at a time: fewer cost more, and no more gain nothing.
const WRITE_ROWS: usize = 8 * 1024;
/// Larger than any page or dictionary of ours, so that rows alone cut pages.
const LARGE: usize = 64 << 20;

impl Setting {
    /// The properties of a table's writer.
    pub(crate) fn properties(&self, table: &Table) -> WriterProperties {
        let zstd = Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default());
        let mut all = WriterProperties::builder()
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .set_max_row_group_row_count(Some(table.group_rows))
            .set_compression(if self.codec == Codec::Snappy { Compression::SNAPPY } else { zstd });
        if self.values != Values::Tried {
            all = all
                .set_data_page_row_count_limit(PAGE_ROWS)
                .set_data_page_size_limit(LARGE)
                .set_dictionary_page_size_limit(LARGE)
                .set_write_batch_size(WRITE_ROWS);
        }
        if !self.statistics {
            all = all.set_statistics_enabled(EnabledStatistics::None).set_offset_index_disabled(true);
        }
        for column in &table.columns {
            let path = ColumnPath::new(vec![column.name.clone()]);
            let deltas = column.integers && self.values == Values::DeltaIntegers;
            let dictionary = match self.values {
                Values::AsPublished => column.has_dictionary,
                Values::PlainIntegers | Values::DeltaIntegers => column.has_dictionary && !column.integers,
                Values::Tried => true,
                Values::Plain => false,
            };
            if deltas {
                all = all.set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED);
            }
            if column.name == "person_id" && self.values != Values::Tried {
                all = all.set_column_encoding(path.clone(), Encoding::DELTA_BYTE_ARRAY);
            }
            if (dictionary || deltas) && self.codec == Codec::ZstdWhereItGains {
                all = all.set_column_compression(path.clone(), Compression::UNCOMPRESSED);
            }
            all = all.set_column_dictionary_enabled(path, dictionary);
        }
        all.build()
    }
}
