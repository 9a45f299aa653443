//! The key schedule of TLS 1.3 (RFC 8446, 7.1), at half the price.
//!
//! A handshake derives some fourteen secrets by HKDF (RFC 5869), several from each key. aws-lc-rs takes up the key anew
//! for each of them, and repeats the extraction before it. Here a key is taken up once, by the HMAC of the same library,
//! which is also how rustls does it with libraries that have no HKDF. With SHA-384, which most clients choose and for
//! which processors have no instructions, that is a tenth of a resumed handshake.

use std::sync::LazyLock;

use aws_lc_rs::hmac;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::crypto::hash::HashAlgorithm;
use rustls::crypto::hmac::{Hmac, Key, Tag};
use rustls::crypto::tls13::{Hkdf, HkdfExpander, HkdfUsingHmac, OkmBlock};
use rustls::{CipherSuiteCommon, SupportedCipherSuite, Tls13CipherSuite};

/// The suites of aws-lc-rs, those of TLS 1.3 with this key schedule.
pub fn cipher_suites() -> Vec<SupportedCipherSuite> {
    let of_tls13 = TLS13_SUITES.iter().map(SupportedCipherSuite::Tls13);
    let all = default_provider().cipher_suites.into_iter();
    let others = all.filter(|suite| match suite {
        SupportedCipherSuite::Tls13(known) => schedule(known).is_none(),
        SupportedCipherSuite::Tls12(_) => true,
    });
    of_tls13.chain(others).collect()
}

static TLS13_SUITES: LazyLock<Vec<Tls13CipherSuite>> = LazyLock::new(|| {
    let all = default_provider().cipher_suites.into_iter();
    let of_tls13 = all.filter_map(|suite| match suite {
        SupportedCipherSuite::Tls13(known) => Some(known),
        SupportedCipherSuite::Tls12(_) => None,
    });
    let with_schedule = |known: &'static Tls13CipherSuite| {
        Some(Tls13CipherSuite {
            common: CipherSuiteCommon {
                suite: known.common.suite,
                hash_provider: known.common.hash_provider,
                confidentiality_limit: known.common.confidentiality_limit,
            },
            hkdf_provider: schedule(known)?,
            aead_alg: known.aead_alg,
            quic: None,
        })
    };
    of_tls13.filter_map(with_schedule).collect()
});

/// The key schedule with a suite's hash function; `None` where it is not one of ours.
fn schedule(suite: &Tls13CipherSuite) -> Option<&'static KeySchedule> {
    let hash = suite.common.hash_provider.algorithm();
    if hash == HashAlgorithm::SHA256 {
        Some(&SHA256)
    } else {
        (hash == HashAlgorithm::SHA384).then_some(&SHA384)
    }
}

static SHA256: KeySchedule = KeySchedule(&AwsLcHmac(hmac::HMAC_SHA256));
static SHA384: KeySchedule = KeySchedule(&AwsLcHmac(hmac::HMAC_SHA384));

/// HKDF by an HMAC. As [`HkdfUsingHmac`], which leaves extracted keys behind in memory; these are zeroised.
struct KeySchedule(&'static AwsLcHmac);

const ZEROES: [u8; Tag::MAX_LEN] = [0; Tag::MAX_LEN];

impl KeySchedule {
    /// As many zeroes as the hash function has octets.
    fn zeroes(&self) -> &'static [u8] {
        ZEROES
            .get(..self.0.hash_output_len())
            .unwrap_or(ZEROES.as_slice())
    }
}

impl Hkdf for KeySchedule {
    fn extract_from_zero_ikm(&self, salt: Option<&[u8]>) -> Box<dyn HkdfExpander> {
        self.extract_from_secret(salt, self.zeroes())
    }

    fn extract_from_secret(&self, salt: Option<&[u8]>, secret: &[u8]) -> Box<dyn HkdfExpander> {
        let salt = self.0.with_key(salt.unwrap_or(self.zeroes()));
        // Both are zeroised when they are dropped.
        let extracted = OkmBlock::new(salt.sign(&[secret]).as_ref());
        self.expander_for_okm(&extracted)
    }

    fn expander_for_okm(&self, okm: &OkmBlock) -> Box<dyn HkdfExpander> {
        HkdfUsingHmac(self.0).expander_for_okm(okm)
    }

