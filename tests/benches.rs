//! What the programs of `benches/` reckon, read and draw, without measuring anything.

#[path = "benches/growth.rs"]
mod growth;
#[path = "benches/peers.rs"]
mod peers;
#[allow(dead_code, reason = "the benches use the rest")]
#[path = "../benches/plot.rs"]
mod plot;
