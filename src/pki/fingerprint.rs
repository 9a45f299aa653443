//! SHA-256 fingerprints.

use aws_lc_rs::digest;

/// The SHA-256 of a certificate (its DER) or of a public key (its SubjectPublicKeyInfo).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of `data`.
    pub fn of(data: &[u8]) -> Self {
        Self(sha256(data))
    }

    /// A fingerprint that was kept as bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 hexadecimal digits of either case, plain or in pairs with colons between them.
    ///
    /// # Errors
    /// [`InvalidFingerprint`] where the text is anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidFingerprint> {
        let mut bytes = [0; 32];
        let digits = text.as_bytes();
        let step = match digits.len() {
            64 => 2,
            95 => 3,
            _ => return Err(InvalidFingerprint),
        };
        for (byte, group) in bytes.iter_mut().zip(digits.chunks(step)) {
            let ([high, low] | [high, low, b':']) = group else {
                return Err(InvalidFingerprint);
            };
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Ok(Self(bytes))
    }

    /// Upper-case pairs with colons between them, as OpenSSL writes a fingerprint.
    pub fn colons(&self) -> String {
        let pairs: Vec<String> = self.0.iter().map(|byte| format!("{byte:02X}")).collect();
        pairs.join(":")
    }
}

impl std::fmt::Display for Fingerprint {
    /// 64 lower-case hexadecimal digits.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// A text that is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a SHA-256 fingerprint: write its 64 hexadecimal digits, with or without colons between the pairs"
)]
pub struct InvalidFingerprint;

/// The SHA-256 of `data`.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (to, from) in bytes
        .iter_mut()
        .zip(digest::digest(&digest::SHA256, data).as_ref())
    {
        *to = *from;
    }
    bytes
}

fn digit(letter: u8) -> Result<u8, InvalidFingerprint> {
    let value = char::from(letter).to_digit(16).ok_or(InvalidFingerprint)?;
    u8::try_from(value).map_err(|_| InvalidFingerprint)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn is_the_sha_256_of_the_data() {
        assert_eq!(Fingerprint::of(b"abc").to_string(), ABC);
    }

    #[test]
    fn reads_each_way_of_writing_one() {
        let expected = Fingerprint::of(b"abc");
        for text in [
            ABC.to_owned(),
            ABC.to_uppercase(),
            expected.colons(),
            expected.colons().to_lowercase(),
        ] {
            assert_eq!(Fingerprint::parse(&text), Ok(expected), "{text}");
        }
        assert!(expected.colons().starts_with("BA:78:16:BF:"));
        assert_eq!(Fingerprint::from_bytes(*expected.as_bytes()), expected);
    }

    #[test]
    fn refuses_what_is_no_fingerprint() {
        let misplaced = format!("{}:", &Fingerprint::of(b"abc").colons()[..94]);
        let spaced = ABC.replace("78", " 8");
        let signed = ABC.replace("78", "+8");
        for text in [
            "",
            "ba78",
            &ABC[1..],
            &format!("{ABC}0"),
            &misplaced,
            &spaced,
            &signed,
            &"ä".repeat(32),
        ] {
            assert_eq!(Fingerprint::parse(text), Err(InvalidFingerprint), "{text}");
        }
    }
}
