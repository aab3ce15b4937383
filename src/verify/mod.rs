//! The room `verify`.
#![allow(missing_docs, reason = "temporary")]
use crate::{catalogue::Catalogue, spec::Spec, vocab::*};
pub struct Against<'a> { pub spec: &'a Spec, pub catalogue: &'a Catalogue, pub account: Option<&'a ProjectAccount> }
pub struct Verdict { pub findings: Findings, pub checks: Vec<CheckCount> }
pub fn tables(_: &std::path::Path, _: &Against<'_>, _: usize) -> Result<Verdict> { Ok(Verdict { findings: vec![], checks: vec![] }) }
pub fn bag(_: &std::path::Path) -> Verdict { Verdict { findings: vec![], checks: vec![] } }
