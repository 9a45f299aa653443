//! Changes to rows: a commit.

use std::collections::BTreeSet;

use redb::{Key, ReadableTable, TableDefinition, WriteTransaction};

use crate::clock::Moment;
use crate::domain::audit::{AuditFact, AuditRecord};
use crate::domain::catalog::Catalog;
use crate::domain::change::Touched;
use crate::domain::environment::Environment;
use crate::domain::identity::IdentitySlot;
use crate::domain::name::RealmName;
use crate::domain::realm::Realm;
use crate::domain::token::Actor;
use crate::domain::trust_policy::TrustPolicy;
use crate::pki::fingerprint::Fingerprint;
use crate::store::db::{Store, stored_revision};
use crate::store::error::{Fault, StoreError};
use crate::store::journaling::forget_refusals;
use crate::store::row;
use crate::store::row::codec::RowError;
use crate::store::seal::{RowSeal, StoreKeys};
use crate::store::seen;
use crate::store::tables::{
    ACCOUNTS, AUDIT, AUDIT_BY_REALM, AUTHORITY, CONNECTIONS, CRL_SOURCES, CRLS, DENIALS,
    DEPLOYMENTS, IDENTITIES, INSTALLATIONS, META, META_REVISION, PIPELINES, REALMS, TOKENS,
    TRUST_POLICIES, Table, crl_object, crl_source_object, denial_object, deployment_object,
    pipeline_object,
};

impl Store {
    /// Stores a change: of each touched row what `next` has of it, the revision of `next`, and an audit record for each
    /// fact, all in one durable transaction. Answers with the audit records.
    ///
    /// A row that `next` does not have is removed; touching one twice is the same as once. With a realm go its refusals, and the clients that it saw.
    ///
    /// # Errors
    /// [`StoreError::StaleRevision`] unless the revision of `next` is later than the stored one;
    /// [`StoreError::Write`] where it could not be written, and nothing was; [`StoreError::Unsynced`] where the disk did
    /// not confirm it, and [`StoreError::Stopped`] ever after.
    pub fn commit(
        &self,
        next: &Catalog,
        touched: &[Touched],
        audit: &[AuditFact],
        actor: &Actor,
        now: Moment,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        let touched: BTreeSet<&Touched> = touched.iter().collect();
        self.write(
            |transaction| {
                set_revision(transaction, next.revision)?;
                Rows {
                    transaction,
                    keys: &self.keys,
                    next,
                    touched: &touched,
                }
                .write()?;
                let records = records(transaction, next.revision, audit, actor, now)?;
                write_audit(transaction, &self.keys, &records)?;
                Ok(records)
            },
            |transaction| Ok(stored_revision(&transaction.open_table(META)?)? == next.revision),
        )
    }

    /// Adds audit records of what was no change of the catalog, in one durable transaction, at the stored revision.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn add_audit(
        &self,
        facts: &[AuditFact],
        actor: &Actor,
        now: Moment,
    ) -> Result<(), StoreError> {
        if facts.is_empty() {
            return Ok(());
        }
        self.write(
            |transaction| {
                let revision = stored_revision(&transaction.open_table(META)?)?;
                let records = records(transaction, revision, facts, actor, now)?;
                write_audit(transaction, &self.keys, &records)
            },
            |_| Ok(false),
        )
    }
}

/// The rows that a commit touches.
struct Rows<'a> {
    transaction: &'a WriteTransaction,
    keys: &'a StoreKeys,
    next: &'a Catalog,
    touched: &'a BTreeSet<&'a Touched>,
}

impl<'a> Rows<'a> {
    fn write(&self) -> Result<(), Fault> {
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
        self.tokens()?;
        self.identities()
    }

