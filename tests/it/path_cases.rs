//! Certificate paths, right ones and wrong ones, judged by the real binary in real handshakes.
//!
//! Each case is one client and one realm. What the realm trusts (anchors, helpers, revocation lists, policy) is given by
//! one manifest for all of them; what the client sends are exactly the bytes that the [`crate::foundry`] made. Every
//! case is tried in TLS 1.2 and in TLS 1.3. A case expects either an answer to one call, or a reason: then the alert is
//! that of the reason, and the realm's journal tells the reason for both handshakes. A few cases expect that their
//! anchors or lists are not taken in at all; they are applied one by one.
//!
//! The expectation of each case is what RFC 5280 says, in the clause that the case names; in the spirit of NIST's PKITS
//! and of x509-limbo, but made anew. Where realmgate is stricter than RFC 5280 asks, the clause says `stricter`.
//!
//! [`case`] is the language of the cases, [`run`] tries them, [`table`] writes them down: `docs/trust-cases.md` is that
//! list, and a test compares it (with `WRITE_DOCS=1` it writes it instead). The other modules are the cases,
//! one module for one topic.

pub mod building;
pub mod case;
pub mod client;
pub mod constraints;
pub mod encoding;
pub mod extensions;
pub mod hostile;
pub mod intake;
pub mod names;
pub mod names_in_paths;
pub mod naming;
pub mod openssl;
pub mod pins;
pub mod policies;
pub mod revocation;
pub mod revocation_scopes;
pub mod run;
pub mod signatures;
pub mod table;
pub mod told;
pub mod usages;
pub mod validity;

use case::Case;

/// A topic of the table: its title, and its cases.
pub type Topic = (&'static str, fn() -> Vec<Case>);

/// All topics, in the order of the table.
pub const TOPICS: [Topic; 16] = [
    ("Signatures, algorithms and keys", signatures::cases),
    ("Validity", validity::cases),
    ("Names that chain", naming::cases),
    ("Encoding, versions and serial numbers", encoding::cases),
    ("Basic constraints and path length", constraints::cases),
    ("Key usage and extended key usage", usages::cases),
    ("Name constraints, kind by kind", names::cases),
    ("Name constraints along a path", names_in_paths::cases),
    ("Certificate policies", policies::cases),
    ("Extensions", extensions::cases),
    ("Building a path", building::cases),
    ("Hostile clients", hostile::cases),
    ("Revocation", revocation::cases),
    ("Revocation lists with a scope", revocation_scopes::cases),
    ("Pins", pins::cases),
    ("What cannot be installed", intake::cases),
];

/// All cases; the number of a case is its place here, from 1.
pub fn all() -> Vec<Case> {
    TOPICS.iter().flat_map(|(_, cases)| cases()).collect()
}
