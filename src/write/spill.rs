//! Spilled rows: buckets of rank as Arrow IPC in scratch. De-identified already: ranks and released values.

use super::gather::{Pick, RowSet};
use crate::files::operation;
use crate::vocab::{Error, Result};
use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::datatypes::{Field, Schema, UInt32Type};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// Rows of a batch in scratch.
const SEGMENT_ROWS: usize = 64 * 1024;

/// The spilled rows of one table: segments of one file, each of one bucket.
#[derive(Debug)]
pub(super) struct Spill {
    path: PathBuf,
    segments: Vec<Segment>,
    end: u64,
    ranges: Ranges,
}

/// The ranks of a project's people, cut into ranges of about as many people each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ranges {
    count: u32,
    people: u32,
}

impl Ranges {
    pub(super) fn of(count: u32, people: u32) -> Self {
        let people = people.max(1);
        Self { count: count.clamp(1, people), people }
    }

    pub(super) fn count(self) -> u32 {
        self.count
    }

    /// A range by its number. The last has all ranks above.
    pub(super) fn get(self, number: u32) -> Range<u32> {
        let edge =
            |n: u32| u32::try_from(u64::from(n) * u64::from(self.people) / u64::from(self.count)).unwrap_or(u32::MAX);
        edge(number)..if number + 1 >= self.count { u32::MAX } else { edge(number + 1) }
    }
}

#[derive(Debug, Clone, Copy)]
struct Segment {
    bucket: u32,
    start: u64,
    length: u64,
}

impl Spill {
    /// A spill to a new file of that path, with ranks below `people` cut into `buckets`.
    pub(super) fn new(path: PathBuf, buckets: u32, people: u32) -> Self {
        Self { path, segments: Vec::new(), end: 0, ranges: Ranges::of(buckets, people) }
    }

    /// The ranks of the buckets.
    pub(super) fn ranges(&self) -> Ranges {
        self.ranges
    }

    /// Writes rows out, a segment a bucket.
    pub(super) fn write(&mut self, set: RowSet) -> Result<()> {
        let mut set = set;
        set.sort_by_rank();
        let mut file = operation::open_kept(&self.path)?;
        file.seek(SeekFrom::Start(self.end)).map_err(|e| Error::writing("spill to", self.path.clone(), e))?;
        let mut picks = set.picks();
        for bucket in 0..self.ranges.count() {
            let ranks = self.ranges.get(bucket);
            let count = picks.partition_point(|p| p.rank < ranks.end || ranks.end == u32::MAX);
            let (mine, others) = picks.split_at(count);
            picks = others;
            if mine.is_empty() {
                continue;
            }
            let mut written = 0;
            for part in mine.chunks(SEGMENT_ROWS) {
                written += self.segment(&set, part, &mut file)?;
            }
            self.segments.push(Segment { bucket, start: self.end, length: written });
            self.end += written;
        }
        Ok(())
    }

    fn segment(&self, set: &RowSet, picks: &[Pick], file: &mut File) -> Result<u64> {
        let fault = |_| Error::Internal("rows cannot be spilled".to_owned());
        let mut columns: Vec<ArrayRef> = vec![Arc::new(UInt32Array::from_iter_values(picks.iter().map(|p| p.rank)))];
        columns.extend(set.gather(picks)?);
        let fields: Vec<Field> =
            columns.iter().enumerate().map(|(i, c)| Field::new(format!("c{i}"), c.data_type().clone(), true)).collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(fault)?;
        let mut bytes = Vec::new();
        let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema()).map_err(fault)?;
        writer.write(&batch).map_err(fault)?;
        writer.finish().map_err(fault)?;
        drop(writer);
        let length = u64::try_from(bytes.len()).map_err(|_| Error::Internal("a spill too large".to_owned()))?;
        operation::write_all(file, &self.path, &length.to_le_bytes())?;
        operation::write_all(file, &self.path, &bytes)?;
        Ok(length + 8)
    }

    /// Reads a bucket back.
    pub(super) fn read(&self, bucket: u32) -> Result<RowSet> {
        let failed = |e| Error::writing("read back from", self.path.clone(), e);
        let fault = |_| Error::Internal("spilled rows cannot be read back".to_owned());
        let mut set = RowSet::default();
        let mine: Vec<Segment> = self.segments.iter().copied().filter(|s| s.bucket == bucket).collect();
        if mine.is_empty() {
            return Ok(set);
        }
        let mut file = BufReader::new(operation::open(&self.path).map_err(failed)?);
        for segment in mine {
            file.seek(SeekFrom::Start(segment.start)).map_err(failed)?;
            let mut left = segment.length;
            while left > 0 {
                let mut length = [0; 8];
                file.read_exact(&mut length).map_err(failed)?;
                let length = u64::from_le_bytes(length);
                let mut bytes =
                    vec![0; usize::try_from(length).map_err(|_| Error::Internal("a spill too large".to_owned()))?];
                file.read_exact(&mut bytes).map_err(failed)?;
                left = left.saturating_sub(length + 8);
                for batch in StreamReader::try_new(&bytes[..], None).map_err(fault)? {
                    let batch = batch.map_err(fault)?;
                    let ranks = batch.column(0).as_primitive::<UInt32Type>();
                    set.append(RowSet::of_arrays(ranks.values(), &batch.columns()[1..])?)?;
                }
            }
        }
        Ok(set)
    }
}

impl Drop for Spill {
    fn drop(&mut self) {
        // Scratch is swept as a whole later; a file that cannot be removed now is no loss.
        operation::remove(&self.path).ok();
    }
}
