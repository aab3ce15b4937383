//! The tree of a document: maps with their keys in order, lists and scalars, each with its place.

use super::Scalar;

/// Where a node lies in its document: line and column from 1, length in characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mark {
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// How many characters to underline.
    pub length: u32,
}

/// One node of a document.
#[derive(Debug, Clone)]
pub struct Node {
    /// Where it lies. For a block map, its first key.
    pub mark: Mark,
    /// What it is.
    pub content: Content,
}

/// What a node is.
#[derive(Debug, Clone)]
pub enum Content {
    /// Text, with the knowledge whether it was quoted.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// A map, its keys in the document's order, each once.
    Map(Vec<(Key, Node)>),
    /// Something not allowed (an alias, a tagged value): there is a finding about it, and no second is needed.
    Refused,
}

/// A key of a map.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its text.
    pub text: String,
    /// Where it lies.
    pub mark: Mark,
}

impl Node {
    /// What a person would call it.
    #[must_use]
    pub fn in_words(&self) -> &'static str {
        match &self.content {
            Content::Scalar(scalar) => scalar.in_words(),
            Content::List(_) => "a list",
            Content::Map(_) => "a map",
            Content::Refused => "a refused value",
        }
    }

    /// The scalar, where it is one.
    #[must_use]
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.content {
            Content::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The value of a key, where the node is a map that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.content {
            Content::Map(pairs) => pairs.iter().find(|(k, _)| k.text == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// Whether it is a plain null: nothing, `~` or `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.scalar().is_some_and(Scalar::is_null)
    }
}
