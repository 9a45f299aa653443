//! Deliberate flaws, for the tests of `realmgate prove`: a build with one of them must be found out.
//!
//! Without the feature `flaws`, which nothing but those tests switches on, none is ever planted and all of this is
//! compiled away. With it, `REALMGATE_FLAW` names the flaws of the process, and the program says so wherever it can.

/// The variable of the environment that names the flaws to plant, joined with commas.
pub const VARIABLE: &str = "REALMGATE_FLAW";

/// What `realmgate --version` says.
pub const VERSION: &str = if cfg!(feature = "flaws") {
    concat!(
        env!("CARGO_PKG_VERSION"),
        " BUILT WITH DELIBERATE FLAWS, FOR TESTS ONLY"
    )
} else {
    env!("CARGO_PKG_VERSION")
};

/// One thing that a gateway must not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The signatures of certificates are not checked.
    Signatures,
    /// An unknown server name is served like the external gateway's.
    Names,
    /// A ClientHello that comes in pieces is served like one without a name.
    SplitHello,
    /// All listeners share their session tickets.
    Tickets,
    /// A request is served whatever host it names.
    Authority,
    /// Paths are decoded and resolved rather than refused.
    Paths,
    /// A client may send as many certificates as it likes.
    ChainLimits,
    /// Proof of possession of the certificate's key is not checked.
    Possession,
    /// Any of the certificates that a client sends may be its own.
    AnyLeaf,
    /// Headers that only the gateway may set are passed on.
    Headers,
    /// A pipeline is found on every gateway.
    SecondDoor,
    /// Revocation lists are not looked at.
    Lists,
    /// Client rules are not asked.
    Rules,
    /// Deny lists are not looked at.
    Denials,
    /// Open connections are not told of changes.
    Epoch,
    /// What a refused client asks for is looked at before it is told why it is refused.
    Explain,
}

impl Flaw {
    /// All flaws.
    pub const ALL: [Self; 16] = [
        Self::Signatures,
        Self::Names,
        Self::SplitHello,
        Self::Tickets,
        Self::Authority,
        Self::Paths,
        Self::ChainLimits,
        Self::Possession,
        Self::AnyLeaf,
        Self::Headers,
        Self::SecondDoor,
        Self::Lists,
        Self::Rules,
        Self::Denials,
        Self::Epoch,
        Self::Explain,
    ];

    /// Its name in [`VARIABLE`].
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signatures => "signatures",
            Self::Names => "names",
            Self::SplitHello => "split-hello",
            Self::Tickets => "tickets",
            Self::Authority => "authority",
            Self::Paths => "paths",
            Self::ChainLimits => "chain-limits",
            Self::Possession => "possession",
            Self::AnyLeaf => "any-leaf",
            Self::Headers => "headers",
            Self::SecondDoor => "second-door",
            Self::Lists => "lists",
            Self::Rules => "rules",
            Self::Denials => "denials",
            Self::Epoch => "epoch",
            Self::Explain => "explain",
        }
    }
}

/// Whether this process has the flaw.
#[cfg(not(feature = "flaws"))]
pub const fn planted(_: Flaw) -> bool {
    false
}

/// Whether this process has the flaw.
#[cfg(feature = "flaws")]
pub fn planted(flaw: Flaw) -> bool {
    named().contains(&flaw)
}

/// What to say at the start of a process that could have flaws; `None` of any other.
#[cfg(not(feature = "flaws"))]
pub const fn warning() -> Option<String> {
    None
}

/// What to say at the start of a process that could have flaws; `None` of any other.
#[cfg(feature = "flaws")]
pub fn warning() -> Option<String> {
    let names: Vec<&str> = named().iter().map(|flaw| flaw.as_str()).collect();
    let planted = if names.is_empty() {
        "none is planted".to_owned()
    } else {
        format!("planted: {}", names.join(", "))
    };
    Some(format!(
        "THIS PROGRAM WAS BUILT WITH DELIBERATE FLAWS ({planted}): it is for tests of 'realmgate prove' only, never let \
         anybody reach it"
    ))
}

/// Unknown names are left out: the test that names them finds nothing broken, and fails.
#[cfg(feature = "flaws")]
fn named() -> &'static [Flaw] {
    static NAMED: std::sync::OnceLock<Vec<Flaw>> = std::sync::OnceLock::new();
    NAMED.get_or_init(|| {
        let text = std::env::var(VARIABLE).unwrap_or_default();
        Flaw::ALL
            .into_iter()
            .filter(|flaw| text.split(',').any(|name| name.trim() == flaw.as_str()))
            .collect()
    })
}
