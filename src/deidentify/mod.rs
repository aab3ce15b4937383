//! The room `deidentify`.
