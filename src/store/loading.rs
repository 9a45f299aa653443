//! Rows to catalog, at start-up.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::ops::Bound;
use std::sync::Arc;
use std::thread;

use imbl::OrdMap;
use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata};

use crate::clock::Moment;
use crate::domain::catalog::Catalog;
use crate::domain::deployment::{Deployment, DeploymentKey};
use crate::domain::environment::Environment;
use crate::domain::identity::{IdentitySlot, ServerAuthority, ServerIdentity};
use crate::domain::installation::Installation;
use crate::domain::name::RealmName;
use crate::domain::realm::Realm;
use crate::store::db::{Store, stored_revision};
use crate::store::error::{Fault, StoreError};
use crate::store::row;
use crate::store::row::codec::RowError;
use crate::store::row::identity::Issuers;
use crate::store::row::installation::Certificates;
use crate::store::seal::{RowSeal, StoreKeys};
use crate::store::tables::{
    ACCOUNTS, AUTHORITY, CONNECTIONS, CRL_SOURCES, CRLS, DENIALS, DEPLOYMENTS, IDENTITIES,
    INSTALLATIONS, META, PIPELINES, REALMS, TOKENS, TRUST_POLICIES, Table, crl_object,
    crl_source_object, denial_object, deployment_object, pipeline_object,
};

impl Store {
    /// The catalog as the last commit left it. A realm with a row that is damaged or was moved is told as unreadable;
    /// the others are none the worse for it.
    ///
    /// # Errors
    /// [`StoreError`] where a row is of a newer realmgate, or one that belongs to no realm is damaged.
    pub fn load(&self) -> Result<Catalog, StoreError> {
        self.read(|transaction| {
            let bounds = bounds(transaction)?;
            let read = |part| Reader::new(transaction, &self.keys, part).read();
            let read = &read;
            let parts = thread::scope(|scope| {
                let parts: Vec<_> = parts(&bounds).collect();
                let threads: Vec<_> = parts
                    .into_iter()
                    .map(|part| scope.spawn(move || read(part)))
                    .collect();
                let parts = threads
                    .into_iter()
                    .map(|thread| thread.join().unwrap_or(Err(Fault::Panicked)));
                parts.collect::<Result<Vec<_>, _>>()
            })?;
            let mut whole = Reader::new(transaction, &self.keys, Part::ALL);
            whole.realms = parts.into_iter().flatten().collect();
            let identities = whole.identities()?;
            whole.catalog(identities)
        })
    }
}

/// The realms whose names are `from` or come after it, and come before `to`.
#[derive(Clone, Copy)]
struct Part<'a> {
    from: &'a str,
    to: Option<&'a str>,
}

impl<'a> Part<'a> {
    const ALL: Self = Self { from: "", to: None };

    /// The rows of these realms, where `first` is the least key that a realm's row can have.
    fn rows<K>(self, first: impl Fn(&'a str) -> K) -> (Bound<K>, Bound<K>) {
        let end = self
            .to
            .map_or(Bound::Unbounded, |to| Bound::Excluded(first(to)));
        (Bound::Included(first(self.from)), end)
    }
}

/// Fewer realms than this are not worth a thread.
const PART_REALMS_MIN: usize = 64;

/// The first realm of every part but the first: as many parts of much the same size as the machine runs threads.
fn bounds(transaction: &ReadTransaction) -> Result<Vec<String>, Fault> {
    let realms = transaction.open_table(REALMS)?;
    let count = usize::try_from(realms.len()?).unwrap_or(usize::MAX);
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let size = count.div_ceil(threads).max(PART_REALMS_MIN);
    let mut bounds = Vec::new();
    if count > size {
        for entry in realms.iter()?.step_by(size).skip(1) {
            bounds.push(entry?.0.value().to_owned());
        }
    }
    Ok(bounds)
}

fn parts(bounds: &[String]) -> impl Iterator<Item = Part<'_>> {
    let bounds = || bounds.iter().map(String::as_str);
    let ends = bounds().map(Some).chain([None]);
    let parts = [""].into_iter().chain(bounds()).zip(ends);
    parts.map(|(from, to)| Part { from, to })
}

struct Reader<'a> {
    transaction: &'a ReadTransaction,
    keys: &'a StoreKeys,
    part: Part<'a>,
    certificates: Certificates,
    realms: HashMap<RealmName, Realm>,
}

/// What belongs to no realm of the identities.
#[derive(Default)]
struct Identities {
    authority: Option<Arc<ServerAuthority>>,
    of_listeners: OrdMap<IdentitySlot, Arc<ServerIdentity>>,
}

