//! Planning: what would have to be done to bring the catalog to what documents say.

use std::sync::Arc;

use crate::clock::Moment;
use crate::domain::catalog::{Catalog, Circumstances, Rules};
use crate::domain::change::{Change, Warning};
use crate::domain::command::Command;
use crate::domain::environment::Environment;
use crate::domain::installation::InstallationState;
use crate::domain::name::{AccountName, CrlSourceName, RealmName};
use crate::domain::realm::{Realm, RealmState};
use crate::domain::rejection::Rejection;
use crate::domain::token::{Actor, Role};
use crate::manifest::document::{AccountBody, Document, RealmStateWord};
use crate::manifest::invalid::InvalidManifest;
use crate::manifest::prune;
use crate::manifest::step::{Noun, Step, Verb};
use crate::manifest::wanted::{self, Wanted};
use crate::manifest::{account, connection, installing, pipeline, trust};

/// What becomes of things that the documents do not name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unnamed {
    /// They stay.
    #[default]
    Stay,
    /// They go, inside the realms that the documents name.
    Go,
}

/// What would have to be done, in an order in which it can be done.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The steps, those that find everything as it should be included.
    pub steps: Vec<Step>,
    /// What there is to know about it, each once.
    pub warnings: Vec<Warning>,
}

impl Plan {
    /// Whether everything is as the documents say already.
    pub fn is_empty(&self) -> bool {
        self.steps.iter().all(|step| step.commands.is_empty())
    }

    /// Takes the commands of all steps out, in order; the steps stay, to be told.
    pub fn take_commands(&mut self) -> Vec<Command> {
        self.steps
            .iter_mut()
            .flat_map(|step| std::mem::take(&mut step.commands))
            .collect()
    }
}

/// Plans what brings `catalog` to what `documents` say. Pure: the commands are tried on a copy, so that what is planned
/// can be carried out as long as the catalog stays the same. `role` decides how far installations can go.
///
/// # Errors
/// [`InvalidManifest`]: the first thing that cannot be.
pub fn plan(
    catalog: &Catalog,
    documents: &[Document],
    role: &Role,
    unnamed: Unnamed,
    rules: &Rules,
    now: Moment,
) -> Result<Plan, InvalidManifest> {
    let realms = wanted::gather(documents)?;
    let actor = Actor {
        name: "plan".to_owned(),
        role: role.clone(),
        address: None,
    };
    let around = Circumstances {
        actor: &actor,
        now,
        rules,
    };
    let mut planner = Planner {
        scratch: catalog.clone(),
        around,
        plan: Plan::default(),
        warned: 0,
    };
    for (name, wanted) in &realms {
        planner.realm(name, wanted, unnamed)?;
    }
    Ok(planner.plan)
}

/// What is planned with: a copy of the catalog that every step is tried on.
pub(crate) struct Planner<'a> {
    scratch: Catalog,
    pub(crate) around: Circumstances<'a>,
    plan: Plan,
    /// How many warnings there were before the present realm's.
    warned: usize,
}

/// What a step is about.
pub(crate) struct About<'a> {
    pub(crate) realm: &'a RealmName,
    pub(crate) noun: Noun,
    pub(crate) name: String,
    pub(crate) environment: Option<Environment>,
}

