//! A small catalogue for the tests of the rooms that read documents.

use super::{Catalogue, Document};

pub(crate) const CENSUS: &str = "element: npd.census
title: Census
owner: DfE
identifier: {column: PMR, kind: pmr}
period: {kind: academic_year, from: slice}
location: npd/{Term}_{yyyy}.parquet
terms: [autumn, spring, summer]
suffix: _{term}{yy}
coverage: 2005/2006..2020/2021
absent: [{years: 2019/2020, terms: [summer], why: collection cancelled}]
grain: [person, period, term]
variables:
  - {name: Gender, type: string, identifiability: 5, sensitivity: C, codes: [M, \"F\"]}
  - {name: OnRoll, type: int8, years: 2008/2009..2020/2021, identifiability: 5, sensitivity: E, codes: [0, 1]}
  - {name: Group, type: string, identifiability: 5, sensitivity: D, codes: [\"1\", \"2\", X],
     was: [{name: OldGroup, years: 2005/2006..2006/2007}]}
  - {name: Score, type: float64, identifiability: 4, sensitivity: E, release: {round: 0.05}}
  - {name: Hours, type: \"decimal(6,2)\", identifiability: 4, sensitivity: E}
  - {name: Rank, type: int32, identifiability: 4, sensitivity: E}
  - {name: Entry, type: date, identifiability: 4, sensitivity: E}
  - {name: Boarder, type: bool, identifiability: 5, sensitivity: E}
  - {name: LAESTAB, type: int32, identifiability: 4, sensitivity: E, tags: [school], release: {pseudonymise: laestab}}
  - {name: DateOfBirth, type: date, identifiability: 1, sensitivity: C, release: {truncate: month}}
  - {name: ExactBirth, type: date, identifiability: 2, sensitivity: C}
  - {name: UPN, type: string, identifiability: 2, sensitivity: E, release: never}
  - {name: HomePostcode, type: string, identifiability: 5, sensitivity: E, tags: [postcode]}
  - {name: Teacher, type: string, identifiability: 5, sensitivity: E, release: {pseudonymise: trn}}
  - {name: Secret, type: string, identifiability: 5, sensitivity: A}
";

pub(crate) const CLA: &str = "element: npd.cla
owner: DfE
identifier: {column: PMR, kind: pmr}
period: {kind: academic_year, from: slice}
location: npd/CLA_{yyyy}.parquet
coverage: 2005/2006..2020/2021
variables:
  - {name: Need, type: string, identifiability: 4, sensitivity: B, codes: [N1, N2]}
  - {name: Area, type: string, identifiability: 4, sensitivity: E, tags: [small_area]}
";

pub(crate) const EARNINGS: &str = "element: hmrc.earnings
owner: HMRC
identifier: {column: EduKey, kind: edukey}
period: {kind: tax_year, column: TaxYear, encoding: yyyyyy}
location: leo/earnings.parquet
coverage: 2003/2004..2019/2020
variables:
  - {name: TaxYear, type: int32, identifiability: 5, sensitivity: E}
  - {name: Earnings, type: float64, identifiability: 4, sensitivity: C}
";

pub(crate) const EMPLOYMENT: &str = "element: hmrc.employment
owner: HMRC
identifier: {column: EduKey, kind: edukey}
period: {kind: spell, start: StartDate, end: EndDate}
location: leo/employment.parquet
coverage: 1997/1998..2020/2021
variables:
  - {name: StartDate, type: date, identifiability: 4, sensitivity: C}
  - {name: EndDate, type: date, identifiability: 4, sensitivity: C}
";

pub(crate) const HESA: &str = "element: hesa.student
owner: HESA
identifier: {column: PMR, kind: pmr}
period: {kind: none}
location: hesa
variables:
  - {name: Ethnic, type: string, identifiability: 4, sensitivity: D, tags: [ethnicity]}
  - {name: Class, type: string, identifiability: 5, sensitivity: E}
";

pub(crate) const LINKS: &str = "person: ae_id
version: 2023-03
tables:
  - {name: link.pmr, location: link/pmr.parquet, person: AE_ID, identifier: {column: PMR, kind: pmr}}
  - {name: link.edukey, location: link/edukey.parquet, person: AE_ID, identifier: {column: EDUKEY, kind: edukey}}
";

pub(crate) const RULES: &str = "rules:
  - {code: cla-with-school, element: npd.cla, forbids_tag: school, why: Schools identify looked-after children.}
  - {code: cla-with-score, element: npd.cla, years: 2019/2020..2020/2021, forbids_variables: [npd.census.Score], why: A test.}
  - {code: equal-opportunities, element: hesa.student, variables: [Ethnic], needs_purpose: equal_opportunities, why: Only for it.}
";

/// The documents by name.
pub(crate) fn documents() -> Vec<(&'static str, String)> {
    vec![
        ("npd.census.yaml", CENSUS.to_owned()),
        ("npd.cla.yaml", CLA.to_owned()),
        ("hmrc.earnings.yaml", EARNINGS.to_owned()),
        ("hmrc.employment.yaml", EMPLOYMENT.to_owned()),
        ("hesa.student.yaml", HESA.to_owned()),
        ("links.yaml", LINKS.to_owned()),
        ("rules.yaml", RULES.to_owned()),
    ]
}

/// A catalogue of documents.
pub(crate) fn of(documents: Vec<(&'static str, String)>) -> crate::vocab::Result<Catalogue> {
    let documents = documents.into_iter().map(|(name, text)| Document { name: name.to_owned(), text }).collect();
    Catalogue::from_documents(documents, "cat")
}

/// The catalogue of all documents.
pub(crate) fn catalogue() -> Catalogue {
    of(documents()).expect("the fixture is a catalogue")
}
