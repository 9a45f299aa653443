//! The keys of what is allowed, and asked of certificates before they are trusted.

use crate::settings::key::{Group, Kind};
use crate::settings::table::{MB, MILLION, count, key};

/// The group.
pub(crate) const RULES: Group = Group {
    title: "Rules",
    keys: &[
        key(
            "trust_account_prefix",
            Kind::Text,
            "\"dgb-mtls-\"",
            "What the name of an account that serves as trust source begins with. Empty lifts the rule.",
        ),
        key(
            "request_mb_max",
            count(MB, 1, 1_048_576),
            "1024",
            "The largest request size that a trigger may ask for.",
        ),
        key(
            "ca_key_proof",
            Kind::Choice(&["off", "prod", "all"]),
            "\"off\"",
            "Where a certificate becomes an anchor only after it was proven that its registrant holds its key: nowhere, in prod, or in both environments. 'realmgate installation challenge' tells how.",
        ),
        key(
            "prod_handshakes_required",
            count("handshakes", 0, MILLION),
            "0",
            "How many handshakes the clients of a CA must have completed in test before it is installed in prod of the same realm. 0: none.",
        ),
        key(
            "outgoing_networks_allowed",
            Kind::Networks,
            "[]",
            "Networks that connections of realms may lead to although they are loopback, link-local or the like, which are refused otherwise, whatever a name resolves to.",
        ),
    ],
};
