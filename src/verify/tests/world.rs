//! The extract of the fixture as files in a folder, the account of an honest builder, and what the verifier says.

use super::fixture::{CENSUS, Columns, JOBS, KS4, LATER, LEAVERS, all_tables, catalogue, leavers, spec};
use crate::catalogue::Catalogue;
use crate::spec::Spec;
use crate::verify::{Against, Verdict, bag, tables};
use crate::vocab::{
    Attrition, ColumnRecord, ElementName, Fates, Kind, ProjectAccount, Release, Slice, SliceAccount, SourceRecord,
    StepCount, TableRecord, Term, Type, Year,
};
use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// An extract's folder with what it is proved against.
pub(super) struct World {
    pub(super) folder: tempfile::TempDir,
    pub(super) catalogue: Catalogue,
    pub(super) spec: Spec,
    pub(super) account: Option<ProjectAccount>,
    pub(super) sources: Option<Vec<SourceRecord>>,
    pub(super) tables: BTreeMap<&'static str, Columns>,
}

/// As the builder's files are: no statistics, no metadata beside the columns.
pub(super) fn properties() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_created_by("leo-extract 0.1.0".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
}

impl World {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world =
            Self { folder, catalogue: catalogue(), spec: spec(), account: None, sources: None, tables: all_tables() };
        world.tables.keys().for_each(|stem| world.write(stem, properties()));
        world
    }

    pub(super) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(super) fn path(&self, stem: &str) -> PathBuf {
        self.data().join(format!("{stem}.parquet"))
    }

    /// Writes a table as it now is.
    pub(super) fn write(&self, stem: &str, properties: WriterPropertiesBuilder) {
        let path = self.path(stem);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let batch = RecordBatch::try_from_iter(self.tables[stem].clone()).unwrap();
        let options = ArrowWriterOptions::new().with_properties(properties.build()).with_skip_arrow_metadata(true);
        let file = std::fs::File::create(path).unwrap();
        let mut writer = ArrowWriter::try_new_with_options(file, batch.schema(), options).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    /// Writes the CSV twin of a table as it now is.
    pub(super) fn write_csv(&self, stem: &str) {
        let columns = &self.tables[stem];
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        let mut text = names.join(",") + "\r\n";
        let options = FormatOptions::default();
        let cells: Vec<_> =
            columns.iter().map(|(_, array)| ArrayFormatter::try_new(array, &options).unwrap()).collect();
        for row in 0..columns[0].1.len() {
            let row: Vec<String> = cells.iter().map(|cells| cells.value(row).to_string()).collect();
            text += &(row.join(",") + "\r\n");
        }
        std::fs::write(self.data().join(format!("{stem}.csv")), text).unwrap();
    }

    /// Changes a table and writes it again.
    pub(super) fn change(&mut self, stem: &'static str, change: impl FnOnce(&mut Columns)) {
        change(self.tables.get_mut(stem).unwrap());
        self.write(stem, properties());
    }

    /// Replaces a column of a table.
    pub(super) fn replace(&mut self, stem: &'static str, column: &str, array: ArrayRef) {
        self.change(stem, |columns| columns.iter_mut().find(|(name, _)| name == column).unwrap().1 = array);
    }

    /// Makes the linked table anew from the tables that it repeats.
    pub(super) fn relink(&mut self) {
        let linked = leavers(&self.tables[KS4], &self.tables[LATER]);
        self.change(LEAVERS, |columns| *columns = linked);
    }

    /// Takes the account that an honest builder would give of the tables as they now are.
    pub(super) fn count(&mut self) {
        let rows = |stem: &str| self.tables[stem][0].1.len() as u64;
        let mut people: Vec<(String, u64)> = Vec::new();
        for (stem, columns) in &self.tables {
            let ids = columns[0].1.as_any().downcast_ref::<StringArray>().unwrap();
            let mut ids: Vec<_> = ids.iter().collect();
            ids.dedup();
            people.push(((*stem).to_owned(), ids.len() as u64));
        }
        let slice_of = |stem: &str| match stem {
            KS4 => Some(Slice { year: Year(2010), term: None }),
            LATER => Some(Slice { year: Year(2011), term: None }),
            CENSUS => Some(Slice { year: Year(2010), term: Some(Term::Spring) }),
            _ => None,
        };
        let element_of = |stem: &str| stem.split_once('/').and_then(|(element, _)| ElementName::new(element));
        let records = people.iter().map(|(stem, persons)| {
            let bytes = std::fs::read(self.path(stem)).unwrap();
            TableRecord {
                path: format!("{stem}.parquet"),
                element: element_of(stem),
                slice: slice_of(stem),
                rows: rows(stem),
                persons: *persons,
                bytes: bytes.len() as u64,
                sha256: Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect(),
                sha512: String::new(),
                columns: self.tables[stem.as_str()].iter().map(|(name, array)| record(name, array)).collect(),
                recipe: String::new(),
            }
        });
        let slices = [KS4, LATER, CENSUS, JOBS].map(|stem| SliceAccount {
            element: element_of(stem).unwrap(),
            slice: slice_of(stem),
            fates: Fates { rows_read: rows(stem) + 7, unlinked: 7, kept: rows(stem), ..Fates::default() },
        });
        let step = |step: &str, before, matched, after| StepCount {
            step: step.to_owned(),
            people_before: before,
            people_matched: matched,
            people_after: after,
        };
        self.account = Some(ProjectAccount {
            project: self.spec.project.id.clone(),
            attrition: Attrition {
                steps: vec![step("include npd.ks4", 0, 25, 25), step("require link pmr", 25, 20, 20)],
                excluded: 0,
                persons: 20,
            },
            linked: vec![(Kind::new("pmr").unwrap(), 20), (Kind::new("edukey").unwrap(), 10)],
            slices: slices.to_vec(),
            tables: records.collect(),
        });
    }

    pub(super) fn verdict(&self) -> Verdict {
        let against = Against {
            spec: &self.spec,
            catalogue: &self.catalogue,
            account: self.account.as_ref(),
            sources: self.sources.as_deref(),
        };
        tables(&self.data(), &against, 2).unwrap()
    }

    /// The codes of all refusals, each once, in order of the alphabet.
    pub(super) fn codes(&self) -> Vec<&'static str> {
        codes(&self.verdict())
    }

    pub(super) fn bag_codes(&self) -> Vec<&'static str> {
        codes(&bag(self.folder.path()))
    }
}

fn codes(verdict: &Verdict) -> Vec<&'static str> {
    let mut codes: Vec<_> = verdict.findings.iter().map(|finding| finding.code).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

fn record(name: &str, array: &ArrayRef) -> ColumnRecord {
    ColumnRecord {
        name: name.to_owned(),
        element: None,
        variable: None,
        kind: Type::Text,
        release: Release::AsIs,
        missing: array.null_count() as u64,
        unknown_codes: 0,
    }
}
