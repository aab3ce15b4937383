//! The room `cohort`.