impl<'a> Reader<'a> {
    fn new(transaction: &'a ReadTransaction, keys: &'a StoreKeys, part: Part<'a>) -> Self {
        Self {
            transaction,
            keys,
            part,
            certificates: Certificates::default(),
            realms: HashMap::new(),
        }
    }

    /// The realms of its part, with everything that belongs to them.
    fn read(mut self) -> Result<HashMap<RealmName, Realm>, Fault> {
        self.realms()?;
        self.accounts()?;
        self.installations()?;
        self.trust_policies()?;
        self.crls()?;
        self.denials()?;
        self.crl_sources()?;
        self.pipelines()?;
        self.deployments()?;
        self.connections()?;
        Ok(self.realms)
    }

    fn realms(&mut self) -> Result<(), Fault> {
        let keys = self.keys.table(Table::Realms)?;
        let rows = self.part.rows(|realm| realm);
        for entry in self.transaction.open_table(REALMS)?.range::<&str>(rows)? {
            let (name, row) = entry?;
            let name = name.value();
            let seal = keys.at("", name);
            let realm = match row::realm::decode(name, row.value(), &seal) {
                Ok(realm) => realm,
                Err(newer @ RowError::Newer { .. }) => return Err(at(&seal)(newer)),
                Err(source) => Realm {
                    unreadable: Some(unreadable(&seal, &source)),
                    ..Realm::new(
                        RealmName::parse(name)
                            .map_err(RowError::from)
                            .map_err(at(&seal))?,
                        Moment::EPOCH,
                    )
                },
            };
            self.realms.insert(realm.name.clone(), realm);
        }
        Ok(())
    }

    fn accounts(&mut self) -> Result<(), Fault> {
        let keys = self.keys.table(Table::Accounts)?;
        let rows = self.part.rows(|realm| (realm, ""));
        for entry in self.transaction.open_table(ACCOUNTS)?.range(rows)? {
            let (key, row) = entry?;
            let (realm, name) = key.value();
            let seal = keys.at(realm, name);
            let row = row::account::decode(name, row.value(), &seal, &mut self.certificates);
            let Some(account) = self.readable(row, &seal)? else {
                continue;
            };
            let accounts = &mut self.realm(&seal)?.accounts;
            accounts.insert(account.name.clone(), Arc::new(account));
        }
        Ok(())
    }

    fn installations(&mut self) -> Result<(), Fault> {
        let keys = self.keys.table(Table::Installations)?;
        let rows = self.part.rows(|realm| (realm, 0));
        for entry in self.transaction.open_table(INSTALLATIONS)?.range(rows)? {
            let (key, row) = entry?;
            let (realm, id) = key.value();
            let object = id.to_string();
            let seal = keys.at(realm, &object);
            let row = row::installation::decode(id, row.value(), &seal, &mut self.certificates);
            let Some(installation) = self.readable(row, &seal)? else {
                continue;
            };
            let realm = self.realm(&seal)?;
            let account = realm.accounts.get(&installation.account);
            let installation = Installation {
                // The same name in memory once.
                account: account.map_or(installation.account, |account| account.name.clone()),
                ..installation
            };
            let installations = &mut realm.installations;
            installations.insert(installation.id, Arc::new(installation));
        }
        Ok(())
    }

    fn trust_policies(&mut self) -> Result<(), Fault> {
        let keys = self.keys.table(Table::TrustPolicies)?;
        let rows = self.part.rows(|realm| (realm, ""));
        for entry in self.transaction.open_table(TRUST_POLICIES)?.range(rows)? {
            let (key, row) = entry?;
            let (realm, environment) = key.value();
            let seal = keys.at(realm, environment);
            let place = Environment::parse(environment).map_err(RowError::from);
            let place = place.map_err(at(&seal))?;
            let policy = row::trust_policy::decode(row.value(), &seal).map_err(at(&seal))?;
            *self.realm(&seal)?.trust_policies.get_mut(place) = Arc::new(policy);
        }
        Ok(())
    }

    fn crls(&mut self) -> Result<(), Fault> {
        let keys = self.keys.table(Table::Crls)?;
        let rows = self.part.rows(|realm| (realm, "", ""));
        for entry in self.transaction.open_table(CRLS)?.range(rows)? {
            let (key, row) = entry?;
            let (realm, environment, sha256) = key.value();
            let object = crl_object(environment, sha256);
            let seal = keys.at(realm, &object);
            let place = Environment::parse(environment).map_err(RowError::from);
            let place = place.map_err(at(&seal))?;
            let list = row::crl::decode(row.value(), &seal).map_err(at(&seal))?;
            let lists = self.realm(&seal)?.crls.get_mut(place);
            lists.insert(list.crl.fingerprint(), Arc::new(list));
        }
        Ok(())
    }

