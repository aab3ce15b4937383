//! Encoding alone: batches that are in memory become Parquet through the crate's own writer, into a sink that counts.

use super::pool::{Fallible, Spent, over};
use super::settings::{Setting, Texts};
use super::tables::{Table, Tables};
use arrow::array::RecordBatch;
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use std::io::Write;

/// Counts bytes and forgets them.
#[derive(Default)]
struct Counted(u64);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += u64::try_from(bytes.len()).unwrap_or(0);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Encodes all tables with each of some settings: the seconds, and the bytes. Tables are read beforehand, share by share,
/// which is not timed.
pub(crate) fn encode(tables: &Tables, settings: &[Setting], threads: usize) -> Fallible<Vec<(Spent, u64)>> {
    let mut all: Vec<(Spent, u64)> = settings.iter().map(|_| (Spent::default(), 0)).collect();
    for share in tables.shares() {
        for texts in [Texts::Views, Texts::Dictionaries] {
            if settings.iter().all(|setting| setting.texts != texts) {
                continue;
            }
            let (loaded, _) = over(threads, share, |table| table.read(texts, None))?;
            let loaded: Vec<(&Table, Vec<RecordBatch>)> = share.iter().zip(loaded).collect();
            for (setting, (spent, bytes)) in settings.iter().zip(&mut all).filter(|(s, _)| s.texts == texts) {
                let (written, took) = over(threads, &loaded, |(table, batches)| one(table, batches, setting))?;
                spent.add(took);
                *bytes += written.iter().sum::<u64>();
            }
        }
    }
    Ok(all)
}

/// Encodes one table. Returns its bytes.
fn one(table: &Table, batches: &[RecordBatch], setting: &Setting) -> Fallible<u64> {
    let fault = |_| "a table cannot be encoded";
    let Some(first) = batches.first() else { return Ok(0) };
    let options = ArrowWriterOptions::new().with_properties(setting.properties(table)).with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(Counted::default(), first.schema(), options).map_err(fault)?;
    for batch in batches {
        writer.write(batch).map_err(fault)?;
    }
    let footer = writer.finish().map_err(fault)?;
    if u64::try_from(footer.file_metadata().num_rows())? != table.rows {
        return Err("some rows were not encoded".into());
    }
    Ok(writer.inner().0)
}
