//! Serial numbers that people write, in the form in which [`crate::pki::certificate::Facts::serial`] tells them.

use crate::pki::certificate::{Facts, SERIAL_BYTES_MAX};
use crate::pki::der;

/// A serial number as a certificate can have it, in its one form: lower-case hexadecimal digits, two for each byte, none
/// of them in vain; a negative one with `-` before it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SerialNumber(String);

impl SerialNumber {
    /// Reads hexadecimal digits of either case, also with `0x` before them, with colons between pairs, or with zeros in
    /// front.
    ///
    /// # Errors
    /// [`InvalidSerial`].
    pub fn parse(text: &str) -> Result<Self, InvalidSerial> {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", text),
        };
        let digits = digits
            .strip_prefix("0x")
            .or_else(|| digits.strip_prefix("0X"))
            .unwrap_or(digits);
        let digits = joined(digits).ok_or(InvalidSerial::NotHex)?;
        let even = if digits.len().is_multiple_of(2) {
            digits
        } else {
            format!("0{digits}")
        };
        let octets = der::unhex(&even).filter(|octets| !octets.is_empty());
        let octets = octets.ok_or(InvalidSerial::NotHex)?;
        let zeros = octets.iter().take_while(|octet| **octet == 0).count();
        let octets = octets.get(zeros..).unwrap_or_default();
        if octets.len() > SERIAL_BYTES_MAX {
            return Err(InvalidSerial::TooLong);
        }
        Ok(Self(match octets {
            [] => "00".to_owned(),
            octets => format!("{sign}{}", der::hex(octets)),
        }))
    }

    /// That of a certificate.
    pub fn of(certificate: &Facts) -> Self {
        Self(certificate.serial.clone())
    }

    /// Its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for SerialNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The digits without the colons, which stand between pairs only.
fn joined(text: &str) -> Option<String> {
    if !text.contains(':') {
        return Some(text.to_owned());
    }
    let pairs = text.split(':');
    let pairs: Option<Vec<&str>> = pairs
        .map(|pair| (pair.len() == 2).then_some(pair))
        .collect();
    Some(pairs?.concat())
}

/// A text that is no serial number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSerial {
    /// Other characters than digits, or none.
    #[error(
        "no such serial number: write its hexadecimal digits, as in 4a3f09 or 4A:3F:09, as 'openssl x509 -serial' shows them"
    )]
    NotHex,
    /// No certificate that is read here has so long a one.
    #[error(
        "a serial number has at most {SERIAL_BYTES_MAX} bytes: check that nothing else was copied with it"
    )]
    TooLong,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_form_however_it_is_written() {
        for (text, expect) in [
            ("4A3F09", "4a3f09"),
            ("4a:3f:09", "4a3f09"),
            ("0x4a3F09", "4a3f09"),
            ("00004a3f09", "4a3f09"),
            ("1", "01"),
            ("0", "00"),
            ("-0", "00"),
            ("-80", "-80"),
        ] {
            assert_eq!(
                SerialNumber::parse(text).unwrap().as_str(),
                expect,
                "{text}"
            );
        }
        let longest = "7f".repeat(20);
        assert_eq!(SerialNumber::parse(&longest).unwrap().as_str(), longest);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "", "-", "0x", "xyz", "4a 3f", "4a:3", ":", "4a::3f", "+1", "１",
        ] {
            assert_eq!(
                SerialNumber::parse(text),
                Err(InvalidSerial::NotHex),
                "{text}"
            );
        }
        let long = "7f".repeat(21);
        assert_eq!(SerialNumber::parse(&long), Err(InvalidSerial::TooLong));
    }
}
