//! Keys derived from the master key, and what is done with them: sealing secrets, and tagging rows.
//!
//! Each table has two keys of its own, derived by HKDF (RFC 5869) from the master key and the store's random salt. A
//! secret is sealed with AES-256-GCM under a random 96-bit nonce, bound by its associated data to table, realm, object,
//! environment and field; a row is tagged with HMAC-SHA-256, bound to table, realm and object. So neither a sealed value
//! nor a row can be moved to another place in the file, and a damaged row is noticed.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::{hkdf, hmac, rand};
use zeroize::Zeroizing;

use crate::pki::fingerprint::sha256;
use crate::store::master_key::{KEY_BYTES, MasterKey};
use crate::store::tables::Table;

/// The length of the salt, in bytes.
const SALT_BYTES: usize = 32;
/// The length of a row's tag, in bytes.
pub(crate) const TAG_BYTES: usize = 16;
/// The length of what the meta table keeps to check the master key with, in bytes.
const CHECK_BYTES: usize = SALT_BYTES + KEY_BYTES + 8;

/// Why something could not be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// A sealed value that does not open at its place.
    #[error("its sealed {field} was damaged, or moved here from another place")]
    Damaged {
        /// Which field.
        field: &'static str,
    },
    /// The cryptographic library failed.
    #[error("the cryptographic library failed: check the machine's source of randomness")]
    Library,
}

/// Why the keys of a store cannot be derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyCheckError {
    #[error("another master key")]
    WrongKey,
    #[error("damaged")]
    Damaged,
    #[error("the cryptographic library failed")]
    Library,
}

/// The keys of one store.
pub(crate) struct StoreKeys {
    root: hkdf::Prk,
}

impl StoreKeys {
    /// The keys of a new store, and what its meta table keeps to find them again: salt, key check, checksum.
    pub(crate) fn create(master: &MasterKey) -> Result<(Self, Vec<u8>), SealError> {
        let mut salt = [0; SALT_BYTES];
        rand::fill(&mut salt).map_err(library)?;
        let keys = Self::derive(master, &salt);
        let check = keys.check()?;
        let checksum = checksum(&salt, &check);
        Ok((keys, [salt.as_slice(), &check, &checksum].concat()))
    }

    /// The keys of a store that has `kept` in its meta table.
    pub(crate) fn open(master: &MasterKey, kept: &[u8]) -> Result<Self, KeyCheckError> {
        let (salt, rest) = kept
            .split_at_checked(SALT_BYTES)
            .ok_or(KeyCheckError::Damaged)?;
        let (check, sum) = rest
            .split_at_checked(KEY_BYTES)
            .ok_or(KeyCheckError::Damaged)?;
        // The checksum needs no key, so damage is told apart from a wrong key.
        if kept.len() != CHECK_BYTES || sum != checksum(salt, check) {
            return Err(KeyCheckError::Damaged);
        }
        let keys = Self::derive(master, salt);
        let expected = keys.check().map_err(|_| KeyCheckError::Library)?;
        verify_slices_are_equal(&expected, check).map_err(|_| KeyCheckError::WrongKey)?;
        Ok(keys)
    }

    /// The keys of one table.
    pub(crate) fn table(&self, table: Table) -> Result<TableKeys, SealError> {
        let sealing = self.expand(&[b"realmgate store v1 seal ", table.as_str().as_bytes()])?;
        let tagging = self.expand(&[b"realmgate store v1 row ", table.as_str().as_bytes()])?;
        let sealing = UnboundKey::new(&AES_256_GCM, sealing.as_slice()).map_err(library)?;
        Ok(TableKeys {
            table,
            sealing: LessSafeKey::new(sealing),
            tagging: hmac::Key::new(hmac::HMAC_SHA256, tagging.as_slice()),
        })
    }

    fn derive(master: &MasterKey, salt: &[u8]) -> Self {
        Self {
            root: hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(master.expose()),
        }
    }

    fn check(&self) -> Result<[u8; KEY_BYTES], SealError> {
        Ok(*self.expand(&[b"realmgate store v1 key check"])?)
    }

