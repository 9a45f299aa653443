//! Is this chain trusted by this set at this moment?
//!
//! [`judge::judge`] is the way in: presented certificates, trust anchors and a moment go in; a verified client or one
//! reason comes out. [`set::TrustSet`] holds what one realm trusts and asks, [`shared::SharedTrust`] that of all realms
//! that share a host; [`verdicts::Verdicts`] judges, and remembers whom it accepted.
//!
//! What is checked, in this order; the first objection is the reason, unless another path is accepted:
//!
//! 1. [`judge`]: the limits on number and size of what was sent; each certificate is decoded strictly
//!    ([`crate::pki::certificate`]; RFC 5280, 4.1 and 4.2).
//! 2. [`search`]: paths to an anchor, each step of equal names (7.1) and a proven signature (6.1.3 (a) (1) and (4)); by the
//!    algorithms of [`signature`].
//! 3. [`rules`]: number of alternative names; validity (6.1.3 (a) (2)); kinds and sizes of keys; what the client's
//!    certificate is for (4.2.1.3, 4.2.1.9, 4.2.1.12); of each issuer that it is a CA (6.1.4 (k)) that may sign certificates
//!    (6.1.4 (n)) for clients (4.2.1.12); path lengths (6.1.4 (l) and (m)); critical extensions (6.1.4 (o), 6.1.5 (e)).
//! 4. [`profile`]: certificates that contradict themselves (4.1 and 4.2).
//! 5. [`constraints`]: names within the subtrees of their issuers (6.1.3 (b) and (c), 6.1.4 (g)).
//! 6. [`policies`]: certificate policies (6.1.3 (d) to (f), 6.1.4 (a) to (j), 6.1.5; RFC 9618).
//! 7. [`demands`]: what the realm's own policy asks: its deny list ([`denials`]), signatures, revocation
//!    ([`revocation`]; 6.3), pins.
//!
//! [`trace`] tells these steps to whoever asks why; [`outlook`], when the verdict will be another one.
//!
//! The trust anchor is held to 3 to 6 as far as that applies to an issuer, which RFC 5280, 6.2 leaves open.
//!
//! Invariants: nothing here does input or output, reads a clock, or panics on any input; the work for one judgement is
//! bounded ([`limits`]) and does not grow with the number of anchors; texts made here are bounded and escaped. This room
//! knows no realm, no store and no socket.
//!
//! What realms that share a host cannot do to each other, whatever they install: an anchor whose key identifier was
//! derived from its key is found with one check; one that was chosen freely, or a client's certificate that names no key,
//! may take several attempts where more than 31 realms took the same name, each going on where the last ended ([`anchors`]).
//! The limits of that: 1,024 realms with certificates of the very same name and key, and 256 helpers of one name, are
//! followed in one judgement.

pub mod anchor;
pub mod anchors;
pub mod cache;
pub mod constraints;
pub mod crl_scope;
pub mod crls;
pub mod demands;
pub mod denials;
pub mod finding;
pub mod identity;
pub mod index;
pub mod issuer;
pub mod judge;
pub mod limits;
pub mod miss;
pub mod outlook;
pub mod policies;
pub mod policy;
pub mod profile;
pub mod proofs;
pub mod reason;
pub mod revocation;
pub mod rules;
pub mod scale;
pub mod search;
pub mod set;
pub mod setid;
pub mod shared;
pub mod signature;
pub mod subtree;
pub mod trace;
pub mod verdicts;
#[cfg(test)]
mod workshop;
