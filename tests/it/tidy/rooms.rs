//! The rooms of the house, as `docs/architecture.md` has them: who may import whom, and which foreign crates.

/// A folder or file directly under `src/`.
pub(crate) struct Room {
    /// Its name: `pki` stands for `src/pki/` and `src/pki.rs`.
    pub(crate) name: &'static str,
    /// Rooms import from floors below their own.
    pub(crate) floor: u8,
    /// The rooms that it may import.
    pub(crate) rooms: &'static [&'static str],
    /// The foreign crates, or parts of them, that it may name outside of its tests, besides [`EVERYWHERE`].
    pub(crate) crates: &'static [&'static str],
}

impl Room {
    /// Whether it may import another room. Its tests may import more: whatever stands on a floor below, to make what
    /// they need, but for what [`NEVER`] forbids.
    pub(crate) fn may_import(&self, other: &Self, in_tests: bool) -> bool {
        let never = NEVER
            .iter()
            .any(|(name, rooms)| *name == self.name && rooms.contains(&other.name));
        other.name == self.name
            || self.rooms.contains(&other.name)
            || (in_tests && other.floor < self.floor && !never)
    }
}

/// Foreign crates that every room may name.
pub(crate) const EVERYWHERE: &[&str] = &["thiserror"];

/// Rooms of one floor that are one row of the table: commands, and the demo that one of them starts.
pub(crate) const ONE_ROW: &[&str] = &["cli", "demo"];

/// What no room's imports may come to hold, not even those of its tests.
pub(crate) const NEVER: &[(&str, &[&str])] = &[
    ("trust", &["store", "domain"]),
    ("snapshot", &["store"]),
    ("store", &["snapshot", "gateway", "console"]),
    ("control", &["gateway", "console"]),
    ("outbound", &["store", "control"]),
    ("gateway", &["store", "control", "console"]),
    ("egress", &["store", "control"]),
    ("prove", &["store", "snapshot", "gateway", "trust", "api"]),
    ("refresh", &["store", "snapshot", "gateway", "trust", "api"]),
    ("api", &["store", "snapshot", "gateway"]),
    ("console", &["store", "snapshot", "gateway"]),
    ("settings", &["store"]),
    ("app", &["cli"]),
    ("cli", &["gateway", "console"]),
    ("demo", &["gateway", "console"]),
];

