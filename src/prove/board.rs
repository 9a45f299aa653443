//! The board: what was tried, what came back, and whether it held.

use serde::Serialize;
use serde::ser::Serializer;

use crate::domain::command::ProofOutcome;
use crate::domain::environment::InvalidWord;
use crate::prove::wire::Came;

/// The longest answer that the board tells, in characters.
const TOLD_CHARS_MAX: usize = 160;

/// A class of attacks; `docs/prove.md` has a section for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Clients that nobody trusts.
    Strangers,
    /// Server names that lead nowhere.
    Names,
    /// A ClientHello in pieces.
    SplitHello,
    /// Sessions taken elsewhere.
    Resumption,
    /// A request for another host than the handshake's.
    Authority,
    /// Paths that could be read in two ways.
    Paths,
    /// Certificates made to harm.
    HostileCertificates,
    /// Certificates without their keys.
    Possession,
    /// Chains with a good certificate in the wrong place.
    ChainConfusion,
    /// Headers that pretend to be the gateway's.
    IdentityHeaders,
    /// A pipeline by another gateway than its own.
    SecondDoor,
    /// Clients that a revocation list names, or that none is there for.
    Revocation,
    /// Clients that are on the deny list.
    DenyList,
    /// Clients that a pipeline's rule leaves out.
    ClientRules,
    /// Connections that were open when trust went.
    Change,
    /// Refused clients at a host that explains refusals.
    Explain,
}

impl Class {
    /// All classes, in the order in which they are tried.
    pub const ALL: [Self; 16] = [
        Self::Strangers,
        Self::Names,
        Self::SplitHello,
        Self::Resumption,
        Self::Authority,
        Self::Paths,
        Self::HostileCertificates,
        Self::Possession,
        Self::ChainConfusion,
        Self::IdentityHeaders,
        Self::SecondDoor,
        Self::Revocation,
        Self::DenyList,
        Self::ClientRules,
        Self::Change,
        Self::Explain,
    ];

    /// Its name, as it is written and told.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Strangers => "strangers",
            Self::Names => "names",
            Self::SplitHello => "split-hello",
            Self::Resumption => "resumption",
            Self::Authority => "authority",
            Self::Paths => "paths",
            Self::HostileCertificates => "hostile-certificates",
            Self::Possession => "possession",
            Self::ChainConfusion => "chain-confusion",
            Self::IdentityHeaders => "identity-headers",
            Self::SecondDoor => "second-door",
            Self::Revocation => "revocation",
            Self::DenyList => "deny-list",
            Self::ClientRules => "client-rules",
            Self::Change => "change",
            Self::Explain => "explain",
        }
    }

    /// Reads a class's name.
    ///
    /// # Errors
    /// [`InvalidWord`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidWord> {
        let named = Self::ALL.into_iter().find(|class| class.as_str() == text);
        named.ok_or(InvalidWord {
            what: "class",
            allowed: "strangers, names, split-hello, resumption, authority, paths, hostile-certificates, possession, \
                      chain-confusion, identity-headers, second-door, revocation, deny-list, \
                      client-rules, change or explain",
        })
    }
}

impl Serialize for Class {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Whether a try was withstood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nobody got in, or got anything, that should not have.
    Held,
    /// Somebody did.
    NotHeld,
    /// It could not be tried, so that nothing was shown.
    NotTried,
}

/// One try.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Its class.
    pub class: Class,
    /// What was tried.
    pub tried: String,
    /// What has to come back.
    pub expected: String,
    /// What came back; of what was not tried, why.
    pub came_back: String,
    /// Whether it held.
    pub verdict: Verdict,
}

/// Everything that was tried in one run.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Board {
    /// How many tries were withstood.
    pub held: usize,
    /// How many were not.
    pub not_held: usize,
    /// How many could not be made.
    pub not_tried: usize,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The tries.
    pub rows: Vec<Row>,
}

impl Board {
    /// Counts what is in `rows`.
    pub fn of(rows: Vec<Row>, took_ms: u64) -> Self {
        let count = |verdict| rows.iter().filter(|row| row.verdict == verdict).count();
        Self {
            held: count(Verdict::Held),
            not_held: count(Verdict::NotHeld),
            not_tried: count(Verdict::NotTried),
            took_ms,
            rows,
        }
    }

