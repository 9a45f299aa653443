//! What the certificate tester answers, in words. All texts are escaped and bounded.

use serde::Serialize;

use crate::control::view::certificate::CertificateView;
use crate::control::view::time::Time;

/// What would come of a client with this chain.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TestedView {
    /// Whose trust was asked.
    pub realm: String,
    /// Where.
    pub environment: &'static str,
    /// The realm's own host there.
    pub host: String,
    /// The certificates that were given, in their order.
    pub certificates: Vec<GivenView>,
    /// How many more were given than are shown.
    pub certificates_left_out: usize,
    /// The verdict now.
    pub now: VerdictView,
    /// The verdict at the moment that was asked for.
    pub at: Option<VerdictView>,
    /// The verdict after the change that was named, or after all requests that wait.
    pub after: Option<AfterView>,
    /// What else there is to know, a sentence each.
    pub notes: Vec<String>,
}

/// A certificate that was given.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GivenView {
    /// Its place, from 1.
    pub place: usize,
    /// It, where it can be decoded.
    pub certificate: Option<CertificateView>,
    /// Why it cannot be decoded, in a sentence.
    pub problem: Option<String>,
}

/// The verdict after a change.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AfterView {
    /// What would be done, a sentence each.
    pub changes: Vec<String>,
    /// What whoever does it will be told.
    pub warnings: Vec<String>,
    /// The verdict then.
    #[serde(flatten)]
    pub verdict: VerdictView,
}

/// One verdict and its steps.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerdictView {
    /// The moment in question.
    pub moment: Time,
    /// Whether the client is let in.
    pub trusted: bool,
    /// The stable code, where it is not.
    pub reason: Option<&'static str>,
    /// What decides, in a sentence.
    pub sentence: String,
    /// What to do, in a sentence, where it is not let in.
    pub advice: Option<&'static str>,
    /// The alert that the client gets, where it is not let in.
    pub alert: Option<&'static str>,
    /// The trust anchor, where it is let in.
    pub anchor: Option<AnchorView>,
    /// When the verdict becomes another one, and which; nothing where no such moment is known.
    pub next: Option<NextView>,
    /// The shared host.
    pub shared: SharedView,
    /// The realm's pipelines there, where the client is let in.
    pub pipelines: Vec<CallView>,
    /// The checks of what was sent, before any path is looked for.
    pub sent: Vec<StepView>,
    /// The issuers that were tried.
    pub issuers: Vec<IssuerView>,
    /// The paths that were found, with their checks.
    pub paths: Vec<PathView>,
    /// How many more paths there were.
    pub paths_left_out: usize,
}

/// A trust anchor and who brought it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AnchorView {
    /// Its subject.
    pub subject: String,
    /// SHA-256 of it.
    pub fingerprint: String,
    /// The account.
    pub account: String,
}

/// The next verdict.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NextView {
    /// From when on.
    pub at: Time,
    /// Whether the client is let in then.
    pub trusted: bool,
    /// The stable code, where it is not.
    pub reason: Option<&'static str>,
    /// What decides then, in a sentence.
    pub sentence: String,
}

/// What a client meets on the host that all realms share.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SharedView {
    /// The host.
    pub host: String,
    /// Whether the handshake succeeds.
    pub handshake: bool,
    /// Whether calls of this realm are answered.
    pub calls: bool,
    /// Both, in a sentence.
    pub sentence: String,
}

/// Whether a pipeline may be called.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallView {
    /// Its name.
    pub pipeline: String,
    /// Its major version.
    pub major: u16,
    /// Whether the client may call it.
    pub allowed: bool,
    /// Whether a client rule was asked.
    pub rule: bool,
    /// Why not, in a sentence.
    pub sentence: Option<String>,
}

/// One check.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepView {
    /// Its stable code.
    pub check: &'static str,
    /// What holds where there is no objection.
    pub words: &'static str,
    /// The place of the certificate on the path, the client's being 0; nothing where the whole was asked about.
    pub place: Option<usize>,
    /// `ok`, `failed` or `not-asked`.
    pub outcome: &'static str,
    /// The stable code of the objection.
    pub reason: Option<&'static str>,
    /// The objection, in a sentence.
    pub sentence: Option<String>,
}

/// An issuer that was tried.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IssuerView {
    /// The subject of the certificate whose issuer was looked for.
    pub certificate: String,
    /// The subject of the certificate that was tried; the names are the same.
    pub issuer: String,
    /// SHA-256 of it.
    pub fingerprint: String,
    /// Where it came from: `anchor`, `sent` or `helper`.
    pub origin: &'static str,
    /// Whether the key identifiers are the same: `same`, `different` or `not-stated`.
    pub key_ids: &'static str,
    /// What came of it: `holds`, `wrong`, `algorithm-not-accepted`, `key-not-accepted` or `not-checked`.
    pub signature: &'static str,
}

/// A path whose signatures hold.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PathView {
    /// Whether it is accepted.
    pub accepted: bool,
    /// Its certificates, from the client's to the anchor.
    pub certificates: Vec<OnPathView>,
    /// Its checks, in their order.
    pub steps: Vec<StepView>,
    /// The revocation lists that answered.
    pub lists: Vec<ListView>,
}

/// A certificate of a path.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OnPathView {
    /// Its subject.
    pub subject: String,
    /// Its serial number, lower-case hexadecimal.
    pub serial: String,
    /// SHA-256 of it.
    pub fingerprint: String,
    /// Where it came from: `anchor`, `sent` or `helper`.
    pub origin: &'static str,
    /// The account that brought it, of an anchor.
    pub account: Option<String>,
    /// When it begins.
    pub not_before: Time,
    /// When it ends.
    pub not_after: Time,
}

/// A revocation list that answered.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListView {
    /// The subject of the certificate that it does not revoke.
    pub certificate: String,
    /// Its issuer.
    pub issuer: String,
    /// SHA-256 of it.
    pub fingerprint: String,
    /// Since when it holds.
    pub this_update: Time,
    /// When the next one is due.
    pub next_update: Option<Time>,
}
