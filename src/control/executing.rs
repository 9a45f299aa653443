//! Executing: how a change comes about.

use std::sync::{Arc, PoisonError};

use crate::clock::Moment;
use crate::control::authorise;
use crate::control::engine::Control;
use crate::control::error::ControlError;
use crate::control::impact::Cutting;
use crate::domain::audit::AuditFact;
use crate::domain::catalog::{Catalog, Circumstances};
use crate::domain::change::{Touched, Warning};
use crate::domain::command::Command;
use crate::domain::rejection::Rejection;
use crate::domain::token::Actor;
use crate::manifest::document::Document;
use crate::manifest::plan::{self, Unnamed};
use crate::manifest::step::Step;

/// How many changes of one transaction are logged one by one.
const LOGGED_ONE_BY_ONE_MAX: usize = 50;

/// What came of commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Whether anything changed.
    pub changed: bool,
    /// The catalog's revision now.
    pub revision: u64,
    /// What their sender should know.
    pub warnings: Vec<Warning>,
}

/// Whether a manifest is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// It is only planned.
    Plan,
    /// It is carried out, unless a step of it needs confirmation.
    Apply,
    /// It is carried out: somebody saw the steps that need confirmation, and said yes.
    ApplyConfirmed {
        /// The catalog's revision that the plan they saw was made on; where it moved, their yes counts no more.
        seen: Option<u64>,
    },
}

/// What came of a manifest.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The plan's steps.
    pub steps: Vec<Step>,
    /// Whether they were carried out.
    pub applied: bool,
    /// The catalog's revision now.
    pub revision: u64,
    /// What its sender should know.
    pub warnings: Vec<Warning>,
}

