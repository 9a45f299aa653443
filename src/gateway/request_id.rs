//! Identifiers of calls: told to the caller, to the upstream and to the access log.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderValue;

const LENGTH: usize = 36;

/// A call's identifier, in the form of a random UUID (RFC 9562, version 4).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId([u8; LENGTH]);

impl RequestId {
    fn of(high: u64, low: u64) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut octets = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
        let [_, _, _, _, _, _, version, _, variant, ..] = &mut octets;
        *version = *version & 0x0f | 0x40;
        *variant = *variant & 0x3f | 0x80;
        let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
        let digits = octets
            .iter()
            .flat_map(|octet| [digit(octet >> 4), digit(octet & 0xf)]);
        let mut text = [b'-'; LENGTH];
        let places = text
            .iter_mut()
            .enumerate()
            .filter(|(place, _)| !matches!(place, 8 | 13 | 18 | 23));
        for ((_, place), digit) in places.zip(digits) {
            *place = digit;
        }
        Self(text)
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The identifier as the value of a header.
    pub fn header_value(&self) -> HeaderValue {
        HeaderValue::from_bytes(&self.0).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

impl std::fmt::Debug for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Makes identifiers: a counter seen through two keyed hashes, so that nobody who sees some of them can tell others, or
/// how many there were. Each worker has one with keys of its own.
#[derive(Debug, Default)]
pub struct RequestIds {
    made: AtomicU64,
    high: RandomState,
    low: RandomState,
}

impl RequestIds {
    /// The next identifier.
    pub fn next(&self) -> RequestId {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        RequestId::of(self.high.hash_one(number), self.low.hash_one(number))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn an_identifier_reads_as_a_random_uuid() {
        let id = RequestIds::default().next();
        let read = uuid::Uuid::parse_str(id.as_str()).unwrap();
        assert_eq!(read.get_version_num(), 4);
        assert_eq!(read.get_variant(), uuid::Variant::RFC4122);
        assert_eq!(read.to_string(), id.as_str());
        assert_eq!(
            RequestId::of(0, 0).as_str(),
            "00000000-0000-4000-8000-000000000000"
        );
        assert_eq!(
            RequestId::of(u64::MAX, u64::MAX).as_str(),
            "ffffffff-ffff-4fff-bfff-ffffffffffff"
        );
    }

    #[test]
    fn no_identifier_comes_twice_from_one_worker_or_from_two() {
        let (one, other) = (RequestIds::default(), RequestIds::default());
        let ids: HashSet<RequestId> = (0..10_000)
            .flat_map(|_| [one.next(), other.next()])
            .collect();
        assert_eq!(ids.len(), 20_000);
    }
}