    fn realms(&self) -> Result<(), Fault> {
        let keys = self.keys.table(Table::Realms)?;
        let of = |touched: &'a Touched| {
            if let Touched::Realm(name) = touched {
                Some(name)
            } else {
                None
            }
        };
        let gone = |name: &&RealmName| !self.next.realms.contains_key(*name);
        forget_refusals(self.transaction, self.select(of).filter(gone))?;
        seen::forget_realms(self.transaction, self.select(of).filter(gone))?;
        let rows = self.select(of).map(|name| {
            let (seal, realm) = (keys.at("", name.as_str()), self.realm(name));
            let row = realm.map(|realm| row::realm::encode(realm, &seal));
            Ok((name.as_str(), finish(row, &seal)?))
        });
        put(self.transaction, REALMS, rows)
    }

    fn accounts(&self) -> Result<(), Fault> {
        let keys = self.keys.table(Table::Accounts)?;
        let rows = self.select(|touched| {
            if let Touched::Account(realm, name) = touched {
                Some((realm, name))
            } else {
                None
            }
        });
        let rows = rows.map(|(realm, name)| {
            let seal = keys.at(realm.as_str(), name.as_str());
            let account = self.realm(realm).and_then(|realm| realm.accounts.get(name));
            let row = account.map(|account| row::account::encode(account, &seal));
            Ok(((realm.as_str(), name.as_str()), finish(row, &seal)?))
        });
        put(self.transaction, ACCOUNTS, rows)
    }

    fn installations(&self) -> Result<(), Fault> {
        let keys = self.keys.table(Table::Installations)?;
        let rows = self.select(|touched| {
            if let Touched::Installation(realm, id) = touched {
                Some((realm, id))
            } else {
                None
            }
        });
        let rows = rows.map(|(realm, id)| {
            let object = id.to_string();
            let seal = keys.at(realm.as_str(), &object);
            let installation = self
                .realm(realm)
                .and_then(|realm| realm.installations.get(id));
            let row = installation.map(|of| row::installation::encode(of, &seal));
            Ok(((realm.as_str(), id.0), finish(row, &seal)?))
        });
        put(self.transaction, INSTALLATIONS, rows)
    }

    /// A policy that asks for nothing has no row.
    fn trust_policies(&self) -> Result<(), Fault> {
        let keys = self.keys.table(Table::TrustPolicies)?;
        let rows = self.select(|touched| {
            if let Touched::TrustPolicy(realm, environment) = touched {
                Some((realm, *environment))
            } else {
                None
            }
        });
        let rows = rows.map(|(realm, environment)| {
            let seal = keys.at(realm.as_str(), environment.as_str());
            let policy = self
                .realm(realm)
                .map(|realm| realm.trust_policies.get(environment))
                .filter(|policy| ***policy != TrustPolicy::default());
            let row = policy.map(|policy| row::trust_policy::encode(policy, &seal));
            Ok(((realm.as_str(), environment.as_str()), finish(row, &seal)?))
        });
        put(self.transaction, TRUST_POLICIES, rows)
    }

    fn crls(&self) -> Result<(), Fault> {
        let keys = self.keys.table(Table::Crls)?;
        let touched: Vec<(&RealmName, Environment, Fingerprint, String)> = self
            .select(|touched| {
                if let Touched::Crl(realm, environment, sha256) = touched {
                    Some((realm, *environment, *sha256, sha256.to_string()))
                } else {
                    None
                }
            })
            .collect();
        let rows = touched.iter().map(|(realm, environment, sha256, hex)| {
            let object = crl_object(environment.as_str(), hex);
            let seal = keys.at(realm.as_str(), &object);
            let list = self
                .realm(realm)
                .and_then(|realm| realm.crls.get(*environment).get(sha256));
            let row = list.map(|list| row::crl::encode(list, &seal));
            let key = (realm.as_str(), environment.as_str(), hex.as_str());
            Ok((key, finish(row, &seal)?))
        });
        put(self.transaction, CRLS, rows)
    }

    fn denials(&self) -> Result<(), Fault> {
        let keys = self.keys.table(Table::Denials)?;
        let touched: Vec<(&RealmName, Environment, Fingerprint, String)> = self
            .select(|touched| {
                if let Touched::Denial(realm, environment, id) = touched {
                    Some((realm, *environment, *id, id.to_string()))
                } else {
                    None
                }
            })
            .collect();
        let rows = touched.iter().map(|(realm, environment, id, hex)| {
            let object = denial_object(environment.as_str(), hex);
            let seal = keys.at(realm.as_str(), &object);
            let denial = self
                .realm(realm)
                .and_then(|realm| realm.denials.get(*environment).get(id));
            let row = denial.map(|denial| row::denial::encode(denial, &seal));
            let key = (realm.as_str(), environment.as_str(), hex.as_str());
            Ok((key, finish(row, &seal)?))
        });
        put(self.transaction, DENIALS, rows)
    }

    fn crl_sources(&self) -> Result<(), Fault> {
        let keys = self.keys.table(Table::CrlSources)?;
        let rows = self.select(|touched| {
            if let Touched::CrlSource(realm, environment, name) = touched {
                Some((realm, *environment, name))
            } else {
                None
            }
        });
        let rows = rows.map(|(realm, environment, name)| {
            let object = crl_source_object(environment.as_str(), name.as_str());
            let seal = keys.at(realm.as_str(), &object);
            let source = self
                .realm(realm)
                .and_then(|realm| realm.crl_sources.get(environment).get(name));
            let row = source.map(|source| row::crl_source::encode(source, &seal));
            let key = (realm.as_str(), environment.as_str(), name.as_str());
            Ok((key, finish(row, &seal)?))
        });
        put(self.transaction, CRL_SOURCES, rows)
    }

    fn pipelines(&self) -> Result<(), Fault> {
        let keys = self.keys.table(Table::Pipelines)?;
        let rows = self.select(|touched| {
            if let Touched::Pipeline(realm, key) = touched {
                Some((realm, key))
            } else {
                None
            }
        });
        let rows = rows.map(|(realm, key)| {
            let object = pipeline_object(key.name.as_str(), key.major);
            let seal = keys.at(realm.as_str(), &object);
            let pipeline = self.realm(realm).and_then(|realm| realm.pipelines.get(key));
            let row = pipeline.map(|pipeline| row::pipeline::encode(pipeline, &seal));
            Ok((
                (realm.as_str(), key.name.as_str(), key.major),
                finish(row, &seal)?,
            ))
        });
        put(self.transaction, PIPELINES, rows)
    }

    fn deployments(&self) -> Result<(), Fault> {
        let keys = self.keys.table(Table::Deployments)?;
        let rows = self.select(|touched| {
            if let Touched::Deployment(realm, key) = touched {
                Some((realm, key))
            } else {
                None
            }
        });
        let rows = rows.map(|(realm, key)| {
            let environment = key.environment.as_str();
            let (name, major) = (key.pipeline.name.as_str(), key.pipeline.major);
            let object = deployment_object(environment, name, major);
            let seal = keys.at(realm.as_str(), &object);
            let deployment = self
                .realm(realm)
                .and_then(|realm| realm.deployments.get(key));
            let row = deployment.map(|of| row::deployment::encode(of, &seal));
            Ok((
                (realm.as_str(), environment, name, major),
                finish(row, &seal)?,
            ))
        });
        put(self.transaction, DEPLOYMENTS, rows)
    }

    fn connections(&self) -> Result<(), Fault> {
        let keys = self.keys.table(Table::Connections)?;
        let rows = self.select(|touched| {
            if let Touched::Connection(realm, name) = touched {
                Some((realm, name))
            } else {
                None
            }
        });
        let rows = rows.map(|(realm, name)| {
            let seal = keys.at(realm.as_str(), name.as_str());
            let connection = self
                .realm(realm)
                .and_then(|realm| realm.connections.get(name));
            let row = connection.map(|of| row::connection::encode(of, &seal));
            Ok(((realm.as_str(), name.as_str()), finish(row, &seal)?))
        });
        put(self.transaction, CONNECTIONS, rows)
    }

    fn tokens(&self) -> Result<(), Fault> {
        let keys = self.keys.table(Table::Tokens)?;
        let rows = self.select(|touched| {
            if let Touched::Token(name) = touched {
                Some(name)
            } else {
                None
            }
        });
        let rows = rows.map(|name| {
            let seal = keys.at("", name.as_str());
            let row = self
                .next
                .tokens
                .get(name)
                .map(|token| row::token::encode(token, &seal));
            Ok((name.as_str(), finish(row, &seal)?))
        });
        put(self.transaction, TOKENS, rows)
    }

    fn identities(&self) -> Result<(), Fault> {
        let keys = self.keys.table(Table::Identities)?;
        if self.touched.contains(&Touched::ServerAuthority) {
            let seal = keys.at("", AUTHORITY);
            let authority = self.next.server_authority.as_deref();
            let row = authority.map(|of| row::identity::encode_authority(of, &seal));
            let row = finish(row, &seal)?;
            put(
                self.transaction,
                IDENTITIES,
                std::iter::once(Ok((AUTHORITY, row))),
            )?;
        }
        let slots = self.select(|touched| {
            if let Touched::ServerIdentity(slot) = touched {
                Some(slot)
            } else {
                None
            }
        });
        for slot in slots {
            let key = slot.to_string();
            let seal = keys.at("", &key);
            let row = match slot {
                IdentitySlot::Admin | IdentitySlot::Public(..) => {
                    let identity = self.next.server_identities.get(slot);
                    identity.map(|of| row::identity::encode(of, &seal))
                }
                IdentitySlot::Realm(realm, environment) => {
                    let realm = self.realm(realm);
                    let own =
                        realm.and_then(|realm| realm.server_identities.get(*environment).as_ref());
                    own.map(|of| row::identity::encode_own(of, &seal))
                }
            };
            let row = finish(row, &seal)?;
            put(
                self.transaction,
                IDENTITIES,
                std::iter::once(Ok((key.as_str(), row))),
            )?;
        }
        Ok(())
    }

    fn select<T>(&self, of: impl Fn(&'a Touched) -> Option<T>) -> impl Iterator<Item = T> {
        self.touched.iter().filter_map(move |touched| of(touched))
    }

    fn realm(&self, name: &RealmName) -> Option<&'a Realm> {
        self.next.realms.get(name).map(|realm| &**realm)
    }
}

