//! The catalogue's rules, held against all that a spec releases, linked tables included.

use super::pick::Released;
use crate::catalogue::{Catalogue, Rule};
use crate::vocab::{ExitCode, Finding, Release};
use crate::yaml::{Decoder, Mark};

/// Reports every rule that the released variables break. `purposes` is where the project's purposes stand.
pub(super) fn check(
    decoder: &mut Decoder,
    catalogue: &Catalogue,
    released: &[Released],
    purposes: &[String],
    purposes_at: Mark,
) {
    for rule in &catalogue.rules {
        let Some(trigger) = released.iter().find(|r| triggers(rule, r)) else { continue };
        for other in released.iter().filter(|r| forbids(rule, r)) {
            let message = format!(
                "rule {}: `{}` of {} may not be released beside {}",
                rule.code, other.variable, other.element, rule.element
            );
            refuse(decoder, rule, other.mark, message, "take one of the two out");
        }
        if let Some(purpose) = rule.needs_purpose.as_ref().filter(|p| !purposes.contains(p)) {
            let message =
                format!("rule {}: `{}` of {} needs the purpose `{purpose}`", rule.code, trigger.variable, rule.element);
            let help =
                format!("a project with that purpose says `purposes: [{purpose}]`; others take the variable out");
            let mark = if rule.variables.is_empty() { purposes_at } else { trigger.mark };
            refuse(decoder, rule, mark, message, &help);
        }
    }
}

/// Whether a released variable brings a rule into force.
fn triggers(rule: &Rule, released: &Released) -> bool {
    let in_years = match (&rule.years, &released.years) {
        (None, _) => true,
        // The years are wrong and reported; which they were meant to be is not known.
        (Some(_), None) => false,
        // Rows without a year may be of any.
        (Some(rule), Some(asked)) => asked.is_empty() || !rule.intersection(asked).is_empty(),
    };
    released.element == rule.element
        && in_years
        && (rule.variables.is_empty() || rule.variables.contains(&released.variable))
}

/// Whether a rule in force forbids a released variable.
fn forbids(rule: &Rule, released: &Released) -> bool {
    let passes = rule.allows_pseudonyms && matches!(released.release, Release::Pseudonymise(_));
    let tagged = rule.forbids_tag.as_ref().is_some_and(|tag| released.tags.contains(tag)) && !passes;
    let name = format!("{}.{}", released.element, released.variable);
    tagged || rule.forbids_variables.contains(&name)
}

fn refuse(decoder: &mut Decoder, rule: &Rule, mark: Mark, message: String, help: &str) {
    let finding = Finding::error("rule-forbids", decoder.at(mark), message);
    decoder.report(finding.help(format!("{} ({help})", rule.why)).exit(ExitCode::Refused));
}
