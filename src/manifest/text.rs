//! Words and names that are parsed while a document is read, so that an error knows its place.

use std::fmt::Display;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::clock::{InvalidMoment, Moment};
use crate::domain::account::AccountType;
use crate::domain::address::{BaseUrl, InvalidBaseUrl};
use crate::domain::crl_source::{CrlUrl, InvalidCrlUrl};
use crate::domain::denial::{DenialReason, InvalidDenialReason};
use crate::domain::environment::{Environment, InvalidWord};
use crate::domain::media_type::{InvalidMediaRange, MediaRange};
use crate::domain::name::{
    AccountName, ConnectionName, CrlSourceName, InvalidName, PipelineName, RealmName,
};
use crate::domain::trigger::{InvalidTrigger, Method, RoutePattern};
use crate::domain::trust_policy::{HandshakePolicy, InvalidPin, Pin, RevocationScope, Signatures};
use crate::pki::distinguished::{DistinguishedName, InvalidDistinguishedName};
use crate::pki::fingerprint::{Fingerprint, InvalidFingerprint};
use crate::pki::serial::{InvalidSerial, SerialNumber};
use crate::rule::client_rule::ClientRule;
use crate::rule::invalid::InvalidClientRule;

/// Something of the domain that documents write as text.
pub trait Written: Sized {
    /// Why a text cannot be read as one.
    type Invalid: Display;

    /// Reads it.
    ///
    /// # Errors
    /// What the domain's own parser says.
    fn read(text: &str) -> Result<Self, Self::Invalid>;

    /// Writes it, so that reading it again yields the same.
    fn write(&self) -> String;
}

/// A value of the domain, written as text in documents.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<T>(pub T);

impl<T: Written> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.write())
    }
}

impl<'de, T: Written> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(PhantomData))
    }
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: Written> Visitor<'_> for TextVisitor<T> {
    type Value = Text<T>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        T::read(text).map(Text).map_err(E::custom)
    }
}

macro_rules! written {
    ($($kind:ty, $invalid:ty, $write:expr;)*) => {$(
        impl Written for $kind {
            type Invalid = $invalid;

            fn read(text: &str) -> Result<Self, Self::Invalid> {
                Self::parse(text)
            }

            fn write(&self) -> String {
                $write(self)
            }
        }
    )*};
}

written! {
    RealmName, InvalidName, Self::to_string;
    AccountName, InvalidName, Self::to_string;
    PipelineName, InvalidName, Self::to_string;
    ConnectionName, InvalidName, Self::to_string;
    CrlSourceName, InvalidName, Self::to_string;
    CrlUrl, InvalidCrlUrl, Self::to_string;
    BaseUrl, InvalidBaseUrl, Self::to_string;
    RoutePattern, InvalidTrigger, Self::to_string;
    MediaRange, InvalidMediaRange, Self::to_string;
    Environment, InvalidWord, Self::to_string;
    AccountType, InvalidWord, Self::to_string;
    Pin, InvalidPin, Self::to_string;
    RevocationScope, InvalidWord, Self::to_string;
    Signatures, InvalidWord, Self::to_string;
    HandshakePolicy, InvalidWord, Self::to_string;
    Fingerprint, InvalidFingerprint, Self::to_string;
    DistinguishedName, InvalidDistinguishedName, Self::written;
    SerialNumber, InvalidSerial, Self::to_string;
    DenialReason, InvalidDenialReason, Self::to_string;
    Moment, InvalidMoment, Self::to_string;
    ClientRule, InvalidClientRule, |rule: &Self| rule.as_str().to_owned();
    Method, InvalidTrigger, |method: &Self| method.as_str().to_owned();
}
