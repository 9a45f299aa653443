//! What the program tells of itself: the refusal journal, the access log, counters, and its own log.
//!
//! Whatever the data plane hands in here is bounded and costs it next to nothing: it never waits for a disk, for a
//! reader, or for another realm. Nothing here knows of the rooms above.

pub mod access;
pub mod access_buffer;
pub mod access_record;
pub mod access_writer;
pub mod counters;
pub mod cuts;
pub mod journal;
pub mod json;
pub mod log;
pub mod open;
pub mod seen;
