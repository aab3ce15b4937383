//! Tests of the verifier: a clean extract passes, and each way of tampering with it is refused by its own code.

mod bag;
mod counts;
mod crosswise;
mod csv;
mod fixture;
mod proved;
mod tamper;
mod world;
