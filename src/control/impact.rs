//! Whom a change of trust would cut, move or keep: the clients that were seen lately and those that are connected, judged
//! by what is trusted before and after it.
//!
//! The same weighing answers who asks, tells a plan's reader, and stands in the way of a change that would cut clients
//! while nobody said that they know.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::control::engine::Control;
use crate::control::error::ControlError;
use crate::control::executing::{self, Prepared};
use crate::control::weighed::{CutClient, Weighable, Weighed};
use crate::domain::catalog::{Catalog, Circumstances};
use crate::domain::change::{Touched, Warning};
use crate::domain::command::Command;
use crate::domain::environment::Environment;
use crate::domain::name::RealmName;
use crate::domain::realm::{Realm, RealmState};
use crate::domain::token::Actor;
use crate::manifest::document::ChangeDocument;
use crate::manifest::plan::Plan;
use crate::manifest::step::{Noun, Step, Verb};
use crate::pki::fingerprint::Fingerprint;
use crate::snapshot::compile_error::CompileError;
use crate::snapshot::trusting::CompiledFrom;
use crate::store::seen::SeenFilter;
use crate::trust::scale::{After, Fate, Scale};
use crate::trust::set::TrustSet;

/// How far back clients are looked for, in days, unless somebody asks for more or less.
pub const DAYS_DEFAULT: u32 = 30;
/// How many clients a refusal of a change names.
const NAMED_IN_REFUSAL_MAX: usize = 10;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What somebody who changes trust said of the clients that the change cuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cutting {
    /// Nothing: where there are any, it is not carried out.
    Unknown,
    /// They know of so many.
    UpTo(u64),
    /// They are to go, whoever they are.
    Confirmed,
}

impl Cutting {
    const fn allows(self, count: u64) -> bool {
        match self {
            Self::Unknown => count == 0,
            Self::UpTo(known) => count <= known,
            Self::Confirmed => true,
        }
    }
}

/// What would come of a change for the clients of a realm in an environment.
pub struct Impact {
    /// The catalog's revision that it was thought through on.
    pub revision: u64,
    /// How far back clients were looked for, in days.
    pub days: u32,
    /// What would come of whom.
    pub weighed: Weighed,
    /// What whoever makes the change will be told.
    pub warnings: Vec<Warning>,
}

/// A change that was not made, since it would cut clients.
#[derive(Clone, Debug)]
pub struct WouldCut {
    /// Whose.
    pub realm: RealmName,
    /// Where.
    pub environment: Environment,
    /// How many clients.
    pub count: u64,
    /// How many of their connections are open.
    pub connections: u64,
    /// The first of them.
    pub clients: Vec<CutClient>,
}

impl WouldCut {
    /// What would happen, and to whom.
    pub fn in_words(&self) -> String {
        let names: Vec<String> = self.clients.iter().map(|cut| cut.client.name()).collect();
        let named = u64::try_from(names.len()).unwrap_or(u64::MAX);
        let more = match self.count.saturating_sub(named) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!(
            "realm {}, {}: this would cut {} of the last {DAYS_DEFAULT} days, {} open: {}{more}",
            self.realm,
            self.environment,
            counted(self.count, "client"),
            counted(self.connections, "connection"),
            names.join(", "),
        )
    }
}

impl std::fmt::Display for WouldCut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let told = self.in_words();
        let count = self.count;
        write!(
            f,
            "{told}; look at all of them with 'realmgate impact', then say that you know of them with cut={count}"
        )
    }
}

impl Control {
    /// What `change` would mean for the clients of `realm` in `environment` that were seen in the last `days` days, and
    /// for those that are connected. Nothing is changed. Blocks, and takes a while where there are many.
    ///
    /// # Errors
    /// As [`Control::foresee`], and [`ControlError::Store`].
    pub fn impact(
        &self,
        actor: &Actor,
        realm: &RealmName,
        environment: Environment,
        change: &ChangeDocument,
        days: u32,
    ) -> Result<Impact, ControlError> {
        let foreseen = self.foresee(actor, realm, environment, change)?;
        let _turn = self.weighing.turn_of(actor)?;
        let before = foreseen.realm_before()?;
        let after = foreseen.realm().ok();
        let weighed = self.weigh(before, after.map(|after| &**after), environment, days)?;
        Ok(Impact {
            revision: foreseen.before.revision,
            days,
            weighed,
            warnings: foreseen.warnings,
        })
    }

