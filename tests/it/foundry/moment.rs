//! Times of validity, as the DER of a Time.

use std::time::Duration;

use realmgate::clock::{Clock, Moment};
use realmgate::pki::der::encode;

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const HOUR: Duration = Duration::from_secs(3600);

/// A UTCTime with this text, whatever it is.
pub fn utc(text: &str) -> Vec<u8> {
    encode(UTC_TIME, &[text.as_bytes()])
}

/// A GeneralizedTime with this text, whatever it is.
pub fn generalized(text: &str) -> Vec<u8> {
    encode(GENERALIZED_TIME, &[text.as_bytes()])
}

/// So many hours before now.
pub fn hours_ago(hours: u32) -> Vec<u8> {
    rfc5280(Clock::system().now().minus(HOUR * hours))
}

/// So many hours after now.
pub fn in_hours(hours: u32) -> Vec<u8> {
    rfc5280(Clock::system().now().plus(HOUR * hours))
}

/// UTCTime up to 2049, GeneralizedTime from then on (RFC 5280, 4.1.2.5).
fn rfc5280(moment: Moment) -> Vec<u8> {
    // 2026-01-31T12:00:00Z becomes 20260131120000Z.
    let text = moment.to_string();
    let seconds = text.split(['.', 'Z']).next().unwrap();
    let digits: String = seconds.chars().filter(char::is_ascii_digit).collect();
    if digits.as_str() < "2050" {
        utc(&format!("{}Z", &digits[2..]))
    } else {
        generalized(&format!("{digits}Z"))
    }
}