    fn denials(&mut self) -> Result<(), Fault> {
        let keys = self.keys.table(Table::Denials)?;
        let rows = self.part.rows(|realm| (realm, "", ""));
        for entry in self.transaction.open_table(DENIALS)?.range(rows)? {
            let (key, row) = entry?;
            let (realm, environment, id) = key.value();
            let object = denial_object(environment, id);
            let seal = keys.at(realm, &object);
            let place = Environment::parse(environment).map_err(RowError::from);
            let place = place.map_err(at(&seal))?;
            let row = row::denial::decode(row.value(), &seal);
            let Some(denial) = self.readable(row, &seal)? else {
                continue;
            };
            let denials = self.realm(&seal)?.denials.get_mut(place);
            denials.insert(denial.what.id(), Arc::new(denial));
        }
        Ok(())
    }

    /// A source that cannot be read is told, and closes its realm: nobody could say what keeps its lists fresh.
    fn crl_sources(&mut self) -> Result<(), Fault> {
        let keys = self.keys.table(Table::CrlSources)?;
        let rows = self.part.rows(|realm| (realm, "", ""));
        for entry in self.transaction.open_table(CRL_SOURCES)?.range(rows)? {
            let (key, row) = entry?;
            let (realm, environment, name) = key.value();
            let object = crl_source_object(environment, name);
            let seal = keys.at(realm, &object);
            let place = Environment::parse(environment).map_err(RowError::from);
            let place = place.map_err(at(&seal))?;
            let row = row::crl_source::decode(name, row.value(), &seal);
            let Some(source) = self.readable(row, &seal)? else {
                continue;
            };
            let sources = self.realm(&seal)?.crl_sources.get_mut(place);
            sources.insert(source.name.clone(), Arc::new(source));
        }
        Ok(())
    }

    fn pipelines(&mut self) -> Result<(), Fault> {
        let keys = self.keys.table(Table::Pipelines)?;
        let rows = self.part.rows(|realm| (realm, "", 0));
        for entry in self.transaction.open_table(PIPELINES)?.range(rows)? {
            let (key, row) = entry?;
            let (realm, name, major) = key.value();
            let object = pipeline_object(name, major);
            let seal = keys.at(realm, &object);
            let key = row::pipeline::key(name, major);
            let row = key.and_then(|key| row::pipeline::decode(key, row.value(), &seal));
            let Some(pipeline) = self.readable(row, &seal)? else {
                continue;
            };
            let pipelines = &mut self.realm(&seal)?.pipelines;
            pipelines.insert(pipeline.key.clone(), Arc::new(pipeline));
        }
        Ok(())
    }

    fn deployments(&mut self) -> Result<(), Fault> {
        let keys = self.keys.table(Table::Deployments)?;
        let rows = self.part.rows(|realm| (realm, "", "", 0));
        for entry in self.transaction.open_table(DEPLOYMENTS)?.range(rows)? {
            let (key, row) = entry?;
            let (realm, environment, name, major) = key.value();
            let object = deployment_object(environment, name, major);
            let seal = keys.at(realm, &object);
            let key = deployment_key(environment, name, major);
            let row = key.and_then(|key| row::deployment::decode(key, row.value(), &seal));
            let Some(deployment) = self.readable(row, &seal)? else {
                continue;
            };
            let realm = self.realm(&seal)?;
            let deployment = share_pipeline(realm, deployment);
            realm
                .deployments
                .insert(deployment.key.clone(), Arc::new(deployment));
        }
        Ok(())
    }

    fn connections(&mut self) -> Result<(), Fault> {
        let keys = self.keys.table(Table::Connections)?;
        let rows = self.part.rows(|realm| (realm, ""));
        for entry in self.transaction.open_table(CONNECTIONS)?.range(rows)? {
            let (key, row) = entry?;
            let (realm, name) = key.value();
            let seal = keys.at(realm, name);
            let row = row::connection::decode(name, row.value(), &seal);
            let Some(connection) = self.readable(row, &seal)? else {
                continue;
            };
            let connections = &mut self.realm(&seal)?.connections;
            connections.insert(connection.name.clone(), Arc::new(connection));
        }
        Ok(())
    }