    fn expand(&self, info: &[&[u8]]) -> Result<Zeroizing<[u8; KEY_BYTES]>, SealError> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let okm = self.root.expand(info, hkdf::HKDF_SHA256).map_err(library)?;
        okm.fill(key.as_mut_slice()).map_err(library)?;
        Ok(key)
    }
}

/// The keys of one table.
pub(crate) struct TableKeys {
    table: Table,
    sealing: LessSafeKey,
    tagging: hmac::Key,
}

impl TableKeys {
    /// The keys put to one row: of `realm` (empty where it belongs to none), named `object` within it.
    pub(crate) fn at<'a>(&'a self, realm: &'a str, object: &'a str) -> RowSeal<'a> {
        RowSeal {
            keys: self,
            realm,
            object,
        }
    }
}

/// The keys of a table put to one row of it.
#[derive(Clone, Copy)]
pub(crate) struct RowSeal<'a> {
    keys: &'a TableKeys,
    realm: &'a str,
    object: &'a str,
}

impl RowSeal<'_> {
    /// The row's table.
    pub(crate) const fn table(&self) -> Table {
        self.keys.table
    }

    /// The realm that the row belongs to; empty where it belongs to none.
    pub(crate) const fn realm(&self) -> &str {
        self.realm
    }

    /// Seals a secret: nonce, ciphertext, tag. `environment` is empty where the field belongs to none.
    pub(crate) fn seal(
        &self,
        environment: &str,
        field: &'static str,
        secret: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(library)?;
        let mut text = Zeroizing::new(secret.to_vec());
        let tag = self
            .keys
            .sealing
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(self.place(environment, field)),
                &mut text,
            )
            .map_err(library)?;
        Ok([nonce.as_slice(), &text, tag.as_ref()].concat())
    }

    /// Opens what [`RowSeal::seal`] made for this very place.
    pub(crate) fn open(
        &self,
        environment: &str,
        field: &'static str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let damaged = SealError::Damaged { field };
        let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(damaged)?;
        let mut text = Zeroizing::new(text.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let place = Aad::from(self.place(environment, field));
        let length = self
            .keys
            .sealing
            .open_in_place(nonce, place, &mut text)
            .map_err(|_| damaged)?
            .len();
        text.truncate(length);
        Ok(text)
    }

    /// The tag of this row with a body of that version.
    pub(crate) fn tag(&self, version: u8, body: &[u8]) -> [u8; TAG_BYTES] {
        let mut context = hmac::Context::with_key(&self.keys.tagging);
        let parts = [self.keys.table.as_str(), self.realm, self.object];
        context.update(&join(parts.map(str::as_bytes)));
        context.update(&[version]);
        context.update(body);
        let whole = context.sign();
        let mut tag = [0; TAG_BYTES];
        for (to, from) in tag.iter_mut().zip(whole.as_ref()) {
            *to = *from;
        }
        tag
    }

    /// Whether `tag` is the tag of this row with that body.
    pub(crate) fn is_tagged(&self, version: u8, body: &[u8], tag: &[u8]) -> bool {
        verify_slices_are_equal(&self.tag(version, body), tag).is_ok()
    }

    fn place(&self, environment: &str, field: &str) -> Vec<u8> {
        let parts = [
            self.keys.table.as_str(),
            self.realm,
            self.object,
            environment,
            field,
        ];
        join(parts.map(str::as_bytes))
    }
}

impl std::fmt::Display for RowSeal<'_> {
    /// The row's key, as error messages name it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.realm {
            "" => f.write_str(self.object),
            realm => write!(f, "{realm}/{}", self.object),
        }
    }
}

/// Parts with their lengths before them, so that no two lists of parts give the same bytes.
fn join<const N: usize>(parts: [&[u8]; N]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(128);
    for part in parts {
        joined.extend_from_slice(&(part.len() as u64).to_le_bytes());
        joined.extend_from_slice(part);
    }
    joined
}

fn checksum(salt: &[u8], check: &[u8]) -> [u8; 8] {
    let whole = sha256(&join([b"realmgate key check", salt, check]));
    let [a, b, c, d, e, f, g, h, ..] = whole;
    [a, b, c, d, e, f, g, h]
}