    fn hmac_sign(&self, key: &OkmBlock, message: &[u8]) -> Tag {
        HkdfUsingHmac(self.0).hmac_sign(key, message)
    }
}

/// HMAC of aws-lc-rs, for rustls.
struct AwsLcHmac(hmac::Algorithm);

impl Hmac for AwsLcHmac {
    fn with_key(&self, key: &[u8]) -> Box<dyn Key> {
        Box::new(AwsLcKey(hmac::Key::new(self.0, key)))
    }

    fn hash_output_len(&self) -> usize {
        self.0.digest_algorithm().output_len()
    }
}

struct AwsLcKey(hmac::Key);

impl Key for AwsLcKey {
    fn sign_concat(&self, first: &[u8], middle: &[&[u8]], last: &[u8]) -> Tag {
        let mut signing = hmac::Context::with_key(&self.0);
        signing.update(first);
        for part in middle {
            signing.update(part);
        }
        signing.update(last);
        Tag::new(signing.sign().as_ref())
    }

    fn tag_len(&self) -> usize {
        self.0.algorithm().digest_algorithm().output_len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rustls::CipherSuite;

    use super::*;

    fn of(suites: &[SupportedCipherSuite], name: CipherSuite) -> &'static dyn Hkdf {
        let suite = suites.iter().find(|suite| suite.suite() == name);
        match suite.unwrap() {
            SupportedCipherSuite::Tls13(suite) => suite.hkdf_provider,
            SupportedCipherSuite::Tls12(_) => unreachable!("{name:?} is of TLS 1.3"),
        }
    }

    /// RFC 5869, A.1 and A.3.
    #[test]
    fn derives_what_the_rfc_derives() {
        let hkdf = of(&cipher_suites(), CipherSuite::TLS13_AES_128_GCM_SHA256);
        let salt: Vec<u8> = (0..=0x0c).collect();
        let info: Vec<u8> = (0xf0..=0xf9).collect();
        for (salt, info, expected) in [
            (
                Some(&*salt),
                &*info,
                "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
            ),
            (
                None,
                b"".as_slice(),
                "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
            ),
        ] {
            let mut output = [0; 42];
            let expander = hkdf.extract_from_secret(salt, &[0x0b; 22]);
            expander.expand_slice(&[info], &mut output).unwrap();
            let hex: String = output.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, expected);
        }
    }

    #[test]
    fn every_suite_of_the_library_is_there_once_and_in_its_order() {
        let names = |suites: &[SupportedCipherSuite]| -> Vec<CipherSuite> {
            suites.iter().map(SupportedCipherSuite::suite).collect()
        };
        assert_eq!(
            names(&cipher_suites()),
            names(&default_provider().cipher_suites)
        );
        assert_eq!(TLS13_SUITES.len(), 3);
    }

    proptest! {
        #[test]
        fn every_secret_is_the_one_that_the_library_derives(
            salt in prop::option::of(prop::collection::vec(any::<u8>(), 0..80)),
            secret in prop::collection::vec(any::<u8>(), 0..140),
            info in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..70), 0..4),
            length in 0_usize..130,
        ) {
            let (ours, theirs) = (cipher_suites(), default_provider().cipher_suites);
            let info: Vec<&[u8]> = info.iter().map(Vec::as_slice).collect();
            for name in [
                CipherSuite::TLS13_AES_128_GCM_SHA256,
                CipherSuite::TLS13_AES_256_GCM_SHA384,
                CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
            ] {
                let derived = |suites: &[SupportedCipherSuite]| {
                    let hkdf = of(suites, name);
                    let mut all = Vec::new();
                    for expander in [
                        hkdf.extract_from_secret(salt.as_deref(), &secret),
                        hkdf.extract_from_zero_ikm(salt.as_deref()),
                    ] {
                        let mut slice = vec![0; length];
                        expander.expand_slice(&info, &mut slice).unwrap();
                        all.push(slice);
                        let block = expander.expand_block(&info);
                        all.push(block.as_ref().to_vec());
                        all.push(hkdf.hmac_sign(&block, &secret).as_ref().to_vec());
                        let next = hkdf.expander_for_okm(&block);
                        all.push(next.expand_block(&info).as_ref().to_vec());
                        all.push(vec![u8::try_from(next.hash_len()).unwrap()]);
                    }
                    all
                };
                prop_assert_eq!(derived(&ours), derived(&theirs));
            }
        }
    }
}
