//! Is this chain trusted by this set at this moment?
//!
//! [`judge::judge`] is the one way in: presented certificates, trust anchors and a moment go in; a verified client or one
//! reason comes out. [`set::TrustSet`] holds one realm's anchors, [`shared::SharedTrust`] those of all realms that
//! share a host.
//!
//! How: the issuer of each certificate is looked up by name and key identifier and proven by its signature
//! ([`search`]); a proven path is held to the rules of RFC 5280, 6.1 ([`rules`]); what passes is shown to
//! rustls-webpki, which has to agree ([`opinion`]). Only what all three accept is trusted.
//!
//! Invariants: nothing here does input or output, reads a clock, or panics on any input; the work for one judgement is
//! bounded ([`limits`]) and does not grow with the number of anchors; texts made here are bounded and escaped. This room
//! knows no realm, no store and no socket.

pub mod anchor;
pub mod anchors;
pub mod cache;
pub mod constraints;
pub mod crl_scope;
pub mod crls;
pub mod demands;
pub mod finding;
pub mod identity;
pub mod index;
pub mod issuer;
pub mod judge;
pub mod limits;
pub mod policies;
pub mod policy;
pub mod profile;
pub mod proofs;
pub mod reason;
pub mod revocation;
pub mod rules;
pub mod search;
pub mod set;
pub mod setid;
pub mod shared;
pub mod signature;
pub mod subtree;
pub mod verdicts;
#[cfg(test)]
mod workshop;
