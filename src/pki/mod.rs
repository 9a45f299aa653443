//! Bytes to facts and back: certificates, keys and the files they come in.
//!
//! This room decodes what people upload and clients show, and encodes what we hand out. It takes no decisions: whether a
//! certificate is good for anything is for `trust` to say. It knows no realm, no store and no socket.
//!
//! Invariants: nothing here panics on any input; every input is bounded; texts made from certificates are bounded and
//! escaped, fit to be shown; private keys are zeroised when dropped and never printed.

pub mod authority;
pub mod certificate;
pub mod crl;
pub mod crl_structure;
#[cfg(test)]
pub mod crl_testing;
#[cfg(test)]
pub mod crl_writer;
pub mod csr;
pub mod der;
pub mod distinguished;
pub mod distribution;
pub mod extension;
pub mod fingerprint;
pub mod foreign;
pub mod general_name;
pub mod issued_crl;
pub mod key;
pub mod key_id;
pub mod moment;
pub mod name;
#[cfg(test)]
pub mod openssl;
pub mod p12;
pub mod pem;
pub mod policy;
pub mod prepared;
pub mod presented;
pub mod printable;
pub mod secret;
pub mod serial;
pub mod signature;
pub mod strict;
pub mod upload;
