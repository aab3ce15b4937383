//! The pages of one column chunk, compressed, one after the other, and what the footer says of them.

use crate::vocab::{Error, Result};
use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter as _};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

/// The fastest level that still codes single bytes by their frequency.
pub(super) const LEVEL: i32 = 1;

/// An encoded column chunk.
pub(crate) struct Chunk {
    pub(crate) bytes: Bytes,
    pub(super) close: ColumnCloseResult,
}

/// What compresses pages, with room for a page and for a chunk: both are large enough soon, and kept.
pub(super) struct Press {
    zstd: zstd::bulk::Compressor<'static>,
    compressed: Vec<u8>,
    room: Vec<u8>,
}

impl Press {
    pub(super) fn new() -> Result<Self> {
        let zstd = zstd::bulk::Compressor::new(LEVEL).map_err(|_| fault())?;
        Ok(Self { zstd, compressed: Vec::new(), room: Vec::new() })
    }

    /// Takes the room of a chunk back that was written.
    pub(super) fn reuse(&mut self, bytes: Bytes) {
        self.room = bytes.into();
        self.room.clear();
    }
}

/// The pages of a chunk so far.
pub(super) struct Pages<'a> {
    press: &'a mut Press,
    sink: TrackedWrite<Vec<u8>>,
    dictionary: Option<u64>,
    data: Option<u64>,
    uncompressed: usize,
    rows: usize,
    encoding: Encoding,
}

fn fault() -> Error {
    Error::Internal("a page cannot be written".to_owned())
}

impl<'a> Pages<'a> {
    pub(super) fn new(press: &'a mut Press, encoding: Encoding) -> Self {
        let sink = TrackedWrite::new(std::mem::take(&mut press.room));
        Self { press, sink, dictionary: None, data: None, uncompressed: 0, rows: 0, encoding }
    }

    fn write(&mut self, bytes: &[u8], page: impl FnOnce(Bytes) -> Page) -> Result<u64> {
        let Press { zstd, compressed, .. } = &mut *self.press;
        compressed.clear();
        compressed.reserve(::zstd::zstd_safe::compress_bound(bytes.len()));
        zstd.compress_to_buffer(bytes, compressed).map_err(|_| fault())?;
        // A page owns its bytes; they are taken back, and with them the room.
        let body = Bytes::from(std::mem::take(compressed));
        let page = CompressedPage::new(page(body.clone()), bytes.len());
        let spec = SerializedPageWriter::new(&mut self.sink).write_page(page).map_err(|_| fault())?;
        *compressed = body.into();
        self.uncompressed += spec.uncompressed_size;
        Ok(spec.offset)
    }

    pub(super) fn dictionary(&mut self, bytes: &[u8], values: usize) -> Result<()> {
        let num_values = u32::try_from(values).map_err(|_| fault())?;
        let page = |buf| Page::DictionaryPage { buf, num_values, encoding: Encoding::PLAIN, is_sorted: false };
        self.dictionary = Some(self.write(bytes, page)?);
        Ok(())
    }

    pub(super) fn data(&mut self, bytes: &[u8], rows: usize) -> Result<()> {
        let num_values = u32::try_from(rows).map_err(|_| fault())?;
        let encoding = self.encoding;
        let page = |buf| Page::DataPage {
            buf,
            num_values,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let offset = self.write(bytes, page)?;
        self.data.get_or_insert(offset);
        self.rows += rows;
        Ok(())
    }

    pub(super) fn close(self, of: &ColumnDescPtr) -> Result<Chunk> {
        let signed = |n: usize| i64::try_from(n).map_err(|_| fault());
        let level = ZstdLevel::try_new(LEVEL).map_err(|_| fault())?;
        let bytes = self.sink.into_inner().map_err(|_| fault())?;
        let offset = |at: u64| i64::try_from(at).map_err(|_| fault());
        let encodings = match self.encoding {
            Encoding::RLE_DICTIONARY => vec![Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY],
            other => vec![Encoding::RLE, other],
        };
        let metadata = ColumnChunkMetaData::builder(of.clone())
            .set_compression(Compression::ZSTD(level))
            .set_encodings(encodings)
            .set_num_values(signed(self.rows)?)
            .set_total_compressed_size(signed(bytes.len())?)
            .set_total_uncompressed_size(signed(self.uncompressed)?)
            .set_data_page_offset(offset(self.data.unwrap_or(0))?)
            .set_dictionary_page_offset(self.dictionary.map(offset).transpose()?)
            .build()
            .map_err(|_| fault())?;
        let close = ColumnCloseResult {
            bytes_written: u64::try_from(bytes.len()).unwrap_or(0),
            rows_written: u64::try_from(self.rows).unwrap_or(0),
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        Ok(Chunk { bytes: bytes.into(), close })
    }
}