    /// What listeners show, and what realms' own hosts do.
    fn identities(&mut self) -> Result<Identities, Fault> {
        let mut found = Identities::default();
        let mut issuers = Issuers::default();
        let keys = self.keys.table(Table::Identities)?;
        for entry in self.transaction.open_table(IDENTITIES)?.iter()? {
            let (slot, row) = entry?;
            let (slot, row) = (slot.value(), row.value());
            let seal = keys.at("", slot);
            if slot == AUTHORITY {
                let row = row::identity::decode_authority(row, &seal, &mut self.certificates);
                found.authority = Some(Arc::new(row.map_err(at(&seal))?));
            } else if let Some((name, environment)) = row::identity::own_place(slot) {
                let row = row::identity::decode_own(row, &seal, &mut issuers);
                if let Some(own) = self.readable_in(name.as_str(), row, &seal)? {
                    let realm = self.realm_named(name.as_str(), &seal)?;
                    *realm.server_identities.get_mut(environment) = Some(Arc::new(own));
                }
            } else {
                let row = row::identity::decode(slot, row, &seal, &mut self.certificates);
                let identity = row.map_err(at(&seal))?;
                found
                    .of_listeners
                    .insert(identity.slot.clone(), Arc::new(identity));
            }
        }
        Ok(found)
    }

    /// Adds what belongs to no realm.
    fn catalog(self, identities: Identities) -> Result<Catalog, Fault> {
        let mut catalog = Catalog {
            revision: stored_revision(&self.transaction.open_table(META)?)?,
            ..Catalog::default()
        };
        let keys = self.keys.table(Table::Tokens)?;
        for entry in self.transaction.open_table(TOKENS)?.iter()? {
            let (name, row) = entry?;
            let seal = keys.at("", name.value());
            let row = row::token::decode(name.value(), row.value(), &seal);
            let token = row.map_err(at(&seal))?;
            catalog
                .tokens_by_hash
                .insert(token.hash, token.name.clone());
            catalog.tokens.insert(token.name.clone(), Arc::new(token));
        }
        catalog.server_authority = identities.authority;
        catalog.server_identities = identities.of_listeners;
        let realms = self
            .realms
            .into_iter()
            .map(|(name, realm)| (name, Arc::new(realm)));
        catalog.realms = realms.collect::<OrdMap<_, _>>();
        Ok(catalog)
    }

    /// A row of a realm; `None` where it cannot be read, which closes the realm.
    fn readable<T>(
        &mut self,
        row: Result<T, RowError>,
        seal: &RowSeal<'_>,
    ) -> Result<Option<T>, Fault> {
        self.readable_in(seal.realm(), row, seal)
    }

    fn readable_in<T>(
        &mut self,
        realm: &str,
        row: Result<T, RowError>,
        seal: &RowSeal<'_>,
    ) -> Result<Option<T>, Fault> {
        match row {
            Ok(row) => Ok(Some(row)),
            Err(newer @ RowError::Newer { .. }) => Err(at(seal)(newer)),
            Err(source) => {
                let realm = self.realm_named(realm, seal)?;
                if realm.unreadable.is_none() {
                    realm.unreadable = Some(unreadable(seal, &source));
                }
                Ok(None)
            }
        }
    }

    fn realm(&mut self, seal: &RowSeal<'_>) -> Result<&mut Realm, Fault> {
        self.realm_named(seal.realm(), seal)
    }

    fn realm_named(&mut self, realm: &str, seal: &RowSeal<'_>) -> Result<&mut Realm, Fault> {
        self.realms
            .get_mut(realm)
            .ok_or(RowError::Orphan)
            .map_err(at(seal))
    }
}

fn unreadable(seal: &RowSeal<'_>, source: &RowError) -> Arc<str> {
    format!(
        "the row {seal} of {} cannot be read ({source})",
        seal.table()
    )
    .into()
}

/// Says which row an error belongs to.
pub(crate) fn at(seal: &RowSeal<'_>) -> impl FnOnce(RowError) -> Fault {
    let (table, row) = (seal.table(), seal.to_string());
    move |source| Fault::Row { table, row, source }
}

fn deployment_key(environment: &str, name: &str, major: u16) -> Result<DeploymentKey, RowError> {
    let pipeline = row::pipeline::key(name, major)?;
    Ok(DeploymentKey {
        environment: Environment::parse(environment)?,
        pipeline,
    })
}

/// A deployment of a pipeline's present form needs no copy of it in memory.
fn share_pipeline(realm: &Realm, deployment: Deployment) -> Deployment {
    let deployed = &deployment.pipeline;
    let present = realm.pipelines.get(&deployed.key).filter(|present| {
        present.revision == deployed.revision
            && present.updated == deployed.updated
            && present.trigger == deployed.trigger
            && present.handler == deployed.handler
    });
    match present {
        Some(present) => Deployment {
            pipeline: Arc::clone(present),
            key: DeploymentKey {
                pipeline: present.key.clone(),
                ..deployment.key
            },
            ..deployment
        },
        None => deployment,
    }
}
