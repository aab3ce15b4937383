//! The command `leo-extract`.

fn main() {}