/// Says which row an error belongs to.
pub(crate) fn finish(
    row: Option<Result<Vec<u8>, RowError>>,
    seal: &RowSeal<'_>,
) -> Result<Option<Vec<u8>>, Fault> {
    row.transpose().map_err(|source| {
        let (table, row) = (seal.table(), seal.to_string());
        Fault::Unencodable { table, row, source }
    })
}

/// Writes rows, and removes those that are none.
fn put<'k, K: Key + 'static>(
    transaction: &WriteTransaction,
    definition: TableDefinition<'_, K, &'static [u8]>,
    rows: impl Iterator<Item = Result<(K::SelfType<'k>, Option<Vec<u8>>), Fault>>,
) -> Result<(), Fault> {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return Ok(());
    }
    let mut table = transaction.open_table(definition)?;
    for row in rows {
        let (key, row) = row?;
        match row {
            Some(row) => drop(table.insert(&key, row.as_slice())?),
            None => drop(table.remove(&key)?),
        }
    }
    Ok(())
}

fn set_revision(transaction: &WriteTransaction, next: u64) -> Result<(), Fault> {
    let mut meta = transaction.open_table(META)?;
    let stored = stored_revision(&meta)?;
    if next <= stored {
        return Err(Fault::StaleRevision { stored, next });
    }
    meta.insert(META_REVISION, next.to_le_bytes().as_slice())?;
    Ok(())
}

