//! The room `survey`.
