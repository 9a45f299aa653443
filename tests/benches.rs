//! What the programs of `benches/` reckon and read, without measuring anything.

#[path = "benches/growth.rs"]
mod growth;