    /// Checks that a change cuts nobody whom its author does not know of. Revocation and denials are not asked about, since
    /// to cut is what they are for, but for a denial of an anchor. Nor are the ends of whole realms.
    ///
    /// # Errors
    /// [`ControlError::WouldCut`].
    pub(crate) fn check_cuts(
        &self,
        before: &Catalog,
        next: &Catalog,
        touched: &[Touched],
        cutting: Cutting,
    ) -> Result<(), ControlError> {
        if cutting == Cutting::Confirmed {
            return Ok(());
        }
        let mut known = 0_u64;
        for name in realms_of(touched) {
            let (Ok(was), Ok(is)) = (before.realm(name), next.realm(name)) else {
                continue;
            };
            for environment in Environment::ALL {
                if name.is_reserved() || !may_cut(was, is, environment) {
                    continue;
                }
                let weighed = self.weigh_trust(was, is, environment, DAYS_DEFAULT)?;
                known = known.saturating_add(weighed.cut_count);
                if !cutting.allows(known) {
                    return Err(ControlError::WouldCut(Box::new(WouldCut {
                        realm: name.clone(),
                        environment,
                        count: known,
                        connections: weighed.connections_cut,
                        clients: weighed.cut.into_iter().take(NAMED_IN_REFUSAL_MAX).collect(),
                    })));
                }
            }
        }
        Ok(())
    }

    /// What commands would come to, where that may cut clients of a realm whom somebody has to know of: a look at what
    /// they touch, and no more.
    ///
    /// # Errors
    /// [`ControlError::Rejected`].
    pub(crate) fn may_cut_clients(
        &self,
        before: &Catalog,
        commands: &[Command],
        around: Circumstances<'_>,
    ) -> Result<Option<Prepared>, ControlError> {
        let prepared = executing::prepare(before, commands, around)?;
        let may = |name: &&RealmName| match (before.realm(name), prepared.next.realm(name)) {
            (Ok(was), Ok(is)) => {
                let mut environments = Environment::ALL.into_iter();
                !name.is_reserved() && environments.any(|it| may_cut(was, is, it))
            }
            _ => false,
        };
        let may = realms_of(&prepared.touched).iter().any(may);
        Ok(may.then_some(prepared))
    }

    /// Whom a change cuts, in a sentence; `None` where it cuts nobody.
    ///
    /// # Errors
    /// [`ControlError`].
    pub(crate) fn cuts_in_words(
        &self,
        before: &Catalog,
        next: &Catalog,
        touched: &[Touched],
    ) -> Result<Option<String>, ControlError> {
        match self.check_cuts(before, next, touched, Cutting::Unknown) {
            Ok(()) => Ok(None),
            Err(ControlError::WouldCut(cut)) => Ok(Some(cut.in_words())),
            Err(error) => Err(error),
        }
    }