impl Control {
    /// Carries out commands: all of them or none.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn execute(
        self: &Arc<Self>,
        actor: Actor,
        commands: Vec<Command>,
    ) -> Result<Done, ControlError> {
        self.blocking(move |control| control.execute_blocking(&actor, &commands))
            .await
    }

    /// Plans a manifest, and carries it out where that is asked for: all of it or nothing.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn apply(
        self: &Arc<Self>,
        actor: Actor,
        documents: Vec<Document>,
        run: Run,
        unnamed: Unnamed,
    ) -> Result<Applied, ControlError> {
        self.blocking(move |control| control.apply_blocking(&actor, &documents, run, unnamed))
            .await
    }

    /// Carries out commands: all of them or none. Blocks.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn execute_blocking(
        &self,
        actor: &Actor,
        commands: &[Command],
    ) -> Result<Done, ControlError> {
        self.change(actor, |_, _| Ok::<_, ControlError>(commands.to_vec()))
    }

    /// As [`Control::execute`], by somebody who knows of clients that it cuts.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn execute_cutting(
        self: &Arc<Self>,
        actor: Actor,
        commands: Vec<Command>,
        cutting: Cutting,
    ) -> Result<Done, ControlError> {
        self.blocking(move |control| {
            control.change_cutting(&actor, cutting, |_, _| Ok::<_, ControlError>(commands))
        })
        .await
    }

    /// Carries out commands that are made of the catalog as it is when their turn comes. Blocks.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn change<E>(
        &self,
        actor: &Actor,
        commands: impl FnOnce(&Catalog, Moment) -> Result<Vec<Command>, E>,
    ) -> Result<Done, ControlError>
    where
        ControlError: From<E>,
    {
        self.change_cutting(actor, Cutting::Unknown, commands)
    }

    /// As [`Control::change`], by somebody who knows of clients that it cuts. Blocks.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn change_cutting<E>(
        &self,
        actor: &Actor,
        cutting: Cutting,
        commands: impl FnOnce(&Catalog, Moment) -> Result<Vec<Command>, E>,
    ) -> Result<Done, ControlError>
    where
        ControlError: From<E>,
    {
        let (commands, weighed, prepared) = {
            let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            let (present, now) = (self.catalog(), self.clock.now());
            let commands = commands(&present, now)?;
            for command in &commands {
                authorise::command(actor, command)?;
            }
            let prepared = match cutting {
                Cutting::Confirmed => None,
                Cutting::Unknown | Cutting::UpTo(_) => {
                    self.may_cut_clients(&present, &commands, self.around(actor, now))?
                }
            };
            let Some(prepared) = prepared else {
                return self.carry_out(actor, &commands, Cutting::Confirmed, now);
            };
            (commands, present, prepared)
        };
        // Whom it cuts is worked out while others go on: the realm decides how long that takes.
        let turn = self.weighing.turn_of(actor)?;
        self.check_cuts(&weighed, &prepared.next, &prepared.touched, cutting)?;
        drop(turn);
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let present = self.catalog();
        let realm = |catalog: &Catalog, command: &Command| {
            let realm = command.realm().and_then(|name| catalog.realms.get(name));
            realm.map(Arc::as_ptr)
        };
        let mut commanded = commands.iter();
        if commanded.any(|command| realm(&weighed, command) != realm(&present, command)) {
            return Err(ControlError::PlanChanged {
                seen: weighed.revision,
                present: present.revision,
            });
        }
        self.carry_out(actor, &commands, Cutting::Confirmed, self.clock.now())
    }

    const fn around<'a>(&'a self, actor: &'a Actor, now: Moment) -> Circumstances<'a> {
        Circumstances {
            actor,
            now,
            rules: &self.rules,
        }
    }

    /// Does what [`Control::apply`] does. Blocks.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn apply_blocking(
        &self,
        actor: &Actor,
        documents: &[Document],
        run: Run,
        unnamed: Unnamed,
    ) -> Result<Applied, ControlError> {
        for realm in documents.iter().flat_map(|document| &document.realm) {
            authorise::inside(actor, &realm.name.0, "manifest.apply")?;
        }
        let planned = |catalog: &Catalog, now| {
            plan::plan(catalog, documents, &actor.role, unnamed, &self.rules, now)
        };
        if run == Run::Plan {
            let (catalog, now) = (self.catalog(), self.clock.now());
            let mut plan = planned(&catalog, now)?;
            self.tell_cuts(&catalog, &mut plan, self.around(actor, now))?;
            let (steps, warnings) = (plan.steps, plan.warnings);
            return Ok(Applied {
                steps,
                applied: false,
                revision: catalog.revision,
                warnings,
            });
        }
        let (mut present, mut now) = (self.catalog(), self.clock.now());
        let mut plan = planned(&present, now)?;
        // Whom it cuts is worked out while others go on: the realms decide how long that takes.
        self.tell_cuts(&present, &mut plan, self.around(actor, now))?;
        let asks = plan.steps.iter().any(|step| step.needs_confirmation);
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut weighed = true;
        if self.catalog.load().revision != present.revision {
            (present, now) = (self.catalog(), self.clock.now());
            plan = planned(&present, now)?;
            weighed = false;
        }
        let needs_confirmation = asks || plan.steps.iter().any(|step| step.needs_confirmation);
        match run {
            Run::ApplyConfirmed { seen: Some(seen) }
                if needs_confirmation && seen != present.revision =>
            {
                return Err(ControlError::PlanChanged {
                    seen,
                    present: present.revision,
                });
            }
            Run::ApplyConfirmed { .. } => {}
            Run::Plan | Run::Apply => confirmed(&plan.steps)?,
        }
        let commands = plan.take_commands();
        for command in &commands {
            authorise::command(actor, command)?;
        }
        // Whom it cuts is among what was confirmed.
        let cutting = match run {
            Run::ApplyConfirmed { .. } => Cutting::Confirmed,
            Run::Plan | Run::Apply if weighed => Cutting::Confirmed,
            Run::Plan | Run::Apply => Cutting::Unknown,
        };
        let done = self.carry_out(actor, &commands, cutting, now)?;
        Ok(Applied {
            steps: plan.steps,
            applied: true,
            revision: done.revision,
            warnings: plan.warnings,
        })
    }

    /// Apply, compile, commit, publish. The caller holds the writer's lock, and knows that the actor may do this.
    pub(crate) fn carry_out(
        &self,
        actor: &Actor,
        commands: &[Command],
        cutting: Cutting,
        now: Moment,
    ) -> Result<Done, ControlError> {
        let before = self.catalog.load_full();
        let around = Circumstances {
            actor,
            now,
            rules: &self.rules,
        };
        let Prepared {
            next,
            touched,
            audit,
            warnings,
        } = prepare(&before, commands, around)?;
        if touched.is_empty() {
            return Ok(Done {
                changed: false,
                revision: before.revision,
                warnings,
            });
        }
        self.check_intake(&before, &next, &touched)?;
        self.check_cuts(&before, &next, &touched, cutting)?;
        let former = self.live.load_full();
        let (snapshot, realms) = self.compiler.recompile(&former, &next, &touched)?;
        self.store.commit(&next, &touched, &audit, actor, now)?;
        let revision = next.revision;
        self.foretell_cuts((&former, &snapshot), &realms, &audit);
        self.live.publish(Arc::new(snapshot), &realms);
        self.catalog.store(Arc::new(next));
        if touched
            .iter()
            .any(|row| matches!(row, Touched::CrlSource(..)))
        {
            self.freshness.wake();
        }
        log(&audit, actor, revision);
        Ok(Done {
            changed: true,
            revision,
            warnings,
        })
    }
}

