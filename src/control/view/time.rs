//! Moments as they are told: RFC 3339, UTC.

use serde::ser::{Serialize, Serializer};

use crate::clock::Moment;

/// A moment that is told as RFC 3339 text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub Moment);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
