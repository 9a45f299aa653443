//! A foundry of certificates and revocation lists, right ones and wrong ones.
//!
//! Certificate libraries refuse to write what the tests need most: a certificate with an extension twice, with two
//! statements of its signature's algorithm, with a serial number of 21 octets, with a time that is none. So everything
//! is written here, octet by octet, from plain structs whose every field can be set raw:
//! [`certificate`] and [`crl`], made of [`name`]s, [`general_name`]s, [`extension`]s and [`moment`]s, signed with the
//! [`key`]s of all kinds.
//!
//! Defaults are those of a sound certificate, so that a test says only what is odd about its own:
//! `leaf("client").issued_by(&ca("Root")).serial(&[0])`. What is wrong with a certificate as a whole (a broken
//! signature, octets behind the end) is its [`certificate::Flaw`].

pub mod asn1;
pub mod certificate;
pub mod crl;
pub mod extension;
pub mod general_name;
pub mod key;
pub mod moment;
pub mod name;
