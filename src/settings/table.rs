//! The table of all keys.

use crate::settings::key::{Group, Key, Kind};
use crate::settings::rules;

/// A key.
pub(crate) const fn key(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    text: &'static str,
) -> Key {
    Key {
        name,
        kind,
        default,
        text,
    }
}

/// A whole number.
pub(crate) const fn count(unit: &'static str, least: u64, most: u64) -> Kind {
    Kind::Count { unit, least, most }
}

const MS: &str = "milliseconds";
const BYTES: &str = "bytes";
/// What sizes are told in.
pub(crate) const MB: &str = "MB (1 MB = 1,048,576 bytes)";
const CONNECTIONS: &str = "connections";
const DAY_MS: u64 = 86_400_000;
/// 1,000,000.
pub(crate) const MILLION: u64 = 1_000_000;

/// All keys, in the order in which they are printed.
pub const GROUPS: &[Group] = &[
    Group {
        title: "Where things are",
        keys: &[
            key(
                "data_dir",
                Kind::Path,
                "\"/var/lib/realmgate\"",
                "The data directory: the store, the master key file, and what the first start hands out (operator.token, admin-ca.pem, server-ca.pem). One server to one directory.",
            ),
            key(
                "master_key_file",
                Kind::Path,
                "\"\"",
                "The file that holds the master key, which seals every secret of the store; made at the first start, readable by its owner alone. Empty: master.key in the data directory. REALMGATE_MASTER_KEY (hex or base64), or else the systemd credential realmgate-master-key, takes its place where there is one.",
            ),
        ],
    },
    Group {
        title: "Names",
        keys: &[
            key(
                "domain",
                Kind::Text,
                "\"gate.localhost\"",
                "The domain that every host name lies under.",
            ),
            key(
                "host_label_external_prod",
                Kind::Text,
                "\"api\"",
                "First label of the external gateway's host in prod.",
            ),
            key(
                "host_label_external_test",
                Kind::Text,
                "\"test\"",
                "First label of the external gateway's host in test.",
            ),
            key(
                "host_label_internal_prod",
                Kind::Text,
                "\"api-internal\"",
                "First label of the internal gateway's host in prod.",
            ),
            key(
                "host_label_internal_test",
                Kind::Text,
                "\"test-internal\"",
                "First label of the internal gateway's host in test.",
            ),
            key(
                "host_label_mtls_prod",
                Kind::Text,
                "\"api2\"",
                "Label of the mtls gateway's hosts in prod: the shared one, and below it one for each realm.",
            ),
            key(
                "host_label_mtls_test",
                Kind::Text,
                "\"test2\"",
                "Label of the mtls gateway's hosts in test: the shared one, and below it one for each realm.",
            ),
            key(
                "admin_names",
                Kind::Texts,
                "[]",
                "More names and addresses that the admin listener is reached by, for its generated certificate; localhost, 127.0.0.1 and ::1 are always in it.",
            ),
        ],
    },
    Group {
        title: "Listeners",
        keys: &[
            key(
                "admin_listen",
                Kind::Address,
                "\"127.0.0.1:7443\"",
                "Where the admin API listens. Port 0 takes any free one.",
            ),
            key(
                "mtls_listen",
                Kind::Addresses,
                "[\"0.0.0.0:8443\"]",
                "Where the mtls gateway listens. Gateways may share an address: the server name that a client asks for tells them apart. For port 443 the process needs the right to bind it (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE). Empty: not at all.",
            ),
            key(
                "external_listen",
                Kind::Addresses,
                "[\"0.0.0.0:8443\"]",
                "Where the external gateway listens. Empty: not at all.",
            ),
            key(
                "internal_listen",
                Kind::Addresses,
                "[\"127.0.0.1:8444\"]",
                "Where the internal gateway listens: an address that only VPN and LAN reach. It is not shared with the others by default, since whoever reaches an address reaches every gateway on it. Empty: not at all.",
            ),
            key(
                "internal_networks",
                Kind::Networks,
                "[]",
                "The networks of VPN and LAN. The mtls gateway drops connections that come from there, and the internal gateway those that do not: before TLS on an address of their own, and where gateways share one as soon as the client has named its host. Empty: both take connections from everywhere.",
            ),
            key(
                "trusted_proxies",
                Kind::Networks,
                "[]",
                "The addresses of TCP load balancers in front of the gateways. Each connection from there has to begin with a PROXY protocol header (v1 or v2), which tells the client's address; from anywhere else no such header is read.",
            ),
            key(
                "workers",
                count("threads", 0, 1024),
                "0",
                "How many threads serve the gateways. 0: one for each processor.",
            ),
            key(
                "worker_model",
                Kind::Choice(&["per-core", "shared"]),
                "\"per-core\"",
                "per-core: each worker accepts and serves connections of its own; shared: all workers serve all connections. docs/performance.md has the figures of both.",
            ),
        ],
    },
    rules::RULES,
    Group {
        title: "Logs",
        keys: &[
            key(
                "log_level",
                Kind::Text,
                "\"info\"",
                "What is logged: off, error, warn, info, debug or trace; or a list for parts of the program, like info,realmgate::gateway=debug.",
            ),
            key(
                "log_format",
                Kind::Choice(&["text", "json"]),
                "\"text\"",
                "How messages are written.",
            ),
            key(
                "access_log",
                Kind::Text,
                "\"stdout\"",
                "Where the access log goes, one JSON line for each call: stdout, off, or the path of a file, which is appended to.",
            ),
            key(
                "refusals_per_realm_max",
                count("records", 1, MILLION),
                "1000",
                "How many refused clients are kept for each realm, and for those of no realm; the oldest ones go.",
            ),
            key(
                "clients_seen_per_realm_max",
                count("clients", 1, MILLION),
                "10000",
                "How many clients that were let in are kept for each realm, to tell whom a change would cut; those not seen for longest go.",
            ),
            key(
                "clients_seen_days",
                count("days", 1, 3650),
                "400",
                "After how many days a client that was not seen again is forgotten.",
            ),
        ],
    },
    Group {
        title: "Limits of connections (those of time and of heads hold for the admin listener too)",
        keys: &[
            key(
                "connections_max",
                count(CONNECTIONS, 1, 10 * MILLION),
                "20000",
                "How many connections the gateways hold at once, over all addresses. Each takes a file descriptor (ulimit -n).",
            ),
            key(
                "connections_per_address_max",
                count(CONNECTIONS, 1, 10 * MILLION),
                "10000",
                "How many connections one client address may hold at once.",
            ),
            key(
                "handshake_timeout_ms",
                count(MS, 100, DAY_MS),
                "10000",
                "How long a TLS handshake may take, from the accepted connection on.",
            ),
            key(
                "resumption_ms",
                count(MS, 0, 21_600_000),
                "3600000",
                "How long after a full handshake a client may resume its TLS session, which spares both sides the certificates. A session is worth nothing by itself: whoever resumes one is judged again, and any change of whom a host trusts ends its sessions. 0: each connection makes a full handshake.",
            ),
            key(
                "header_timeout_ms",
                count(MS, 100, DAY_MS),
                "10000",
                "How long a request's head may take, from its first byte to its end.",
            ),
            key(
                "header_bytes_max",
                count(BYTES, 8_192, 16 * MILLION),
                "65536",
                "The largest head of a request.",
            ),
            key(
                "header_fields_max",
                count("fields", 10, 1_000),
                "100",
                "The most header fields of a request.",
            ),
            key(
                "streams_max",
                count("streams", 1, 10_000),
                "100",
                "How many requests one HTTP/2 connection may have at once.",
            ),
            key(
                "tls_buffer_bytes_max",
                count(BYTES, 16_384, 64 * MILLION),
                "262144",
                "How much encrypted data waits for a slow reader on one connection.",
            ),
            key(
                "tls_bulk_bytes_max",
                count(BYTES, 16_384, 64 * MILLION),
                "1048576",
                "The same while a large answer flows, which makes downloads cheaper. Where it is not above `tls_buffer_bytes_max`, it has no effect.",
            ),
            key(
                "tls_bulk_total_bytes_max",
                count(BYTES, 0, 64_000 * MILLION),
                "67108864",
                "How much all connections together may hold beyond `tls_buffer_bytes_max`. Where it is used up, large answers flow with the usual buffer.",
            ),
            key(
                "idle_timeout_ms",
                count(MS, 100, DAY_MS),
                "60000",
                "How long a connection without a request is kept.",
            ),
            key(
                "body_idle_timeout_ms",
                count(MS, 100, DAY_MS),
                "30000",
                "How long a body, of a request or an answer, may stand still before its connection is closed.",
            ),
            key(
                "gather_timeout_ms",
                count(MS, 1_000, DAY_MS),
                "120000",
                "How long the whole body of a call to a mock or echo may take to come in.",
            ),
            key(
                "gathered_bytes_max",
                count("bytes", 1_048_576, 1 << 40),
                "268435456",
                "The most bytes of request bodies that mocks and echoes hold in memory at once; one realm gets half of them at most. Beyond it: 503.",
            ),
            key(
                "linger_ms",
                count(MS, 0, 60_000),
                "2000",
                "How long what a client still sends is read away after an alert or an early answer, so that it arrives there.",
            ),
            key(
                "linger_bytes",
                count(BYTES, 0, 1_000 * MILLION),
                "1048576",
                "How much is read away then.",
            ),
            key(
                "cut_grace_ms",
                count(MS, 0, 60_000),
                "500",
                "How long a connection that lost its right to be there may finish what it is doing.",
            ),
            key(
                "shutdown_grace_ms",
                count(MS, 0, DAY_MS),
                "10000",
                "How long open calls may finish when the server stops.",
            ),
        ],
    },
    Group {
        title: "Limits of client certificates",
        keys: &[
            key(
                "chain_certificates_max",
                count("certificates", 1, 100),
                "10",
                "How many certificates a client may show.",
            ),
            key(
                "chain_bytes_max",
                count(BYTES, 1_024, MILLION),
                "65536",
                "How large they may be together.",
            ),
            key(
                "rsa_bits_min",
                count("bits", 2_048, 8_192),
                "2048",
                "The smallest RSA key in a client's path.",
            ),
            key(
                "rsa_bits_max",
                count("bits", 2_048, 8_192),
                "8192",
                "The largest RSA key in a client's path.",
            ),
            key(
                "path_intermediates_max",
                count("certificates", 0, 100),
                "9",
                "How many intermediate certificates may stand between a client's and the trust anchor.",
            ),
            key(
                "sans_max",
                count("names", 1, 100_000),
                "1000",
                "How many alternative names a certificate of a client's path may have.",
            ),
            key(
                "signature_checks_max",
                count("checks", 1, 1_000),
                "32",
                "How many signatures are checked for one handshake.",
            ),
            key(
                "signature_checks_per_realm_max",
                count("checks", 1, 1_000),
                "4",
                "How many of them with keys of one realm, on a host that realms share.",
            ),
            key(
                "trust_verdicts_max",
                count("verdicts", 0, MILLION),
                "4096",
                "How many accepted chains are remembered, so that their signatures are not checked again; 0: none.",
            ),
            key(
                "trust_verdict_life_ms",
                count(MS, 0, DAY_MS),
                "3600000",
                "How long they are remembered, where neither a certificate nor a revocation list ends it before.",
            ),
        ],
    },
    Group {
        title: "Limits of outgoing connections",
        keys: &[
            key(
                "outgoing_connections_max",
                count(CONNECTIONS, 1, 10 * MILLION),
                "8192",
                "How many connections to targets are open at once.",
            ),
            key(
                "outgoing_connections_per_target_max",
                count(CONNECTIONS, 1, 10 * MILLION),
                "1024",
                "How many of them lead to one target.",
            ),
            key(
                "outgoing_waiting_calls_max",
                count("calls", 0, MILLION),
                "4096",
                "How many calls may wait at once for a connection to become free.",
            ),
            key(
                "outgoing_wait_timeout_ms",
                count(MS, 0, 900_000),
                "1000",
                "How long a call waits for one of them to become free before it is answered with 503.",
            ),
            key(
                "outgoing_addresses_max",
                count("addresses", 1, 100),
                "8",
                "How many addresses of one name are tried; the resolver's first ones.",
            ),
        ],
    },
    Group {
        title: "Revocation lists that keep themselves fresh",
        keys: &[
            key(
                "crl_refresh_ms",
                count(MS, 100, 7 * DAY_MS),
                "3600000",
                "How long after a good attempt the source of a revocation list is asked again; sooner where the list ends before that.",
            ),
            key(
                "crl_fetch_timeout_ms",
                count(MS, 100, 3_600_000),
                "120000",
                "How long one attempt may take, redirects included.",
            ),
            key(
                "crl_fetch_stall_ms",
                count(MS, 100, 3_600_000),
                "15000",
                "How long nothing may come during one attempt.",
            ),
            key(
                "crl_fetch_bytes_max",
                count(BYTES, 1_024, 24 * 1_048_576),
                "16777216",
                "How large a document with revocation lists may be. One list has at most 16 MiB.",
            ),
            key(
                "crl_proxy",
                Kind::Text,
                "\"\"",
                "The HTTP proxy that revocation lists are fetched through, like http://proxy.example:3128; names are then resolved by it. Empty: none.",
            ),
            key(
                "crl_dir",
                Kind::Path,
                "\"\"",
                "The folder that revocation lists are dropped into, as REALM/ENVIRONMENT/NAME.crl (or .pem, .der). Empty: none.",
            ),
            key(
                "crl_dir_poll_ms",
                count(MS, 100, DAY_MS),
                "5000",
                "How often that folder is looked at.",
            ),
            key(
                "crl_warn_ms",
                count(MS, 0, 365 * DAY_MS),
                "86400000",
                "How long before its end a revocation list that is in use is warned of, in the log, the status and the coverage.",
            ),
        ],
    },
    Group {
        title: "Limits of the admin API",
        keys: &[
            key(
                "admin_connections_max",
                count(CONNECTIONS, 1, 100_000),
                "100",
                "How many connections the admin listener holds at once.",
            ),
            key(
                "admin_streams_max",
                count("streams", 1, 1_000),
                "16",
                "How many requests one HTTP/2 connection may have at once there.",
            ),
            key(
                "admin_body_mb_max",
                count(MB, 1, 4_096),
                "64",
                "The largest manifest that 'apply' may send.",
            ),
            key(
                "admin_body_timeout_ms",
                count(MS, 100, DAY_MS),
                "60000",
                "How long the body of a request to the admin API may take.",
            ),
        ],
    },
];
