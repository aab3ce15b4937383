//! One column, cell by cell: its shape, and whether it looks like identifiers. The cost of a cell is a look at the verdict on
//! its place in a dictionary, or into a small cache: most columns repeat few values.

use super::cells::Cells;
use super::expected::{Column, Role};
use super::leak::{self, Distinct};
use super::shapes::{TextShape, misshapen};
use super::tally::{Check, Tally};
use super::text::{Text, is_same};
use crate::vocab::{Release, safe_text};
use arrow::array::{Array, StringArray, StringViewArray, UInt32Array};

/// A text column's cell has not the shape of its release: beside the bits of [`leak`].
const MISSHAPEN: u8 = 8;
/// The bits of a verdict, their codes, and what they say.
const VERDICTS: [(u8, &str, &str); 4] = [
    (leak::NINO, "nino-shaped", "look like National Insurance numbers"),
    (leak::POSTCODE, "postcode-shaped", "look like postcodes"),
    (leak::ADDRESS, "address-shaped", "hold what looks like an e-mail address"),
    (MISSHAPEN, "not-coarsened", "have not the shape of their release"),
];

/// What is kept of one column while its cells pass.
pub(super) struct Scan<'a> {
    /// Missing cells so far.
    pub(super) missing: u64,
    name: &'a str,
    release: &'a Release,
    text: Option<TextScan<'a>>,
    numbers: Distinct,
    misshapen: usize,
    coarsened: usize,
    scanned: usize,
}

impl<'a> Scan<'a> {
    /// Begins a column. Only variables are scanned; pseudonyms have a shape that no identifier has.
    pub(super) fn new(column: &'a Column<'a>) -> Self {
        let (release, codes) = match column.role {
            Role::Variable { variable, release } => (release, Some(variable.codes.as_slice())),
            _ => (&Release::AsIs, None),
        };
        Self {
            missing: 0,
            name: &column.name,
            release,
            text: codes.map(|codes| TextScan::new(release, codes)),
            numbers: Distinct::default(),
            misshapen: 0,
            coarsened: 0,
            scanned: 0,
        }
    }

    /// Looks at the cells of a batch.
    pub(super) fn batch(&mut self, cells: &Cells<'_>) {
        let (all, missing) = (cells.len(), cells.missing());
        self.missing += missing as u64;
        let Some(text) = &mut self.text else { return };
        if self.release.coarsens() {
            self.coarsened += all - missing;
        }
        match cells {
            Cells::Text(cells) => {
                text.batch(cells);
                self.scanned += if text.pseudonyms() { 0 } else { all - missing };
            }
            _ => {
                self.misshapen += misshapen(cells, self.release);
                self.scanned += scan_numbers(cells, &mut self.numbers);
            }
        }
    }

    /// Refuses what was found.
    pub(super) fn finish(&self, file: &str, tally: &mut Tally) {
        tally.look(Check::Shapes, self.coarsened);
        tally.look(Check::LeakScan, self.scanned);
        let cells = |count: u64, what: &str| format!("{} cells of `{}` {what}", safe_text(count), self.name);
        if self.misshapen > 0 {
            tally.refuse("not-coarsened", file, cells(self.misshapen as u64, VERDICTS[3].2));
        }
        let mut suspects = self.numbers.suspects();
        if let Some(text) = &self.text {
            for ((_, code, what), count) in VERDICTS.iter().zip(text.counts) {
                if count > 0 {
                    tally.refuse(code, file, cells(count, what));
                }
            }
            suspects.extend(text.distinct.suspects());
        }
        for kind in suspects {
            tally.refuse(
                "identifier-numbers",
                file,
                format!("`{}` seems to hold {kind}s: their check digits are right", self.name),
            );
        }
    }
}

/// Looks at whole numbers large enough to be a ULN or HUSID. Gives how many cells were looked at.
fn scan_numbers(cells: &Cells<'_>, distinct: &mut Distinct) -> usize {
    macro_rules! scan {
        ($array:expr, $least:expr, $whole:expr) => {{
            let whole = $whole;
            // One fast pass, without a branch, finds that a column has no such number; only then is each cell looked at.
            if $array.values().iter().fold(false, |any, value| any | (*value >= $least)) {
                $array.iter().flatten().filter_map(|value| whole(value)).for_each(|number| distinct.number(number));
            }
            $array.len() - $array.null_count()
        }};
    }
    let float = |value: f64| {
        let whole = (0.0..1e15).contains(&value) && value.fract() == 0.0;
        // Exact: the value is whole and below 2^53.
        whole.then(|| format!("{value:.0}").parse().ok()).flatten()
    };
    match cells {
        Cells::Int32(array) => scan!(array, leak::LEAST, |value: i32| u64::try_from(value).ok()),
        Cells::Int64(array) => scan!(array, i64::from(leak::LEAST), |value: i64| u64::try_from(value).ok()),
        Cells::Decimal(array, 0) => scan!(array, i128::from(leak::LEAST), |value: i128| u64::try_from(value).ok()),
        Cells::Float64(array) => scan!(array, f64::from(leak::LEAST), float),
        _ => 0,
    }
}