/// The audit records of facts, numbered on from the last one.
fn records(
    transaction: &WriteTransaction,
    revision: u64,
    facts: &[AuditFact],
    actor: &Actor,
    now: Moment,
) -> Result<Vec<AuditRecord>, Fault> {
    let audit = transaction.open_table(AUDIT)?;
    let last = audit.last()?.map_or(0, |(sequence, _)| sequence.value());
    let numbered = (last.saturating_add(1)..).zip(facts);
    Ok(numbered
        .map(|(sequence, fact)| AuditRecord {
            sequence,
            revision,
            at: now,
            actor: actor.name.clone(),
            role: actor.role.as_str().to_owned(),
            address: actor.address,
            action: fact.action.to_owned(),
            realm: fact.realm.clone(),
            environment: fact.environment,
            object: fact.object.clone(),
            detail: fact
                .detail
                .iter()
                .map(|(key, value)| ((*key).to_owned(), value.clone()))
                .collect(),
        })
        .collect())
}

fn write_audit(
    transaction: &WriteTransaction,
    keys: &StoreKeys,
    records: &[AuditRecord],
) -> Result<(), Fault> {
    let keys = keys.table(Table::Audit)?;
    let mut audit = transaction.open_table(AUDIT)?;
    let mut by_realm = transaction.open_table(AUDIT_BY_REALM)?;
    for record in records {
        let object = record.sequence.to_string();
        let seal = keys.at("", &object);
        let row = finish(Some(row::audit::encode(record, &seal)), &seal)?;
        audit.insert(record.sequence, row.unwrap_or_default().as_slice())?;
        if let Some(realm) = &record.realm {
            by_realm.insert((realm.as_str(), record.sequence), ())?;
        }
    }
    Ok(())
}
