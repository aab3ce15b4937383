//! What the worlds exercised: features, pairs of features met in one project, and crosses such as operator by type.
//!
//! The reference notes a feature while it reckons with it, never because a document merely names it: an operator when it
//! judged a value that is not missing, a release when it changed the form of one, a stored type when a row of a wanted
//! slice was read from it, a link fault when its row was met. Only projects that agreed (or were refused as predicted)
//! are counted.

use super::model::{Kind, Release, Stored};
use super::spec::{Fault, Operator};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

macro_rules! features {
    ($($name:ident)*) => {
        /// One thing that a project can exercise.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Feature { $($name),* }

        impl Feature {
            pub(super) const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

features! {
    StepInclude StepSecondInclude StepRequire StepRequireLink StepExclude StepSample
    SliceAcademic SliceTax SliceTerms ColumnAcademic ColumnTax SpellTax SpellAcademic PeriodNone
    LongPairText ShortPairText EndYearText EndYearInteger StartYearText StartYearInteger JoinedText JoinedInteger
    YearUnreadable YearMissing YearOther SpellOpen SpellWithoutStart SpellBackwards SpellsStarting SpellsOverlapping
    YearsList YearsRange TermsNamed SliceAbsent SuffixUsed SuffixLeftOut SuffixBesidePlain WasUsed VariableYearsOutside
    NameCaseDiffers LocationFile LocationFolder LocationHive
    PlaceholderYyyy PlaceholderYy PlaceholderStartYyyy PlaceholderStartYy PlaceholderTax
    PlaceholderTerm PlaceholderTermLong PlaceholderTermYyyy PlaceholderTermYy
    OpEquals OpNotEquals OpIn OpNotIn OpLessThan OpAtMost OpMoreThan OpAtLeast OpBetween OpMissing OpStartsWith
    GroupAll GroupAny GroupNot GroupNested ConditionUnknown ConditionInStep ConditionInRequest ConditionInJoin Codes
    Truncate Prefix Round TopCode BottomCode Bands Pseudonymise ReleaseByCatalogue ReleaseBySpec ReleaseCoarserBySpec
    TypeBool TypeInt8 TypeInt16 TypeInt32 TypeInt64 TypeFloat32 TypeFloat64 TypeDecimal TypeText TypeDate TypeTimestamp
    StoredDictionary StoredLargeText StoredViewText StoredBinary StoredNarrower StoredWider StoredUnsigned StoredDecimal
    StoredSmallDecimal StoredFloat32 StoredMillis StoredMicros StoredNanos StoredInt96 StoredUtc StoredDays StoredHalf StoredNull
    RowGroups Pages StatisticsOff DictionaryOff SecondPages PackNone PackSnappy PackZstd SeveralFiles FileEmpty SliceEmpty
    MissingValue EmptyText LongText TextNotAscii NegativeZero NotANumber Infinite LastDay LargeInteger
    LinkAmbiguous LinkNull LinkNullPerson LinkBlank LinkMalformed LinkSeveral LinkTwice LinkLowerCase LinkInnerBlanks
    LinkOuterBlanks LinkTwoTables LinkInteger LinkText PersonText PersonInteger PersonKindElement
    RowMissing RowBlank RowMalformed RowUnlinked RowAmbiguous RowExcluded RowOutside RowKept PersonTwice
    ExcludedByPerson ExcludedByKind
    LinkedTable LinkedTwoTables LinkedTwoJoins LinkedMissing LinkedFansOut LinkedFromSpell LinkedFromNone LinkedFromColumn
    OutputParquet OutputCsv OutputBoth SecondEpoch SeveralProjects LowMemory OneThread SeveralThreads Rebuilt Refused
    CohortEmpty TableEmpty PeriodColumnReleased NameTakenOver LongDecimal NestedBeside ColumnAbsent LinksEmpty
    NothingChanged TablesKept
}

/// Features of which one project has exactly one, or at most one: they cannot meet.
const APART: [&[Feature]; 5] = [
    &[Feature::OutputParquet, Feature::OutputCsv, Feature::OutputBoth],
    &[Feature::PersonText, Feature::PersonInteger],
    &[Feature::OneThread, Feature::SeveralThreads],
    &[Feature::CohortEmpty, Feature::RowKept],
    &[Feature::CohortEmpty, Feature::LinkedFansOut],
];

impl Operator {
    pub(super) fn feature(self) -> Feature {
        let at = Self::ALL.iter().position(|o| *o == self).unwrap();
        let first = Feature::ALL.iter().position(|f| *f == Feature::OpEquals).unwrap();
        Feature::ALL[first + at]
    }
}

impl Kind {
    pub(super) fn feature(self) -> Feature {
        match self {
            Self::Bool => Feature::TypeBool,
            Self::Int8 => Feature::TypeInt8,
            Self::Int16 => Feature::TypeInt16,
            Self::Int32 => Feature::TypeInt32,
            Self::Int64 => Feature::TypeInt64,
            Self::Float32 => Feature::TypeFloat32,
            Self::Float64 => Feature::TypeFloat64,
            Self::Decimal(_, _) => Feature::TypeDecimal,
            Self::Text => Feature::TypeText,
            Self::Date => Feature::TypeDate,
            Self::Timestamp => Feature::TypeTimestamp,
        }
    }

    /// The name without digits.
    fn short(self) -> String {
        self.name().split('(').next().unwrap_or_default().to_owned()
    }
}

impl Release {
    pub(super) fn feature(&self) -> Option<Feature> {
        match self {
            Self::AsIs | Self::Never => None,
            Self::Pseudonymise(_) => Some(Feature::Pseudonymise),
            Self::Truncate(_) => Some(Feature::Truncate),
            Self::Prefix(_) => Some(Feature::Prefix),
            Self::Round(_) => Some(Feature::Round),
            Self::TopCode(_) => Some(Feature::TopCode),
            Self::BottomCode(_) => Some(Feature::BottomCode),
            Self::Bands(_) => Some(Feature::Bands),
        }
    }
}

/// The kinds of variables, decimals standing for all decimals.
pub(super) const KINDS: [Kind; 11] = [
    Kind::Bool,
    Kind::Int8,
    Kind::Int16,
    Kind::Int32,
    Kind::Int64,
    Kind::Float32,
    Kind::Float64,
    Kind::Decimal(9, 2),
    Kind::Text,
    Kind::Date,
    Kind::Timestamp,
];

/// What one project, or all of them, exercised.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) features: BTreeSet<Feature>,
    /// `operator equals int8`, `release round float64`, `stored int96 date`, `refused column-type`.
    pub(super) crosses: BTreeSet<String>,
}

impl Seen {
    pub(super) fn note(&mut self, feature: Feature) {
        self.features.insert(feature);
    }

    pub(super) fn operator(&mut self, operator: Operator, kind: Kind) {
        self.features.insert(operator.feature());
        self.crosses.insert(format!("operator {} {}", operator.name(), kind.short()));
    }

    pub(super) fn release(&mut self, release: &Release, kind: Kind) {
        if let Some(feature) = release.feature() {
            self.features.insert(feature);
            self.crosses.insert(format!("release {feature:?} {}", kind.short()).to_lowercase());
        }
    }

    pub(super) fn stored(&mut self, stored: Stored, kind: Kind) {
        self.crosses.insert(format!("stored {stored:?} {}", kind.short()).to_lowercase());
    }
}

/// All crosses that can be: an operator with each type that it fits, a release, a stored type that converts, a fault.
pub(super) fn possible_crosses() -> BTreeSet<String> {
    let mut all = Seen::default();
    for kind in KINDS {
        for operator in Operator::ALL {
            let ordered = kind != Kind::Bool
                || matches!(operator, Operator::Equals | Operator::NotEquals | Operator::In | Operator::NotIn);
            let fits = match operator {
                Operator::Missing => true,
                Operator::StartsWith => kind == Kind::Text,
                _ => ordered,
            };
            if fits {
                all.operator(operator, kind);
            }
        }
        let n = String::new;
        let number = !matches!(kind, Kind::Bool | Kind::Text | Kind::Date | Kind::Timestamp);
        let releases = [
            (Release::Truncate("month"), matches!(kind, Kind::Date | Kind::Timestamp)),
            (Release::Prefix(1), kind == Kind::Text),
            (Release::Pseudonymise(n()), kind == Kind::Text || kind.is_integer()),
            (Release::Round(n()), number),
            (Release::TopCode(n()), number),
            (Release::BottomCode(n()), number),
            (Release::Bands(Vec::new()), number),
        ];
        releases.iter().filter(|(_, fits)| *fits).for_each(|(release, _)| all.release(release, kind));
        super::generate::values::ways(kind).into_iter().for_each(|stored| all.stored(stored, kind));
    }
    all.crosses.extend(Fault::ALL.iter().map(|fault| format!("refused {}", fault.code())));
    all.crosses
}

/// What all worlds so far exercised, and how many were compared.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    pub(super) worlds: u64,
    pub(super) projects: u64,
    pub(super) refused: u64,
    pub(super) tables: u64,
    pub(super) rows: u64,
    pub(super) cells: u64,
    pub(super) counts: u64,
    pub(super) rebuilt: u64,
    features: BTreeMap<Feature, u64>,
    crosses: BTreeMap<String, u64>,
    pairs: BTreeSet<(Feature, Feature)>,
}

impl Coverage {
    /// Adds what one project exercised.
    pub(super) fn add(&mut self, seen: &Seen) {
        for a in &seen.features {
            *self.features.entry(*a).or_default() += 1;
            self.pairs.extend(seen.features.range(..*a).map(|b| (*b, *a)));
        }
        for cross in &seen.crosses {
            *self.crosses.entry(cross.clone()).or_default() += 1;
        }
    }

    /// Adds another account.
    pub(super) fn merge(&mut self, other: Self) {
        self.worlds += other.worlds;
        self.projects += other.projects;
        self.refused += other.refused;
        self.tables += other.tables;
        self.rows += other.rows;
        self.cells += other.cells;
        self.counts += other.counts;
        self.rebuilt += other.rebuilt;
        other.features.into_iter().for_each(|(f, n)| *self.features.entry(f).or_default() += n);
        other.crosses.into_iter().for_each(|(c, n)| *self.crosses.entry(c).or_default() += n);
        self.pairs.extend(other.pairs);
    }

    /// Features and crosses that no project exercised.
    pub(super) fn never(&self) -> Vec<String> {
        let features = Feature::ALL.iter().filter(|f| !self.features.contains_key(f)).map(|f| format!("{f:?}"));
        let crosses = possible_crosses().into_iter().filter(|c| !self.crosses.contains_key(c));
        features.chain(crosses).collect()
    }

    fn possible_pairs() -> usize {
        let all = Feature::ALL.len();
        let apart: usize = APART.iter().map(|group| group.len() * (group.len() - 1) / 2).sum();
        all * (all - 1) / 2 - apart
    }

    /// One paragraph of figures.
    pub(super) fn figures(&self) -> String {
        let crosses = possible_crosses();
        format!(
            "{} worlds, {} projects agreed ({} refused as predicted), {} tables, {} rows, {} cells, {} counts, \
             {} rebuilt byte for byte; {} of {} features, {} of {} crosses, {} of {} pairs of features",
            self.worlds,
            self.projects,
            self.refused,
            self.tables,
            self.rows,
            self.cells,
            self.counts,
            self.rebuilt,
            self.features.len(),
            Feature::ALL.len(),
            crosses.iter().filter(|c| self.crosses.contains_key(*c)).count(),
            crosses.len(),
            self.pairs.len(),
            Self::possible_pairs(),
        )
    }

    /// How many projects exercised each feature and cross, and the pairs that never met.
    pub(super) fn table(&self) -> String {
        let mut text = String::new();
        for feature in Feature::ALL {
            let count = self.features.get(feature).copied().unwrap_or(0);
            writeln!(text, "{count:>7}  {feature:?}").unwrap();
        }
        for cross in possible_crosses() {
            let count = self.crosses.get(&cross).copied().unwrap_or(0);
            writeln!(text, "{count:>7}  {cross}").unwrap();
        }
        for (i, a) in Feature::ALL.iter().enumerate() {
            for b in &Feature::ALL[i + 1..] {
                let apart = APART.iter().any(|group| group.contains(a) && group.contains(b));
                if !apart && !self.pairs.contains(&(*a, *b)) {
                    writeln!(text, "  never  {a:?} with {b:?}").unwrap();
                }
            }
        }
        text
    }
}
