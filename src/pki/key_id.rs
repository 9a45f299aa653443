//! Key identifiers: whether one was derived from the key that it stands for.

use aws_lc_rs::digest::{self, Algorithm};

use crate::pki::der::{self, tag};

/// The usual length of an identifier, in bytes: that of SHA-1, to which RFC 7093 cuts longer digests.
const USUAL: usize = 20;

/// Whether an identifier follows from a key, given as the contents of its AlgorithmIdentifier and its octets, by one of the usual ways: the SHA-1 of the key's
/// octets or four bits and the last sixty of it (RFC 5280, 4.2.1.2), or SHA-1, SHA-256, SHA-384 or SHA-512 of these
/// octets or of the whole SubjectPublicKeyInfo, in full or their first 160 bits (RFC 7093, 2).
///
/// An identifier is a name that anybody may give to any key. One that was derived cannot be given to another key.
pub fn is_derived(key_id: &[u8], algorithm: &[u8], octets: &[u8]) -> bool {
    let spki = &der::encode(
        tag::SEQUENCE,
        &[
            &der::encode(tag::SEQUENCE, &[algorithm]),
            &der::encode(tag::BIT_STRING, &[&[0], octets]),
        ],
    );
    match key_id.len() {
        8 => is_short_form(key_id, octets),
        USUAL => [
            &digest::SHA1_FOR_LEGACY_USE_ONLY,
            &digest::SHA256,
            &digest::SHA384,
            &digest::SHA512,
        ]
        .into_iter()
        .any(|algorithm| is_digest(key_id, algorithm, octets, spki)),
        32 => is_digest(key_id, &digest::SHA256, octets, spki),
        48 => is_digest(key_id, &digest::SHA384, octets, spki),
        64 => is_digest(key_id, &digest::SHA512, octets, spki),
        _ => false,
    }
}

fn is_digest(key_id: &[u8], algorithm: &'static Algorithm, octets: &[u8], spki: &[u8]) -> bool {
    [octets, spki].into_iter().any(|data| {
        let digest = digest::digest(algorithm, data);
        digest.as_ref().get(..key_id.len()) == Some(key_id)
    })
}

/// RFC 5280, 4.2.1.2 (2): 0100 and the last sixty bits of the SHA-1.
fn is_short_form(key_id: &[u8], octets: &[u8]) -> bool {
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, octets);
    let mut last = digest
        .as_ref()
        .last_chunk::<8>()
        .copied()
        .unwrap_or_default();
    if let Some(first) = last.first_mut() {
        *first = 0x40 | (*first & 0x0f);
    }
    key_id == last
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: [u8; 5] = [6, 3, 0x2b, 0x65, 0x70];
    const OCTETS: [u8; 32] = [7; 32];

    fn is_derived(key_id: &[u8]) -> bool {
        super::is_derived(key_id, &ED25519, &OCTETS)
    }

    #[test]
    fn knows_identifiers_that_were_derived_from_the_key() {
        let spki = [&[0x30, 42, 0x30, 5][..], &ED25519, &[3, 33, 0], &OCTETS].concat();
        for data in [&OCTETS[..], &spki] {
            for algorithm in [&digest::SHA256, &digest::SHA384, &digest::SHA512] {
                let digest = digest::digest(algorithm, data);
                assert!(is_derived(digest.as_ref()), "{algorithm:?}");
                assert!(is_derived(&digest.as_ref()[..20]), "{algorithm:?}");
            }
            let sha_1 = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, data);
            assert!(is_derived(sha_1.as_ref()));
        }
        let sha_1 = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &OCTETS);
        let mut short = sha_1.as_ref()[12..].to_vec();
        short[0] = 0x40 | (short[0] & 0x0f);
        assert!(is_derived(&short));
    }

    #[test]
    fn knows_those_that_were_not() {
        let of_another = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &[8; 32]);
        let cut = digest::digest(&digest::SHA256, &OCTETS);
        for key_id in [
            of_another.as_ref(),
            &cut.as_ref()[..19],
            &cut.as_ref()[..1],
            &[],
            &[0; 8],
            &[0; 20],
            &[0; 65],
        ] {
            assert!(!is_derived(key_id), "{key_id:?}");
        }
        assert!(!super::is_derived(cut.as_ref(), &ED25519, &[]));
    }
}