    /// Adds to the steps of a plan how many clients they would cut.
    ///
    /// # Errors
    /// [`ControlError`].
    pub(crate) fn tell_cuts(
        &self,
        catalog: &Catalog,
        plan: &mut Plan,
        around: Circumstances<'_>,
    ) -> Result<(), ControlError> {
        let realms: BTreeSet<RealmName> = plan
            .steps
            .iter()
            .filter(|step| touches_trust(step) && catalog.realms.contains_key(&step.realm))
            .map(|step| step.realm.clone())
            .collect();
        if realms.is_empty() {
            return Ok(());
        }
        let _turn = self.weighing.turn_of(around.actor)?;
        let of_realms = plan
            .steps
            .iter()
            .filter(|step| realms.contains(&step.realm));
        let commands: Vec<_> = of_realms.flat_map(|step| step.commands.clone()).collect();
        let Prepared { next, .. } = executing::prepare(catalog, &commands, around)?;
        for name in &realms {
            let (Ok(was), Ok(is)) = (catalog.realm(name), next.realm(name)) else {
                continue;
            };
            for environment in Environment::ALL {
                let from = CompiledFrom::of(was, environment);
                let to = CompiledFrom::of(is, environment);
                let same = match (&from, &to) {
                    (Some(from), Some(to)) => from.is(to),
                    (None, _) => true,
                    (Some(_), None) => false,
                };
                if same {
                    continue;
                }
                let weighed = self.weigh_trust(was, is, environment, DAYS_DEFAULT)?;
                if weighed.cut_count > 0 {
                    let asks = may_cut(was, is, environment);
                    annotate(&mut plan.steps, name, environment, &weighed, asks);
                }
            }
        }
        Ok(())
    }

    /// Judges the clients of a realm, where the realm itself may be closed or gone after the change.
    fn weigh(
        &self,
        before: &Realm,
        after: Option<&Realm>,
        environment: Environment,
        days: u32,
    ) -> Result<Weighed, ControlError> {
        let is_open = |realm: &Realm| realm.state == RealmState::Active;
        let closes = is_open(before) && !after.is_some_and(is_open);
        match after.filter(|_| !closes) {
            Some(after) => self.weigh_trust(before, after, environment, days),
            None => {
                let was = self.set_of(before, before, environment)?;
                let scale = self.scale(was.as_ref(), After::Closed);
                self.tally(before, environment, days, scale)
            }
        }
    }

    fn weigh_trust(
        &self,
        before: &Realm,
        after: &Realm,
        environment: Environment,
        days: u32,
    ) -> Result<Weighed, ControlError> {
        let was = self.set_of(before, before, environment)?;
        let is = self.set_of(before, after, environment)?;
        let scale = self.scale(was.as_ref(), After::Trusts(is.as_ref()));
        let mut weighed = self.tally(before, environment, days, scale)?;
        weighed.endpoint_goes = was.is_some() && is.is_none();
        Ok(weighed)
    }

    /// The trust set of `of`, with what the one at work found out of the same revocation lists.
    fn set_of(
        &self,
        at_work: &Realm,
        of: &Realm,
        environment: Environment,
    ) -> Result<Option<TrustSet>, ControlError> {
        let Some(from) = CompiledFrom::of(of, environment) else {
            return Ok(None);
        };
        let snapshot = self.live.load_full();
        let known = snapshot
            .realms
            .get(at_work.name.as_str())
            .and_then(|realm| realm.environments.get(environment).mtls.as_ref())
            .map(|endpoint| &*endpoint.trust);
        let set = from
            .trust_set(known)
            .map_err(|source| CompileError::Trust {
                realm: of.name.clone(),
                environment,
                source,
            })?;
        Ok(Some(set))
    }

    fn scale<'a>(&self, before: Option<&'a TrustSet>, after: After<'a>) -> Scale<'a> {
        let limits = *self.compiler.trust_limits();
        Scale::new(before, after, self.now(), limits)
    }

