//! Strict YAML read straight into a form, for documents whose text must not be kept: the keyring.

/// Reads a document of a form. No node tree is made of it, so that no second copy of its text stays behind.
///
/// # Errors
/// Where it is no such document: line and column, from 1, or zeros where they are not known. The parser's own text is
/// dropped, since it quotes the document.
pub fn strict<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, (u32, u32)> {
    let options = serde_yaml::options! {
        with_snippet: false,
        strict_booleans: true,
        budget: serde_yaml::budget! { max_aliases: 0, max_nodes: 20_000 },
    };
    serde_yaml::from_str_with_options(text, options).map_err(|error| {
        let number = |n: u64| u32::try_from(n).unwrap_or(0);
        error.without_snippet().location().map_or((0, 0), |l| (number(l.line()), number(l.column())))
    })
}