    /// As the audit tells it.
    pub const fn outcome(&self) -> ProofOutcome {
        ProofOutcome::Complete {
            held: self.held,
            not_held: self.not_held,
            not_tried: self.not_tried,
        }
    }
}

/// Collects the rows of one class.
#[derive(Debug)]
pub struct Rows {
    class: Class,
    rows: Vec<Row>,
}

impl Rows {
    /// None yet.
    pub const fn of(class: Class) -> Self {
        Self {
            class,
            rows: Vec::new(),
        }
    }

    /// Adds a try that `held` or not.
    pub fn add(
        &mut self,
        tried: impl Into<String>,
        expected: impl Into<String>,
        came: &Came,
        held: bool,
    ) {
        let verdict = match (came, held) {
            (Came::Unreachable(_), _) => Verdict::NotTried,
            (_, true) => Verdict::Held,
            (_, false) => Verdict::NotHeld,
        };
        self.push(tried.into(), expected.into(), &came.to_string(), verdict);
    }

    /// Adds a try that has to end in the handshake. By which alert is a matter of the settings: whoever gets none of
    /// our answers did not get in. An answer, whatever its status, is that of a handshake that succeeded.
    pub fn refused(&mut self, tried: impl Into<String>, expected: impl Into<String>, came: &Came) {
        self.decide(tried, expected, came, came.is_refused());
    }

    /// Adds a try at a host that may explain refusals: it has to end in the handshake, or with the reason.
    pub fn refused_or_told(
        &mut self,
        tried: impl Into<String>,
        expected: impl Into<String>,
        came: &Came,
    ) {
        let held = came.is_refused() || came.is_status(&[403]);
        self.decide(tried, expected, came, held);
    }

    /// Adds a request that no pipeline may answer: any refusal will do.
    pub fn turned_away(
        &mut self,
        tried: impl Into<String>,
        expected: impl Into<String>,
        came: &Came,
    ) {
        let held = came.is_refused() || came.is_turned_away();
        self.decide(tried, expected, came, held);
    }

    /// Adds a try of a good client, of which `held` tells whether it got what it should. Not to get in is no breach, and
    /// shows nothing.
    pub fn served(
        &mut self,
        tried: impl Into<String>,
        expected: impl Into<String>,
        came: &Came,
        held: bool,
    ) {
        if held || came.body().is_some() {
            self.add(tried, expected, came, held);
        } else {
            let why = format!("the good client did not get in: {came}, which a setting may cause");
            self.push(tried.into(), expected.into(), &why, Verdict::NotTried);
        }
    }

    /// Adds a try that held or not, or, where nothing of the server's came back, showed nothing.
    fn decide(
        &mut self,
        tried: impl Into<String>,
        expected: impl Into<String>,
        came: &Came,
        held: bool,
    ) {
        let verdict = match came {
            Came::Unreachable(_) | Came::Silence | Came::Broke(_) => Verdict::NotTried,
            Came::Alert(_) | Came::Closed | Came::WentOn { .. } | Came::Answer(_) => {
                if held {
                    Verdict::Held
                } else {
                    Verdict::NotHeld
                }
            }
        };
        self.push(tried.into(), expected.into(), &came.to_string(), verdict);
    }

    /// Adds a try whose outcome is told in words.
    pub fn tell(
        &mut self,
        tried: impl Into<String>,
        expected: impl Into<String>,
        came: &str,
        held: bool,
    ) {
        let verdict = if held {
            Verdict::Held
        } else {
            Verdict::NotHeld
        };
        self.push(tried.into(), expected.into(), came, verdict);
    }

    /// Adds what could not be tried, and why.
    pub fn not_tried(&mut self, tried: impl Into<String>, why: &str) {
        self.push(tried.into(), String::new(), why, Verdict::NotTried);
    }

    /// The rows.
    pub fn into_rows(self) -> Vec<Row> {
        self.rows
    }

    /// What came back may hold what others wrote: it is told in one line, escaped and short.
    fn push(&mut self, tried: String, expected: String, came: &str, verdict: Verdict) {
        let came_back = came
            .chars()
            .take(TOLD_CHARS_MAX)
            .flat_map(|letter| {
                let control = letter.is_control();
                let escaped = control.then(|| letter.escape_default());
                let plain = (!control).then_some(letter);
                escaped.into_iter().flatten().chain(plain)
            })
            .collect();
        self.rows.push(Row {
            class: self.class,
            tried,
            expected,
            came_back,
            verdict,
        });
    }
}
