//! The room `link`.
