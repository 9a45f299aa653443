//! The compiler: catalog → snapshot.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use imbl::HashMap;
use rustls::crypto::CryptoProvider;

use crate::clock::Clock;
use crate::domain::catalog::Catalog;
use crate::domain::change::Touched;
use crate::domain::endpoint::NamePlan;
use crate::domain::environment::{Environment, Gateway, PerEnvironment};
use crate::domain::identity::IdentitySlot;
use crate::domain::name::RealmName;
use crate::domain::realm::{Realm, RealmState};
use crate::snapshot::client_tls::{ClientTls, Targets};
use crate::snapshot::compile_error::CompileError;
use crate::snapshot::deploy;
use crate::snapshot::epoch::Epoch;
use crate::snapshot::realm::{self, MtlsEndpoint, RealmEnvironment, RealmSnapshot, Standing};
use crate::snapshot::route::RouteTable;
use crate::snapshot::server_tls::{self, MutualTls, ServerTls};
use crate::snapshot::shown::{self, InvalidIdentity, Shown, ShownIdentity};
use crate::snapshot::state::{SharedHosts, Snapshot};
use crate::snapshot::ticketer::Host;
use crate::snapshot::trusting::CompiledFrom;
use crate::snapshot::verifier::Trusting;
use crate::trust::limits::TrustLimits;
use crate::trust::set::TrustSet;
use crate::trust::shared::SharedTrust;
use crate::trust::verdicts::Verdicts;

/// Fewer realms than this are not worth a thread.
const PART_REALMS_MIN: usize = 64;

/// Compiles catalogs. One per process.
pub struct Compiler {
    names: Arc<NamePlan>,
    server_tls: Arc<ServerTls>,
    client_tls: ClientTls,
    next_target: AtomicU64,
}

impl Compiler {
    /// A compiler for these host names, this clock and these limits. Sessions can be resumed for `resumption` after
    /// their full handshake; zero: not at all.
    ///
    /// # Errors
    /// [`rustls::Error`] where the cryptography at hand can speak neither TLS 1.3 nor 1.2.
    pub fn new(
        names: NamePlan,
        clock: Clock,
        limits: TrustLimits,
        resumption: Duration,
    ) -> Result<Self, rustls::Error> {
        let provider: Arc<CryptoProvider> = Arc::new(server_tls::provider());
        Ok(Self {
            names: Arc::new(names),
            client_tls: ClientTls::new(Arc::clone(&provider))?,
            server_tls: Arc::new(ServerTls {
                beginning: server_tls::beginning(&provider, &clock)?,
                provider,
                clock,
                verdicts: Arc::new(Verdicts::new(limits.verdicts_max, limits.verdict_life_ms)),
                limits,
                resumption,
            }),
            next_target: AtomicU64::new(1),
        })
    }

    /// The bounds of judgements.
    pub fn trust_limits(&self) -> &TrustLimits {
        &self.server_tls.limits
    }

    /// Compiles everything; at start-up. A realm that does not compile is closed, and the others serve.
    ///
    /// # Errors
    /// [`CompileError`] where the server identities cannot be shown.
    pub fn compile_all(&self, catalog: &Catalog) -> Result<Snapshot, CompileError> {
        let shown = Arc::new(self.shown(catalog)?);
        let mut realms = HashMap::new();
        let mut unions = PerEnvironment::build(|_| SharedTrust::default());
        for compiled in self.realms(catalog, &shown) {
            let mut owner = None;
            for environment in Environment::ALL {
                if let Some(trust) = trust_of(Some(&compiled), environment) {
                    let owner = owner.get_or_insert_with(|| compiled.name.shared());
                    unions.get_mut(environment).put(owner, None, Some(trust));
                }
            }
            realms.insert(compiled.name.clone(), compiled);
        }
        let shared = PerEnvironment {
            test: Arc::new(self.shared_hosts(
                Environment::Test,
                unions.test,
                Epoch::first(),
                &shown,
                None,
            )),
            prod: Arc::new(self.shared_hosts(
                Environment::Prod,
                unions.prod,
                Epoch::first(),
                &shown,
                None,
            )),
        };
        let admin_tls = self.server_tls.admin(&shown.admin);
        Ok(Snapshot {
            revision: catalog.revision,
            names: Arc::clone(&self.names),
            realms,
            shared,
            admin_tls,
            verdicts: Arc::clone(&self.server_tls.verdicts),
            shown,
        })
    }