/// How many texts are remembered for each column.
const CACHE: usize = 2048;

/// A text that was looked at: its view, the batch it lay in, and the verdict.
#[derive(Clone, Copy)]
struct Seen {
    view: u128,
    batch: u32,
    verdict: u8,
}

struct TextScan<'a> {
    shape: TextShape,
    codes: &'a [String],
    cache: Vec<Seen>,
    batch: u32,
    /// The dictionary of the last batch, the verdict on each of its texts, and whether all are good.
    dictionary: Option<StringArray>,
    verdicts: Vec<u8>,
    good: bool,
    counts: [u64; VERDICTS.len()],
    distinct: Distinct,
}

impl<'a> TextScan<'a> {
    fn new(release: &Release, codes: &'a [String]) -> Self {
        Self {
            shape: TextShape::of(release),
            codes,
            cache: Vec::new(),
            batch: 0,
            dictionary: None,
            verdicts: Vec::new(),
            good: true,
            counts: [0; VERDICTS.len()],
            distinct: Distinct::default(),
        }
    }

    fn pseudonyms(&self) -> bool {
        matches!(self.shape, TextShape::Pseudonym)
    }

    fn batch(&mut self, cells: &Text<'_>) {
        match cells {
            Text::Coded(keys, values) => self.coded(keys, values),
            Text::Views(array) => self.views(array),
            Text::Plain(array) => {
                for text in array.iter().flatten() {
                    let verdict = self.judge(text.as_bytes());
                    self.count(verdict);
                }
            }
        }
    }

    /// Judges each text of a dictionary once. One that no cell has stands in the file nevertheless: each counts as a cell, beside
    /// the cells that have it.
    fn coded(&mut self, keys: &UInt32Array, values: &StringArray) {
        if !self.dictionary.as_ref().is_some_and(|known| is_same(known, values)) {
            self.distinct.expect(values.len());
            let mut verdicts = std::mem::take(&mut self.verdicts);
            verdicts.clear();
            verdicts.extend(values.iter().map(|text| text.map_or(0, |text| self.judge(text.as_bytes()))));
            verdicts.iter().for_each(|verdict| self.count(*verdict));
            self.good = verdicts.iter().all(|verdict| *verdict == 0);
            self.verdicts = verdicts;
            // Held, so that no other can come to lie where it lies.
            self.dictionary = Some(values.clone());
        }
        // Mostly all texts are good, and so are all cells.
        if !self.good {
            for key in keys.iter().flatten() {
                self.count(self.verdicts.get(key as usize).copied().unwrap_or(0));
            }
        }
    }

    fn views(&mut self, array: &StringViewArray) {
        self.batch += 1;
        if self.cache.is_empty() {
            // No view is all ones: its length would be above 2^31.
            self.cache.resize(CACHE, Seen { view: u128::MAX, batch: 0, verdict: 0 });
        }
        let nulls = array.nulls();
        for (row, view) in array.views().iter().enumerate() {
            if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                continue;
            }
            let (low, high) = halves(*view);
            let slot = usize::try_from(leak::mix(low, high)).unwrap_or(0) % CACHE;
            let seen = self.cache[slot];
            // A view of up to 12 bytes holds its text; a longer one points into the buffers of its batch.
            let short = low & 0xffff_ffff <= 12;
            let verdict = if seen.view == *view && (short || seen.batch == self.batch) {
                seen.verdict
            } else {
                let verdict = self.judge(array.value(row).as_bytes());
                self.cache[slot] = Seen { view: *view, batch: self.batch, verdict };
                verdict
            };
            self.count(verdict);
        }
    }

    fn count(&mut self, verdict: u8) {
        if verdict != 0 {
            for (count, (bit, ..)) in self.counts.iter_mut().zip(VERDICTS) {
                *count += u64::from(verdict & bit != 0);
            }
        }
    }

    fn judge(&mut self, text: &[u8]) -> u8 {
        let mut verdict = if self.shape.holds(text) { 0 } else { MISSHAPEN };
        if self.pseudonyms() {
            return verdict;
        }
        self.distinct.text(text);
        let looks = leak::look(text);
        if looks != 0 && !self.codes.iter().any(|code| code.as_bytes() == text) {
            verdict |= looks;
        }
        verdict
    }
}

/// The two halves of a view; the length is in the low 32 bits of the first.
fn halves(view: u128) -> (u64, u64) {
    let bytes = view.to_le_bytes();
    let (words, _) = bytes.as_chunks::<8>();
    (u64::from_le_bytes(words[0]), u64::from_le_bytes(words[1]))
}
