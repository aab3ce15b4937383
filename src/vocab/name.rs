//! Names: elements, projects, identifier kinds, owners, keys; and what is denied by name alone.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! text_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);
        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_name! {
    /// `dataset.name`: one source table as researchers know it, for instance `npd.ks4`.
    ElementName
}
text_name! {
    /// A project's identifier, `[A-Z0-9-]{3,32}`.
    ProjectId
}
text_name! {
    /// The kind of an identifier: `pmr`, `ae_id`, `edukey`, `nino`, `laestab`…
    Kind
}
text_name! {
    /// The name of a key in a keyring. Never the key.
    KeyId
}

impl ElementName {
    /// `dataset.name`, each part `[a-z][a-z0-9_]*`, so that it is safe as a folder name. `None` otherwise.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let (dataset, name) = text.split_once('.')?;
        (is_snake(dataset) && is_snake(name) && text.len() <= 80).then(|| Self(text.to_owned()))
    }
}

impl ProjectId {
    /// `[A-Z0-9-]{3,32}`, not led or ended by a hyphen. `None` otherwise.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fits = (3..=32).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-');
        fits.then(|| Self(text.to_owned()))
    }
}

impl Kind {
    /// `[a-z][a-z0-9_]*`. `None` otherwise.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        (is_snake(text) && text.len() <= 40).then(|| Self(text.to_owned()))
    }
}

impl KeyId {
    /// `[A-Za-z0-9._-]{1,64}`. `None` otherwise.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        fits.then(|| Self(text.to_owned()))
    }
}

fn is_snake(text: &str) -> bool {
    text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The controller of an element, who decides about it. DfE's decision is the DSAP's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the bodies' own")]
pub enum Owner {
    DfE,
    HESA,
    HMRC,
    DWP,
    ESFA,
    UCAS,
}

impl Owner {
    /// All owners, in the order in which they are listed to people.
    pub const ALL: [Self; 6] = [Self::DfE, Self::HESA, Self::HMRC, Self::DWP, Self::ESFA, Self::UCAS];

    /// The name as the catalogue writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DfE => "DfE",
            Self::HESA => "HESA",
            Self::HMRC => "HMRC",
            Self::DWP => "DWP",
            Self::ESFA => "ESFA",
            Self::UCAS => "UCAS",
        }
    }

    /// The body whose decision counts for this owner: the DSAP decides for DfE.
    #[must_use]
    pub fn body(self) -> &'static str {
        if self == Self::DfE { "DSAP" } else { self.as_str() }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Kinds that identify a person directly. A variable of such a name is refused however harmless its rating.
pub const DENIED_KINDS: [&str; 12] = [
    "upn",
    "uln",
    "husid",
    "nino",
    "pmr",
    "ae_id",
    "edukey",
    "recordid",
    "pupilmatchingref",
    "pupilmatchingrefanonymous",
    "pupilmatchingrefnonanonymous",
    "trn",
];

/// Whether a variable's name alone forbids its release: a name, a postcode, an address, or a person identifier.
/// `AwardName` or `SchoolName` are not people; `Surname`, `Forenames`, `CurrentPstCode` are.
#[must_use]
pub fn denied_variable(name: &str) -> bool {
    let flat: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let words = words_of(name);
    let word = |w: &str| words.iter().any(|have| have == w);
    const ANYWHERE: [&str; 13] = [
        "surname",
        "forename",
        "familyname",
        "givenname",
        "firstname",
        "lastname",
        "middlename",
        "postcode",
        "pstcode",
        "emailaddress",
        "telephone",
        "pupilmatchingref",
        "nationalinsurance",
    ];
    const WORDS: [&str; 12] =
        ["upn", "uln", "husid", "nino", "pmr", "edukey", "recordid", "email", "address", "postcode", "aeid", "trn"];
    ANYWHERE.iter().any(|part| flat.contains(part)) || WORDS.iter().any(|w| word(w) || flat == *w)
}

/// The words of `SomeName_withParts`, lower-cased: `some`, `name`, `with`, `parts`.
fn words_of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut last_lower = false;
    let mut fresh = true;
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() {
            fresh = true;
            last_lower = false;
            continue;
        }
        if fresh || (c.is_ascii_uppercase() && last_lower) {
            words.push(String::new());
            fresh = false;
        }
        if let Some(word) = words.last_mut() {
            word.push(c.to_ascii_lowercase());
        }
        last_lower = c.is_ascii_lowercase();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_denied_and_bodies_are_not() {
        for name in [
            "UPN",
            "CLA_UPN",
            "Surname",
            "Forenames",
            "PriorPstCode",
            "delivery_postcode",
            "NINO",
            "ULN_1",
            "PupilMatchingRefAnonymous",
            "HE_HUSID",
            "EmailAddress",
            "UniqueLearnerULN",
        ] {
            assert!(denied_variable(name), "{name} must be denied");
        }
        for name in
            ["Gender", "KS4_LEVEL2_EM", "AwardName", "LAESTAB", "PCONNM", "GORNM", "CTRYNM", "StartDate", "Population"]
        {
            assert!(!denied_variable(name), "{name} must be allowed");
        }
    }

    #[test]
    fn names_are_safe_as_folders() {
        for bad in ["npd", "npd.", ".ks4", "npd/ks4", "npd.ks4/..", "NPD.ks4", "npd.ks4.x", ""] {
            assert!(ElementName::new(bad).is_none(), "{bad}");
        }
        assert!(ProjectId::new("LEO-2019-003").is_some());
        for bad in ["..", "AB", "leo-1", "LEO/1", "LEO_1"] {
            assert!(ProjectId::new(bad).is_none(), "{bad}");
        }
    }
}
