//! A small spec for the tests of the rooms that read documents, against the small catalogue.

pub(crate) const SPEC: &str = "spec: 1
project:
  id: LEO-2019-003
  title: Later earnings
  organisation: University of Example
  gateway: {act: Education and Skills Act 2008, section: \"87\"}
  purposes: []
secondment: {starts: 2020-01-13, ends: 2021-12-17, researchers: 3}
revision: 1
pseudonyms: {epoch: 1}
linkage: {version: 2023-03}
cohort:
  description: Pupils in 2010/11
  steps:
    - include: npd.census
      years: 2010/2011
      terms: [spring]
      where:
        - {variable: OnRoll, equals: 1}
        - any: [{variable: Group, missing: true}, {variable: Group, in: [\"1\", X]}]
    - require_link: edukey
    - exclude: npd.cla
      years: 2005/2006..2010/2011
    - sample: 0.5
elements:
  - element: npd.census
    years: [2009/2010, 2010/2011]
    terms: [spring]
    variables: [Gender, {name: LAESTAB}, {name: Score, release: {round: 0.1}}]
    where: [{variable: OnRoll, equals: 1}]
    justification: Characteristics.
  - element: hmrc.employment
    years: 2010/2011..2018/2019
    variables: [StartDate, EndDate]
    spells: starting
    justification: Jobs.
  - element: hesa.student
    variables: [Class]
    justification: Degrees.
linked:
  - name: leavers
    from: npd.census
    join:
      - {element: hmrc.earnings, years: 2015/2016, variables: [Earnings], prefix: y2015_}
expect: {persons: 1..620000, linked: {edukey: 0.85..1.0}}
output: {format: both}
";
