//! Which issuer has which revocation lists, from where, and until when.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::clock::Moment;
use crate::control::engine::Control;
use crate::control::refreshing::{Ending, Origin, SourceKey, SourceState};
use crate::control::view::crl;
use crate::control::view::time::Time;
use crate::domain::environment::Environment;
use crate::domain::name::RealmName;
use crate::domain::realm::Realm;
use crate::domain::rejection::Rejection;
use crate::domain::revocation::{self, RevocationList, Signed};
use crate::domain::token::Actor;
use crate::domain::trust_policy::{OutOfDate, Revocation, RevocationScope};
use crate::pki::certificate::Certificate;
use crate::pki::fingerprint::Fingerprint;

/// Which issuers of a realm are covered by revocation lists.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CoverageView {
    /// Whose.
    pub realm: String,
    /// Where.
    pub environment: &'static str,
    /// Each issuer that is known: installed anchors, then helpers, then those that only a list names.
    pub issuers: Vec<CoveredIssuer>,
    /// What is missing or ends soon, a sentence each.
    pub warnings: Vec<String>,
}

/// An issuer, and what tells which of its certificates are revoked.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CoveredIssuer {
    /// Its name.
    pub subject: String,
    /// `anchor`, `helper`, or `unknown`: no certificate of it is installed.
    pub kind: &'static str,
    /// SHA-256 of its certificate, where that is known.
    pub sha256: Option<String>,
    /// What is looked up for its clients: `off`, `leaf` or `chain`. Of an anchor, its own rule; of others, the realm's.
    pub revocation: String,
    /// What a list is worth after its nextUpdate: `refuse`, `allow`, or `allow for N hours`.
    pub out_of_date: String,
    /// `covered`, `ends-soon`, `out-of-date`, `missing`, or `not-asked`: revocation is off.
    pub state: &'static str,
    /// Until when its latest complete lists hold.
    pub until: Option<Time>,
    /// Its lists.
    pub lists: Vec<CoveringList>,
}

/// A list of an issuer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CoveringList {
    /// What part of the certificates it speaks of; empty where it speaks of all of its issuer's.
    pub scope: Vec<&'static str>,
    /// Whether it adds to a complete list rather than being one.
    pub delta: bool,
    /// Its number.
    pub number: String,
    /// When it was issued.
    pub this_update: Time,
    /// Until when the next one is to be expected.
    pub next_update: Option<Time>,
    /// As in the list of lists.
    pub state: &'static str,
    /// The sources that gave it; none where somebody added it by hand, or before the last start.
    pub sources: Vec<String>,
    /// SHA-256 of it.
    pub sha256: String,
}

impl Control {
    /// Which issuers of a realm are covered by revocation lists, and until when. Blocks.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn crl_coverage(
        &self,
        actor: &Actor,
        realm: &RealmName,
        environment: Environment,
    ) -> Result<CoverageView, Rejection> {
        let realm = self.seen_realm(actor, realm)?;
        let given = given(&self.freshness.states(), &realm, environment);
        let place = Place {
            realm: &realm,
            environment,
            now: self.now(),
            given: &given,
        };
        let mut issuers = Vec::new();
        let mut listed: Vec<&[u8]> = Vec::new();
        for installation in realm.installed(environment) {
            let anchors = installation.certificates.iter();
            let helpers = installation.helpers.iter();
            let both = anchors
                .map(|one| (one, "anchor"))
                .chain(helpers.map(|one| (one, "helper")));
            for (certificate, kind) in both {
                let sha256 = certificate.fingerprint().to_string();
                if !issuers
                    .iter()
                    .any(|known: &CoveredIssuer| known.sha256.as_deref() == Some(sha256.as_str()))
                {
                    listed.push(&certificate.facts().raw_subject);
                    issuers.push(place.issuer(certificate, kind, self.crl_warn_before()));
                }
            }
        }
        issuers.sort_by_key(|issuer| issuer.kind != "anchor");
        issuers.extend(place.strangers(&listed));
        let warnings = issuers.iter().filter_map(|issuer| place.warning(issuer));
        Ok(CoverageView {
            realm: realm.name.to_string(),
            environment: environment.as_str(),
            warnings: warnings.collect(),
            issuers,
        })
    }
}