pub(crate) const ROOMS: &[Room] = &[
    Room {
        name: "flaw",
        floor: 0,
        rooms: &[],
        crates: &[],
    },
    Room {
        name: "clock",
        floor: 0,
        rooms: &[],
        crates: &["time"],
    },
    Room {
        name: "pki",
        floor: 1,
        rooms: &["clock"],
        crates: &[
            "aws_lc_rs",
            "base64",
            "p12_keystore",
            "rcgen",
            // The names of the formats of keys and certificates; nothing that speaks TLS.
            "rustls::pki_types",
            "time",
            "unicode_normalization",
            "x509_parser",
            "zeroize",
        ],
    },
    Room {
        name: "rule",
        floor: 1,
        rooms: &[],
        crates: &["cel"],
    },
    Room {
        name: "trust",
        floor: 2,
        rooms: &["clock", "flaw", "pki"],
        crates: &["imbl", "rustls_pki_types", "webpki"],
    },
    Room {
        name: "domain",
        floor: 2,
        rooms: &["clock", "pki", "rule"],
        crates: &["http", "imbl", "ipnet", "percent_encoding", "serde_json"],
    },
    Room {
        name: "store",
        floor: 3,
        rooms: &["clock", "domain", "pki", "rule"],
        crates: &[
            "aws_lc_rs",
            "base64",
            "imbl",
            "redb",
            "rmp_serde",
            "serde",
            "serde_json",
            "zeroize",
        ],
    },
    Room {
        name: "snapshot",
        floor: 3,
        rooms: &["clock", "domain", "flaw", "pki", "rule", "trust"],
        crates: &[
            "arc_swap",
            "aws_lc_rs",
            "http",
            "imbl",
            "matchit",
            "rustls",
            "rustls_native_certs",
            // Signals and the verifier's slot; nothing that runs.
            "tokio::sync::watch",
            "tokio::task_local",
            "tracing",
        ],
    },
    Room {
        name: "telemetry",
        floor: 3,
        rooms: &["clock", "domain", "pki", "trust"],
        crates: &["prometheus_client", "tracing", "tracing_subscriber"],
    },
    Room {
        name: "manifest",
        floor: 3,
        rooms: &["clock", "domain", "pki", "rule"],
        crates: &[
            "base64",
            "http",
            "serde",
            "serde_json",
            "serde_path_to_error",
            "toml",
        ],
    },
    Room {
        name: "control",
        floor: 4,
        rooms: &[
            "clock",
            "domain",
            "manifest",
            "pki",
            "snapshot",
            "store",
            "telemetry",
            "trust",
        ],
        crates: &[
            "arc_swap",
            "aws_lc_rs",
            "base64",
            "imbl",
            "serde",
            "serde_json",
            "tokio",
            "tracing",
            "zeroize",
        ],
    },
    Room {
        name: "outbound",
        floor: 4,
        rooms: &["clock", "domain", "pki", "snapshot", "telemetry", "trust"],
        crates: &[
            "bytes",
            "http",
            "http_body",
            "http_body_util",
            "hyper",
            "hyper_util",
            "ipnet",
            "rustls",
            "socket2",
            "tokio",
            "tokio_rustls",
            "tower_service",
            "tracing",
        ],
    },
    Room {
        name: "gateway",
        floor: 5,
        rooms: &[
            "clock",
            "domain",
            "flaw",
            "outbound",
            "pki",
            "rule",
            "snapshot",
            "telemetry",
            "trust",
        ],
        crates: &[
            "arc_swap",
            "base64",
            "bytes",
            "http",
            "http_body",
            "http_body_util",
            "httpdate",
            "hyper",
            "hyper_util",
            "imbl",
            "ipnet",
            "percent_encoding",
            "rustls",
            "serde",
            "serde_json",
            "socket2",
            "tokio",
            "tokio_rustls",
            "tower_service",
            "tracing",
            "uuid",
        ],
    },
    Room {
        name: "egress",
        floor: 5,
        rooms: &["clock", "domain", "outbound", "snapshot", "telemetry"],
        crates: &[
            "bytes",
            "http",
            "http_body",
            "http_body_util",
            "hyper",
            "hyper_util",
            "tokio",
            "tracing",
            "uuid",
        ],
    },
    Room {
        name: "prove",
        floor: 5,
        rooms: &["clock", "control", "domain", "pki", "rule"],
        crates: &[
            "aws_lc_rs::aead",
            "http",
            "http_body_util",
            "hyper",
            "hyper_util",
            "rustls",
            "serde",
            "serde_json",
            "tokio",
            "tokio_rustls",
        ],
    },
    Room {
        name: "refresh",
        floor: 5,
        rooms: &["clock", "control", "domain", "outbound", "pki"],
        crates: &["http", "tokio", "tracing"],
    },
    Room {
        name: "api",
        floor: 6,
        rooms: &["clock", "control", "domain", "manifest", "pki", "prove"],
        crates: &[
            "axum",
            "bytes",
            "http",
            "http_body",
            "http_body_util",
            "serde",
            "serde_json",
            "tokio",
            "tower_service",
            "tracing",
            "utoipa",
            "uuid",
        ],
    },
    Room {
        name: "console",
        floor: 6,
        rooms: &["clock", "control", "domain"],
        crates: &[
            "askama", "axum", "bytes", "http", "serde", "tokio", "tracing", "uuid",
        ],
    },
    Room {
        name: "admin",
        floor: 7,
        rooms: &[
            "api",
            "clock",
            "console",
            "control",
            "snapshot",
            "telemetry",
        ],
        crates: &[
            "axum",
            "bytes",
            "http",
            "http_body",
            "http_body_util",
            "hyper",
            "hyper_util",
            "rustls",
            "socket2",
            "tokio",
            "tokio_rustls",
            "tower_service",
            "tracing",
        ],
    },
    Room {
        name: "settings",
        floor: 8,
        rooms: &[
            "admin",
            "api",
            "clock",
            "console",
            "control",
            "domain",
            "egress",
            "gateway",
            "outbound",
            "pki",
            "refresh",
            "snapshot",
            "telemetry",
            "trust",
        ],
        crates: &["rustls_pki_types", "ipnet", "serde", "toml"],
    },
    Room {
        name: "app",
        floor: 9,
        rooms: &[
            "admin",
            "api",
            "clock",
            "console",
            "control",
            "domain",
            "egress",
            "gateway",
            "manifest",
            "outbound",
            "pki",
            "refresh",
            "settings",
            "snapshot",
            "store",
            "telemetry",
            "trust",
        ],
        crates: &["anyhow", "rustls", "socket2", "tokio", "tracing"],
    },
    Room {
        name: "client",
        floor: 9,
        rooms: &["pki", "settings"],
        crates: &[
            "bytes",
            "http",
            "http_body_util",
            "hyper",
            "hyper_util",
            "percent_encoding",
            "rustls",
            "rustls_native_certs",
            "serde_json",
            "tokio",
            "tokio_rustls",
        ],
    },
    Room {
        name: "cli",
        floor: 10,
        rooms: &[
            "app",
            "client",
            "clock",
            "demo",
            "domain",
            "flaw",
            "manifest",
            "pki",
            "rule",
            "settings",
            "telemetry",
        ],
        crates: &["clap", "http", "serde", "serde_json", "toml", "uuid"],
    },
    Room {
        name: "demo",
        floor: 10,
        rooms: &[
            "app", "client", "clock", "domain", "manifest", "pki", "settings",
        ],
        crates: &[
            "anyhow",
            "bytes",
            "http",
            "http_body",
            "http_body_util",
            "hyper",
            "hyper_util",
            "serde",
            "serde_json",
            "tokio",
            "tracing",
            "uuid",
        ],
    },
    Room {
        name: "main",
        floor: 11,
        rooms: &["cli", "demo"],
        crates: &["anyhow"],
    },
    Room {
        name: "lib",
        floor: 11,
        rooms: &[],
        crates: &[],
    },
];

/// The room of that name.
pub(crate) fn room(name: &str) -> Option<&'static Room> {
    ROOMS.iter().find(|room| room.name == name)
}