fn library(_: Unspecified) -> SealError {
    SealError::Library
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> StoreKeys {
        StoreKeys::create(&MasterKey::from_bytes([7; 32]))
            .unwrap()
            .0
    }

    #[test]
    fn a_sealed_value_opens_at_its_place_only() {
        let keys = keys();
        let accounts = keys.table(Table::Accounts).unwrap();
        let sealed = accounts
            .at("acme", "a")
            .seal("prod", "password", b"hunter2")
            .unwrap();
        let open = |table: &TableKeys, realm, object, environment, field| {
            let opened = table.at(realm, object).open(environment, field, &sealed);
            opened.map(|text| text.to_vec())
        };
        let there = open(&accounts, "acme", "a", "prod", "password");
        assert_eq!(there, Ok(b"hunter2".to_vec()));
        let identities = keys.table(Table::Identities).unwrap();
        let elsewhere = [
            open(&identities, "acme", "a", "prod", "password"),
            open(&accounts, "globex", "a", "prod", "password"),
            open(&accounts, "acme", "b", "prod", "password"),
            open(&accounts, "acmea", "", "prod", "password"),
            open(&accounts, "acme", "a", "test", "password"),
        ];
        for result in elsewhere {
            assert_eq!(result, Err(SealError::Damaged { field: "password" }));
        }
        let field = open(&accounts, "acme", "a", "prod", "token");
        assert_eq!(field, Err(SealError::Damaged { field: "token" }));
    }

    #[test]
    fn sealing_twice_gives_different_bytes_that_hide_the_secret() {
        let table = keys().table(Table::Accounts).unwrap();
        let seal = || {
            table
                .at("acme", "a")
                .seal("", "token", b"hunter2hunter2")
                .unwrap()
        };
        let (one, two) = (seal(), seal());
        assert_ne!(one, two);
        assert!(!one.windows(7).any(|window| window == b"hunter2"));
    }

    #[test]
    fn every_damaged_byte_of_a_sealed_value_is_noticed() {
        let table = keys().table(Table::Accounts).unwrap();
        let seal = table.at("acme", "a");
        let sealed = seal.seal("", "token", b"x").unwrap();
        for place in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[place] ^= 1;
            assert!(seal.open("", "token", &damaged).is_err(), "byte {place}");
            assert!(
                seal.open("", "token", &sealed[..place]).is_err(),
                "cut at {place}"
            );
        }
    }

    #[test]
    fn a_tag_belongs_to_one_row_version_and_body() {
        let keys = keys();
        let table = keys.table(Table::Tokens).unwrap();
        let tag = table.at("acme", "a").tag(1, b"body");
        assert!(table.at("acme", "a").is_tagged(1, b"body", &tag));
        assert!(!table.at("acme", "a").is_tagged(2, b"body", &tag));
        assert!(!table.at("acme", "a").is_tagged(1, b"bodY", &tag));
        assert!(!table.at("acme", "b").is_tagged(1, b"body", &tag));
        assert!(!table.at("acm", "ea").is_tagged(1, b"body", &tag));
        let other = keys.table(Table::Realms).unwrap();
        assert!(!other.at("acme", "a").is_tagged(1, b"body", &tag));
    }

    #[test]
    fn a_wrong_master_key_is_told_apart_from_damage() {
        let (_, kept) = StoreKeys::create(&MasterKey::from_bytes([7; 32])).unwrap();
        let right = MasterKey::from_bytes([7; 32]);
        assert!(StoreKeys::open(&right, &kept).is_ok());
        let wrong = StoreKeys::open(&MasterKey::from_bytes([8; 32]), &kept);
        assert_eq!(wrong.err(), Some(KeyCheckError::WrongKey));
        for place in 0..kept.len() {
            let mut damaged = kept.clone();
            damaged[place] ^= 1;
            let opened = StoreKeys::open(&right, &damaged);
            assert_eq!(opened.err(), Some(KeyCheckError::Damaged), "byte {place}");
            let cut = StoreKeys::open(&right, &kept[..place]);
            assert_eq!(cut.err(), Some(KeyCheckError::Damaged), "cut at {place}");
        }
    }
}