type Given = BTreeMap<Fingerprint, Vec<String>>;

/// Which source gave which list.
fn given(
    states: &BTreeMap<SourceKey, SourceState>,
    realm: &Realm,
    environment: Environment,
) -> Given {
    let mut given = Given::new();
    let here = states
        .iter()
        .filter(|(key, _)| key.realm == realm.name && key.environment == environment);
    for (key, state) in here {
        let name = match &key.origin {
            Origin::Url(name) => name.to_string(),
            Origin::File(name) => format!("file {name}"),
        };
        for list in &state.lists {
            given.entry(*list).or_default().push(name.clone());
        }
    }
    given
}

/// What is looked at.
struct Place<'a> {
    realm: &'a Realm,
    environment: Environment,
    now: Moment,
    given: &'a Given,
}

impl Place<'_> {
    fn issuer(
        &self,
        certificate: &Certificate,
        kind: &'static str,
        warn_before: std::time::Duration,
    ) -> CoveredIssuer {
        let policy = self.realm.trust_policies.get(self.environment);
        let rule = match kind {
            "anchor" => policy.of_anchor(&certificate.fingerprint()),
            _ => policy.revocation,
        };
        let shelf = self.realm.crls.get(self.environment).values();
        let raw_subject = &certificate.facts().raw_subject;
        let of_it: Vec<&Arc<RevocationList>> = shelf
            .filter(|list| revocation::is_of(&list.crl, raw_subject))
            .filter(|list| {
                let signed =
                    revocation::signed_by_installed(self.realm, self.environment, &list.crl);
                matches!(signed, Signed::By(_))
            })
            .collect();
        let complete = || {
            of_it
                .iter()
                .filter(|list| list.crl.facts().delta_base.is_none())
                .filter(|list| list.crl.facts().unknown_critical.is_empty())
                .filter(|list| list.crl.facts().this_update <= self.now)
        };
        let until = complete()
            .filter_map(|list| list.crl.facts().next_update)
            .min();
        let worst = complete()
            .filter_map(|list| Ending::of(&list.crl, self.now, warn_before))
            .max_by_key(|ending| *ending == Ending::Over);
        let state = match (rule.scope, complete().next(), worst) {
            (RevocationScope::Off, _, _) => "not-asked",
            (_, None, _) => "missing",
            (_, Some(_), Some(Ending::Over)) => "out-of-date",
            (_, Some(_), Some(Ending::Soon)) => "ends-soon",
            (_, Some(_), None) => "covered",
        };
        self.told(
            certificate.facts().subject.clone(),
            kind,
            Some(certificate.fingerprint().to_string()),
            rule,
            state,
            until,
            &of_it,
        )
    }

    /// Issuers that only lists name: intermediates that clients send along.
    fn strangers(&self, listed: &[&[u8]]) -> Vec<CoveredIssuer> {
        let shelf = self.realm.crls.get(self.environment).values();
        let mut strangers: BTreeMap<&[u8], Vec<&Arc<RevocationList>>> = BTreeMap::new();
        for list in shelf {
            if !listed.iter().any(|raw| revocation::is_of(&list.crl, raw)) {
                let raw = list.crl.facts().raw_issuer.as_slice();
                strangers.entry(raw).or_default().push(list);
            }
        }
        let rule = self.realm.trust_policies.get(self.environment).revocation;
        let told = strangers.into_values().filter_map(|lists| {
            let subject = lists.first()?.crl.facts().issuer.clone();
            let ends = lists.iter().filter_map(|list| list.crl.facts().next_update);
            let until = ends.min();
            let state = match rule.scope {
                RevocationScope::Off => "not-asked",
                RevocationScope::Leaf | RevocationScope::Chain
                    if until.is_some_and(|end| end > self.now) =>
                {
                    "covered"
                }
                RevocationScope::Leaf | RevocationScope::Chain => "out-of-date",
            };
            Some(self.told(subject, "unknown", None, rule, state, until, &lists))
        });
        told.collect()
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "each is one field of what is told"
    )]
    fn told(
        &self,
        subject: String,
        kind: &'static str,
        sha256: Option<String>,
        rule: Revocation,
        state: &'static str,
        until: Option<Moment>,
        lists: &[&Arc<RevocationList>],
    ) -> CoveredIssuer {
        let mut lists: Vec<CoveringList> = lists.iter().map(|list| self.list(list)).collect();
        lists.sort_by(|left, right| {
            let kind = left.delta.cmp(&right.delta);
            kind.then(right.this_update.0.cmp(&left.this_update.0))
        });
        CoveredIssuer {
            subject,
            kind,
            sha256,
            revocation: rule.scope.to_string(),
            out_of_date: in_words(rule.out_of_date),
            state,
            until: until.map(Time),
            lists,
        }
    }

    fn list(&self, list: &RevocationList) -> CoveringList {
        let facts = list.crl.facts();
        let sha256 = list.crl.fingerprint();
        CoveringList {
            scope: facts.scope.as_ref().map(crl::scope).unwrap_or_default(),
            delta: facts.delta_base.is_some(),
            number: revocation::number(facts),
            this_update: Time(facts.this_update),
            next_update: facts.next_update.map(Time),
            state: crl::state(facts, self.now),
            sources: self.given.get(&sha256).cloned().unwrap_or_default(),
            sha256: sha256.to_string(),
        }
    }

    fn warning(&self, issuer: &CoveredIssuer) -> Option<String> {
        let (subject, scope) = (&issuer.subject, &issuer.revocation);
        let what_then = match issuer.out_of_date.as_str() {
            "refuse" => "its clients are refused".to_owned(),
            rule => format!("out-of-date lists: {rule}"),
        };
        match (issuer.kind, issuer.state) {
            // A helper's own list is asked for where the certificates that it issued are in a path.
            ("anchor" | "helper", "missing") => Some(format!(
                "there is no list of {subject} although revocation is '{scope}': clients whose certificates it issued \
                 are refused"
            )),
            (_, "out-of-date") => Some(format!(
                "the list of {subject} is out of date, and {what_then}"
            )),
            (_, "ends-soon") => Some(format!(
                "the list of {subject} ends {}, and the next one has not come",
                issuer
                    .until
                    .map_or_else(|| "soon".to_owned(), |end| format!("at {}", end.0))
            )),
            _ => None,
        }
    }
}

fn in_words(rule: OutOfDate) -> String {
    match rule {
        OutOfDate::Refuse => "refuse".to_owned(),
        OutOfDate::Allow => "allow".to_owned(),
        OutOfDate::AllowHours(hours) => format!("allow for {} hours", hours.get()),
    }
}

/// How sources and lists are, over all realms that the actor sees.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FreshnessView {
    /// How many sources and files there are.
    pub sources: usize,
    /// How many of them failed when they were asked last.
    pub failing: usize,
    /// How many lists in use end soon or are out of date.
    pub warnings: usize,
}

impl Control {
    /// How sources and lists are, over all realms that `sees` lets through.
    pub(crate) fn freshness_view(&self, sees: impl Fn(&RealmName) -> bool) -> FreshnessView {
        let states = self.freshness.states();
        let seen = || states.iter().filter(|(key, _)| sees(&key.realm));
        let is_failing = |state: &SourceState| {
            let outcome = state.outcome.as_ref();
            outcome.is_some_and(|outcome| !outcome.is_good)
        };
        FreshnessView {
            sources: seen().count(),
            failing: seen().filter(|(_, state)| is_failing(state)).count(),
            warnings: self.freshness.endings(&sees),
        }
    }
}
