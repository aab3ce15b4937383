//! The room `extract`.