    fn tally(
        &self,
        realm: &Realm,
        environment: Environment,
        days: u32,
        mut scale: Scale<'_>,
    ) -> Result<Weighed, ControlError> {
        self.note_clients()?;
        let seen = self.store.clients_seen(
            &realm.name,
            &SeenFilter {
                environment: Some(environment),
                anchor: None,
                since: Some(self.now().minus(DAY.saturating_mul(days))),
                before: None,
                limit: usize::MAX,
            },
        )?;
        let mut on_scale: Vec<(Weighable, Option<Fate>)> = Vec::with_capacity(seen.len());
        let mut places: HashMap<Fingerprint, usize> = HashMap::with_capacity(seen.len());
        for client in seen {
            let chain: Vec<_> = client
                .chain
                .iter()
                .map(|der| der.as_slice().into())
                .collect();
            // Of one that showed too much, what it is refused for may be what is not kept.
            let fate = Some(scale.fate(&chain))
                .filter(|fate| !(client.chain_cut && matches!(fate, Fate::Refused)));
            places.insert(client.fingerprint, on_scale.len());
            on_scale.push((Weighable::seen(client), fate));
        }
        let mut connections_cut = 0_u64;
        for open in self.open.of_environment(&realm.name, environment) {
            let fate = scale.fate(&open.verified.chain);
            let is_cut = matches!(fate, Fate::Cut { .. });
            connections_cut = connections_cut.saturating_add(u64::from(is_cut));
            let fingerprint = open.verified.identity.fingerprint;
            match places
                .get(&fingerprint)
                .and_then(|place| on_scale.get_mut(*place))
            {
                Some((client, known)) => {
                    client.connections = client.connections.saturating_add(1);
                    if is_cut || known.is_none() {
                        *known = Some(fate);
                    }
                }
                None => {
                    places.insert(fingerprint, on_scale.len());
                    on_scale.push((Weighable::open(&open), Some(fate)));
                }
            }
        }
        let mut weighed = Weighed::of(on_scale);
        weighed.connections_cut = connections_cut;
        Ok(weighed)
    }
}

fn realms_of(touched: &[Touched]) -> BTreeSet<&RealmName> {
    let of_trust = touched.iter().filter_map(|touched| {
        if let Touched::Installation(realm, _)
        | Touched::TrustPolicy(realm, _)
        | Touched::Denial(realm, _, _) = touched
        {
            Some(realm)
        } else {
            None
        }
    });
    of_trust.collect()
}

/// Whether the anchors or the policy changed so that somebody may be trusted no more. More anchors cut nobody.
fn may_cut(before: &Realm, after: &Realm, environment: Environment) -> bool {
    let policy = |realm: &Realm| Arc::clone(realm.trust_policies.get(environment));
    let (was, is) = (policy(before), policy(after));
    let stays = before.installed(environment).all(|installed| {
        let other = after.installations.get(&installed.id);
        other.is_some_and(|other| Arc::ptr_eq(installed, other))
    });
    !stays || (!Arc::ptr_eq(&was, &is) && was != is) || bars_an_anchor(before, after, environment)
}

/// Whether something is denied anew that an installed anchor is, and so all of its clients.
fn bars_an_anchor(before: &Realm, after: &Realm, environment: Environment) -> bool {
    let known = before.denials.get(environment);
    let added = after.denials.get(environment).iter();
    let mut added =
        added.filter(|(id, denial)| known.get(*id).is_none_or(|it| !Arc::ptr_eq(it, denial)));
    added.any(|(_, denial)| {
        let anchors = after.installed(environment);
        let mut anchors = anchors.flat_map(|installation| &installation.certificates);
        anchors.any(|anchor| denial.what.is_about(anchor))
    })
}

fn touches_trust(step: &Step) -> bool {
    let of_trust = matches!(
        step.noun,
        Noun::Installation | Noun::Trust | Noun::Account | Noun::Crl | Noun::Denial
    );
    of_trust && !step.commands.is_empty()
}

/// Puts what a plan cuts to the steps that do it.
fn annotate(
    steps: &mut [Step],
    realm: &RealmName,
    environment: Environment,
    weighed: &Weighed,
    asks: bool,
) {
    let told = format!(
        "with the plan, {} of the last {DAYS_DEFAULT} days would be let in no more",
        counted(weighed.cut_count, "client")
    );
    let mine = steps.iter_mut().filter(|step| {
        step.realm == *realm
            && step.verb != Verb::Unchanged
            && step.environment.is_none_or(|other| other == environment)
            && touches_trust(step)
    });
    for step in mine {
        if !step.detail.is_empty() {
            step.detail.push_str("; ");
        }
        step.detail.push_str(&told);
        step.needs_confirmation |= asks;
    }
}

fn counted(count: u64, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}
