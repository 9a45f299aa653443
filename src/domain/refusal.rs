//! Refused clients: what is kept of each refusal, for the realm's people and the operator to read.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::clock::Moment;
use crate::domain::environment::{Environment, Gateway};
use crate::domain::name::RealmName;

/// One refused handshake, or one refused call that is worth a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalRecord {
    /// When.
    pub at: Moment,
    /// Whose it is; `None` where it belongs to no realm and only operators read it.
    pub realm: Option<RealmName>,
    /// At which gateway.
    pub gateway: Gateway,
    /// In which environment, where that was known already.
    pub environment: Option<Environment>,
    /// Where the client called from.
    pub address: IpAddr,
    /// The server name that the client asked for; escaped, at most 255 characters.
    pub server_name: Option<String>,
    /// The stable reason code.
    pub reason: Cow<'static, str>,
    /// One sentence that says what happened, naming the certificate.
    pub sentence: String,
    /// The client certificate that was shown, decoded.
    pub certificate: Option<ShownCertificate>,
    /// How many refusals of this realm were left out just before this one, because there were too many.
    pub left_out: u64,
}

/// A certificate that a refused client showed. All texts are escaped and bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownCertificate {
    /// Its subject.
    pub subject: String,
    /// Its issuer.
    pub issuer: String,
    /// Its serial number, lower-case hexadecimal.
    pub serial: String,
    /// SHA-256 of the certificate, lower-case hexadecimal.
    pub fingerprint: String,
    /// When it begins.
    pub not_before: Moment,
    /// When it ends.
    pub not_after: Moment,
}