    /// All realms, compiled by as many threads as the machine runs at a time.
    fn realms(&self, catalog: &Catalog, shown: &Shown) -> Vec<Arc<RealmSnapshot>> {
        let all: Vec<&Arc<Realm>> = catalog.realms.values().collect();
        let compile = |part: &[&Arc<Realm>]| -> Vec<Arc<RealmSnapshot>> {
            let compiled = part.iter().map(|realm| {
                self.realm(realm, None, shown).unwrap_or_else(|error| {
                    tracing::error!(realm = %realm.name, %error, "the realm does not compile and is closed");
                    closed(realm, None, error.to_string())
                })
            });
            compiled.map(Arc::new).collect()
        };
        let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let part = all.len().div_ceil(threads).max(PART_REALMS_MIN);
        if all.len() <= part {
            return compile(&all);
        }
        thread::scope(|scope| {
            let compile = &compile;
            let parts = all.chunks(part);
            let parts: Vec<_> = parts
                .map(|part| scope.spawn(move || compile(part)))
                .collect();
            let compiled = parts.into_iter().flat_map(|part| {
                part.join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            compiled.collect()
        })
    }

    /// Compiles what a change touched; the rest is shared with `before`. Answers with the realms that were compiled
    /// anew or are gone, for [`crate::snapshot::live::Live::publish`].
    ///
    /// # Errors
    /// [`CompileError`]: then nothing of the change may be stored.
    pub fn recompile(
        &self,
        before: &Snapshot,
        next: &Catalog,
        touched: &[Touched],
    ) -> Result<(Snapshot, Vec<RealmName>), CompileError> {
        let identities_changed = touched
            .iter()
            .any(|row| matches!(row, Touched::ServerIdentity(slot) if slot.realm().is_none()));
        shown::check(next, touched)?;
        let mut names: Vec<RealmName> = if identities_changed {
            next.realms.keys().cloned().collect()
        } else {
            Vec::new()
        };
        names.extend(touched.iter().filter_map(Touched::realm).cloned());
        names.sort_unstable();
        names.dedup();
        let shown = if identities_changed {
            Arc::new(self.shown(next)?)
        } else {
            Arc::clone(&before.shown)
        };
        let mut realms = before.realms.clone();
        let mut unions = PerEnvironment::build(|environment| {
            SharedTrust::clone(&before.shared.get(environment).trust)
        });
        let mut trust_moved = PerEnvironment {
            test: false,
            prod: false,
        };
        for name in &names {
            let former = before.realms.get(name);
            let compiled = match next.realms.get(name) {
                None => None,
                Some(realm) => match self.realm(realm, former.map(Arc::as_ref), &shown) {
                    Ok(compiled) => Some(compiled),
                    // A realm that was closed already must not keep an identity from being replaced.
                    Err(error) if identities_changed => {
                        Some(closed(realm, former.map(Arc::as_ref), error.to_string()))
                    }
                    Err(error) => return Err(error),
                },
            };
            for environment in Environment::ALL {
                let union = unions.get_mut(environment);
                let (was, is) = (
                    trust_of(former.map(Arc::as_ref), environment),
                    trust_of(compiled.as_ref(), environment),
                );
                if !same_trust(was, is) {
                    *union = union.with(&name.shared(), was, is);
                    *trust_moved.get_mut(environment) = true;
                }
            }
            match compiled {
                Some(compiled) => realms.insert(name.clone(), Arc::new(compiled)),
                None => realms.remove(name),
            };
        }
        let mut shared = before.shared.clone();
        let rebuilt = [
            (Environment::Test, unions.test),
            (Environment::Prod, unions.prod),
        ];
        for (environment, union) in rebuilt {
            let moved = *trust_moved.get(environment);
            if moved || identities_changed {
                let former = before.shared.get(environment);
                let epoch = if moved {
                    former.epoch.next()
                } else {
                    former.epoch.clone()
                };
                let former = (!identities_changed).then_some(&**former);
                *shared.get_mut(environment) =
                    Arc::new(self.shared_hosts(environment, union, epoch, &shown, former));
            }
        }
        let admin_tls = if identities_changed {
            self.server_tls.admin(&shown.admin)
        } else {
            Arc::clone(&before.admin_tls)
        };
        let snapshot = Snapshot {
            revision: next.revision,
            names: Arc::clone(&before.names),
            realms,
            shared,
            admin_tls,
            verdicts: Arc::clone(&before.verdicts),
            shown,
        };
        Ok((snapshot, names))
    }

    fn shown(&self, catalog: &Catalog) -> Result<Shown, CompileError> {
        let prepare = |slot| {
            let identity = catalog
                .server_identities
                .get(&slot)
                .ok_or(InvalidIdentity::Missing { slot })?;
            ShownIdentity::prepare(identity)
        };
        let public = |gateway| {
            Ok::<_, InvalidIdentity>(PerEnvironment {
                test: prepare(IdentitySlot::Public(gateway, Environment::Test))?,
                prod: prepare(IdentitySlot::Public(gateway, Environment::Prod))?,
            })
        };
        Ok(Shown {
            admin: prepare(IdentitySlot::Admin)?,
            external: public(Gateway::External)?,
            internal: public(Gateway::Internal)?,
            mtls: public(Gateway::Mtls)?,
        })
    }

    /// The regular gateways trust nobody's anchors: theirs are kept from `former`, where it shows the same identities.
    fn shared_hosts(
        &self,
        environment: Environment,
        union: SharedTrust,
        epoch: Epoch,
        shown: &Shown,
        former: Option<&SharedHosts>,
    ) -> SharedHosts {
        let trust = Arc::new(union);
        let host = |gateway| Host {
            gateway,
            environment,
            realm: None,
        };
        let regular = |gateway, identity: &PerEnvironment<Arc<ShownIdentity>>| match former {
            Some(former) => Arc::clone(former.tls(gateway)),
            None => self
                .server_tls
                .regular(host(gateway), identity.get(environment)),
        };
        SharedHosts {
            external: regular(Gateway::External, &shown.external),
            internal: regular(Gateway::Internal, &shown.internal),
            mtls: self.server_tls.mutual(
                environment,
                None,
                shown.mtls.get(environment),
                Trusting::Shared(Arc::clone(&trust)),
                None,
            ),
            trust,
            epoch,
        }
    }

    fn realm(
        &self,
        realm: &Realm,
        former: Option<&RealmSnapshot>,
        shown: &Shown,
    ) -> Result<RealmSnapshot, CompileError> {
        if let Some(why) = &realm.unreadable {
            return Err(CompileError::Unreadable {
                realm: realm.name.clone(),
                why: Arc::clone(why),
            });
        }
        let targets = self.targets(realm, former)?;
        let test = self.realm_environment(realm, Environment::Test, former, &targets, shown)?;
        let prod = self.realm_environment(realm, Environment::Prod, former, &targets, shown)?;
        let standing = match realm.state {
            RealmState::Active => Standing::Open,
            RealmState::Suspended => Standing::Suspended,
        };
        let mut environments = PerEnvironment { test, prod };
        if former.is_some_and(|former| former.standing != standing) {
            for environment in Environment::ALL {
                let compiled = environments.get_mut(environment);
                compiled.epoch = compiled.epoch.next();
                // The keys of tickets go with their epoch, though the trust is the same.
                if let Some(endpoint) = &mut compiled.mtls {
                    endpoint.tls = self.mutual_tls(
                        &realm.name,
                        environment,
                        &endpoint.identity,
                        &endpoint.trust,
                        &endpoint.compiled_from,
                    );
                }
            }
        }
        Ok(RealmSnapshot {
            name: realm.name.clone(),
            standing,
            environments,
            targets,
        })
    }

    fn realm_environment(
        &self,
        realm: &Realm,
        environment: Environment,
        former: Option<&RealmSnapshot>,
        targets: &Targets,
        shown: &Shown,
    ) -> Result<RealmEnvironment, CompileError> {
        let former = former.map(|former| former.environments.get(environment));
        let kept = former.and_then(|former| former.mtls.as_ref());
        let mtls = self.mtls_endpoint(realm, environment, kept, shown)?;
        let epoch = match former {
            None => Epoch::first(),
            Some(former) => {
                let was = former.mtls.as_ref().map(|endpoint| &endpoint.trust);
                let is = mtls.as_ref().map(|endpoint| &endpoint.trust);
                if same_trust(was, is)
                    && !realm::stops_explaining(former.mtls.as_ref(), mtls.as_ref())
                {
                    former.epoch.clone()
                } else {
                    former.epoch.next()
                }
            }
        };
        let routes = deploy::route_table(realm, environment, former, targets)?;
        Ok(RealmEnvironment {
            mtls,
            routes,
            epoch,
        })
    }

    fn mtls_endpoint(
        &self,
        realm: &Realm,
        environment: Environment,
        former: Option<&MtlsEndpoint>,
        shown: &Shown,
    ) -> Result<Option<MtlsEndpoint>, CompileError> {
        let Some(from) = CompiledFrom::of(realm, environment) else {
            return Ok(None);
        };
        let identity = &shown::of_realm(realm, environment, former, shown)?;
        let same = former.filter(|former| former.compiled_from.is(&from));
        if let Some(same) = same.filter(|same| Arc::ptr_eq(&same.identity, identity)) {
            return Ok(Some(same.clone()));
        }
        let trust = match same {
            Some(same) => Arc::clone(&same.trust),
            None => {
                let known = former.map(|former| former.trust.as_ref());
                let built = from
                    .trust_set(known)
                    .map_err(|source| CompileError::Trust {
                        realm: realm.name.clone(),
                        environment,
                        source,
                    })?;
                // What lets in the same clients stays the same set, so that nobody is judged again for nothing.
                match former.filter(|former| former.trust.same_as(&built)) {
                    Some(former) => Arc::clone(&former.trust),
                    None => Arc::new(built),
                }
            }
        };
        let tls = self.mutual_tls(&realm.name, environment, identity, &trust, &from);
        Ok(Some(MtlsEndpoint {
            trust,
            tls,
            compiled_from: from,
            identity: Arc::clone(identity),
        }))
    }

    fn mutual_tls(
        &self,
        realm: &RealmName,
        environment: Environment,
        identity: &Arc<ShownIdentity>,
        trust: &Arc<TrustSet>,
        from: &CompiledFrom,
    ) -> MutualTls {
        let trusting = Trusting::Realm {
            trust: Arc::clone(trust),
            ca_names: from.ca_names(),
            handshake: from.handshake(),
        };
        let tls = &self.server_tls;
        tls.mutual(
            environment,
            Some(realm),
            identity,
            trusting,
            from.record_bytes(),
        )
    }

    fn targets(
        &self,
        realm: &Realm,
        former: Option<&RealmSnapshot>,
    ) -> Result<Targets, CompileError> {
        let mut targets = Targets::default();
        for connection in realm.connections.values() {
            let revisions = ClientTls::revisions(realm, connection);
            let mut compiled = PerEnvironment {
                test: None,
                prod: None,
            };
            for environment in Environment::ALL {
                let kept = former
                    .and_then(|former| former.targets.find(&connection.name, environment))
                    .filter(|target| target.compiled_from == revisions);
                *compiled.get_mut(environment) = match kept {
                    Some(target) => Some(Arc::clone(target)),
                    None => {
                        let id = self.next_target.fetch_add(1, Ordering::Relaxed);
                        self.client_tls
                            .compile(realm, connection, environment, id)
                            .map_err(|source| CompileError::Target {
                                realm: realm.name.clone(),
                                source,
                            })?
                            .map(Arc::new)
                    }
                };
            }
            targets.push(connection.name.clone(), compiled);
        }
        Ok(targets)
    }
}

/// A realm that does not compile: known, and shut.
fn closed(realm: &Realm, former: Option<&RealmSnapshot>, why: String) -> RealmSnapshot {
    let empty = |environment| RealmEnvironment {
        mtls: None,
        routes: RouteTable::none(),
        epoch: former.map_or_else(Epoch::first, |former| {
            former.environments.get(environment).epoch.next()
        }),
    };
    RealmSnapshot {
        name: realm.name.clone(),
        standing: Standing::Closed { why },
        environments: PerEnvironment::build(empty),
        targets: Targets::default(),
    }
}

/// Whom an open realm trusts. A suspended realm's anchors leave the shared hosts as well.
fn trust_of(realm: Option<&RealmSnapshot>, environment: Environment) -> Option<&Arc<TrustSet>> {
    let realm = realm.filter(|realm| realm.is_open())?;
    realm
        .environments
        .get(environment)
        .mtls
        .as_ref()
        .map(|endpoint| &endpoint.trust)
}

fn same_trust(was: Option<&Arc<TrustSet>>, is: Option<&Arc<TrustSet>>) -> bool {
    match (was, is) {
        (None, None) => true,
        (Some(was), Some(is)) => Arc::ptr_eq(was, is) || was.same_as(is),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

#[cfg(test)]
mod tests;