/// Checks that no step needs confirmation.
fn confirmed(steps: &[Step]) -> Result<(), ControlError> {
    let mut waiting = steps.iter().filter(|step| step.needs_confirmation);
    let Some(first) = waiting.next() else {
        return Ok(());
    };
    Err(ControlError::ConfirmationNeeded {
        realm: first.realm.clone(),
        verb: first.verb,
        noun: first.noun,
        name: first.name.clone(),
        more: waiting.count(),
    })
}

/// Each change on a line of the log; of a large manifest, one line for all.
fn log(audit: &[AuditFact], actor: &Actor, revision: u64) {
    if audit.len() > LOGGED_ONE_BY_ONE_MAX {
        let changes = audit.len();
        tracing::info!(revision, actor = %actor.name, changes, "many changes at once: the audit tells each");
        return;
    }
    for fact in audit {
        tracing::info!(
            revision,
            actor = %actor.name,
            realm = fact.realm.as_ref().map(tracing::field::display),
            environment = fact.environment.map(tracing::field::display),
            object = %fact.object,
            "{}",
            fact.action
        );
    }
}

/// A catalog with commands applied to it, and what there is to store and tell.
pub(crate) struct Prepared {
    pub(crate) next: Catalog,
    pub(crate) touched: Vec<Touched>,
    pub(crate) audit: Vec<AuditFact>,
    pub(crate) warnings: Vec<Warning>,
}

/// Applies commands to a copy of `before`, whose revision is the next one.
pub(crate) fn prepare(
    before: &Catalog,
    commands: &[Command],
    around: Circumstances<'_>,
) -> Result<Prepared, Rejection> {
    let mut next = before.clone();
    next.revision = before.revision.saturating_add(1);
    let mut prepared = Prepared {
        next,
        touched: Vec::new(),
        audit: Vec::new(),
        warnings: Vec::new(),
    };
    let mut warned = 0;
    let mut realm = None;
    for command in commands {
        // Warnings repeat within a realm only, so that those of many realms need not be compared.
        if command.realm() != realm {
            realm = command.realm();
            warned = prepared.warnings.len();
        }
        let change = prepared.next.apply(command, around)?;
        prepared.touched.extend(change.touched);
        prepared.audit.extend(change.audit);
        for warning in change.warnings {
            if !prepared
                .warnings
                .iter()
                .skip(warned)
                .any(|known| *known == warning)
            {
                prepared.warnings.push(warning);
            }
        }
    }
    prepared.touched.sort_unstable();
    prepared.touched.dedup();
    Ok(prepared)
}