impl Planner<'_> {
    /// The realm as it is after the steps so far; it is there, since planning a realm begins with making it.
    pub(crate) fn present(&self, name: &RealmName) -> Arc<Realm> {
        match self.scratch.realms.get(name) {
            Some(realm) => Arc::clone(realm),
            None => Arc::new(Realm::new(name.clone(), self.around.now)),
        }
    }

    /// The moment that is planned for.
    pub(crate) const fn now(&self) -> Moment {
        self.around.now
    }

    /// Whether whoever plans may approve what revocation lists are fetched from.
    pub(crate) fn may_approve(
        &self,
        realm: &RealmName,
        source: &CrlSourceName,
    ) -> Result<(), InvalidManifest> {
        match &self.around.actor.role {
            Role::Operator => Ok(()),
            role @ (Role::RealmAdmin(_) | Role::Auditor) => Err(InvalidManifest::Rejected {
                realm: realm.clone(),
                noun: Noun::CrlSource,
                name: source.to_string(),
                source: Rejection::Forbidden {
                    role: role.as_str(),
                    action: "crl-source.save",
                },
            }),
        }
    }

    fn realm(
        &mut self,
        name: &RealmName,
        wanted: &Wanted,
        unnamed: Unnamed,
    ) -> Result<(), InvalidManifest> {
        self.warned = self.plan.warnings.len();
        self.make_realm(name, wanted.state)?;
        if unnamed == Unnamed::Go {
            prune::before(self, name, wanted)?;
        }
        for (account, body) in &wanted.accounts {
            self.account(name, account, body, unnamed)?;
        }
        for ((environment, account), told) in &wanted.installations {
            let in_hand = wanted.gives_chain(*environment, account);
            installing::plan(self, name, *environment, account, *told, in_hand)?;
        }
        trust::plan(self, name, wanted, unnamed)?;
        for (connection, body) in &wanted.connections {
            let present = self.present(name).connections.contains_key(connection);
            let command = connection::command(name, connection, body).map_err(|source| {
                InvalidManifest::Connection {
                    realm: name.clone(),
                    connection: connection.clone(),
                    source,
                }
            })?;
            self.save(
                name,
                Noun::Connection,
                connection.to_string(),
                present,
                command,
                String::new(),
            )?;
        }
        for (key, body) in &wanted.pipelines {
            let present = self.present(name).pipelines.contains_key(key);
            let command =
                pipeline::command(name, key, body).map_err(|source| InvalidManifest::Pipeline {
                    realm: name.clone(),
                    pipeline: key.clone(),
                    source,
                })?;
            let detail = format!("handler {}", handler_word(&command));
            self.save(
                name,
                Noun::Pipeline,
                key.to_string(),
                present,
                command,
                detail,
            )?;
        }
        for key in &wanted.deployments {
            let present = self.present(name).deployments.contains_key(key);
            let about = About {
                realm: name,
                noun: Noun::Deployment,
                name: key.pipeline.to_string(),
                environment: Some(key.environment),
            };
            let command = Command::Deploy {
                realm: name.clone(),
                key: key.clone(),
            };
            self.step(about, verb(present), vec![command], String::new())?;
        }
        self.forget_former_forms(wanted);
        if unnamed == Unnamed::Go {
            prune::after(self, name, wanted)?;
        }
        Ok(())
    }

    /// What was saved and is deployed by the same plan serves no former form.
    fn forget_former_forms(&mut self, wanted: &Wanted) {
        let here = self.plan.warnings.split_off(self.warned);
        let deployed = |warning: &Warning| {
            matches!(warning, Warning::NotDeployedYet { pipeline, environment } if wanted
                .deployments
                .iter()
                .any(|key| key.environment == *environment && key.pipeline == *pipeline))
        };
        let left = here.into_iter().filter(|warning| !deployed(warning));
        self.plan.warnings.extend(left);
    }

    fn make_realm(
        &mut self,
        name: &RealmName,
        state: Option<RealmStateWord>,
    ) -> Result<(), InvalidManifest> {
        let present = self.scratch.realms.get(name).map(|realm| realm.state);
        let mut commands = Vec::new();
        if present.is_none() {
            commands.push(Command::CreateRealm {
                realm: name.clone(),
            });
        }
        let detail = match (state, present.unwrap_or(RealmState::Active)) {
            (Some(RealmStateWord::Suspended), RealmState::Active) => {
                commands.push(Command::SuspendRealm {
                    realm: name.clone(),
                });
                "suspended"
            }
            (Some(RealmStateWord::Active), RealmState::Suspended) => {
                commands.push(Command::ResumeRealm {
                    realm: name.clone(),
                });
                "resumed"
            }
            (Some(RealmStateWord::Active), RealmState::Active)
            | (Some(RealmStateWord::Suspended), RealmState::Suspended)
            | (None, RealmState::Active | RealmState::Suspended) => "",
        };
        let about = About {
            realm: name,
            noun: Noun::Realm,
            name: name.to_string(),
            environment: None,
        };
        let suspends = commands
            .iter()
            .any(|command| matches!(command, Command::SuspendRealm { .. }));
        let verb = verb(present.is_some());
        // A realm that is made suspended switches nothing off.
        let needs_confirmation = suspends && present.is_some();
        self.step_to_confirm(about, verb, commands, detail.to_owned(), needs_confirmation)
    }

    fn account(
        &mut self,
        realm: &RealmName,
        name: &AccountName,
        body: &AccountBody,
        unnamed: Unnamed,
    ) -> Result<(), InvalidManifest> {
        let present = self.present(realm).accounts.get(name).cloned();
        let prefix = &self.around.rules.trust_account_prefix;
        let mut body = body.clone();
        if unnamed == Unnamed::Go {
            prune::values(&mut body, present.as_deref());
        }
        let command =
            account::command(realm, name, &body, present.as_deref(), prefix).map_err(|source| {
                InvalidManifest::Account {
                    realm: realm.clone(),
                    account: name.clone(),
                    source,
                }
            })?;
        let detail = format!("type {}", body.account_type.0);
        self.save(
            realm,
            Noun::Account,
            name.to_string(),
            present.is_some(),
            command,
            detail,
        )
    }

    fn save(
        &mut self,
        realm: &RealmName,
        noun: Noun,
        name: String,
        present: bool,
        command: Command,
        detail: String,
    ) -> Result<(), InvalidManifest> {
        let about = About {
            realm,
            noun,
            name,
            environment: None,
        };
        self.step(about, verb(present), vec![command], detail)
    }

    /// Adds a step; one that removes something is to be confirmed.
    pub(crate) fn step(
        &mut self,
        about: About<'_>,
        verb: Verb,
        commands: Vec<Command>,
        detail: String,
    ) -> Result<(), InvalidManifest> {
        self.step_to_confirm(about, verb, commands, detail, verb == Verb::Delete)
    }

    /// Tries the commands on the copy. A step whose commands change nothing keeps none of them.
    pub(crate) fn step_to_confirm(
        &mut self,
        about: About<'_>,
        verb: Verb,
        commands: Vec<Command>,
        detail: String,
        needs_confirmation: bool,
    ) -> Result<(), InvalidManifest> {
        let mut effective = Vec::with_capacity(commands.len());
        for command in commands {
            let change = self
                .scratch
                .apply(&command, self.around)
                .map_err(|source| InvalidManifest::Rejected {
                    realm: about.realm.clone(),
                    noun: about.noun,
                    name: about.name.clone(),
                    source,
                })?;
            if self.take(change) {
                effective.push(command);
            }
        }
        self.plan.steps.push(Step {
            verb: if effective.is_empty() {
                Verb::Unchanged
            } else {
                verb
            },
            noun: about.noun,
            realm: about.realm.clone(),
            name: about.name,
            environment: about.environment,
            detail,
            needs_confirmation: needs_confirmation && !effective.is_empty(),
            commands: effective,
        });
        Ok(())
    }

    /// Keeps the warnings of a change; tells whether it changed anything.
    fn take(&mut self, change: Change) -> bool {
        for warning in change.warnings {
            // Warnings repeat within a realm only, so that many realms need not be compared with each other.
            if !self
                .plan
                .warnings
                .iter()
                .skip(self.warned)
                .any(|known| *known == warning)
            {
                self.plan.warnings.push(warning);
            }
        }
        !change.touched.is_empty()
    }
}

/// Whether a thing is made or changed.
pub(crate) const fn verb(present: bool) -> Verb {
    if present { Verb::Change } else { Verb::Create }
}

fn handler_word(command: &Command) -> &'static str {
    if let Command::SavePipeline { handler, .. } = command {
        handler.as_str()
    } else {
        ""
    }
}

/// Whether an installation still matters: it works or waits.
pub(crate) const fn is_present(state: &InstallationState) -> bool {
    match state {
        InstallationState::Requested
        | InstallationState::Installed { .. }
        | InstallationState::Retiring { .. } => true,
        InstallationState::Rejected { .. } | InstallationState::Removed { .. } => false,
    }
}

#[cfg(test)]
mod tests;
