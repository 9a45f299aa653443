//! What documents say of each realm, put together.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Moment;
use crate::domain::deployment::DeploymentKey;
use crate::domain::environment::Environment;
use crate::domain::name::{AccountName, ConnectionName, RealmName};
use crate::domain::pipeline::PipelineKey;
use crate::manifest::document::{
    AccountBody, ConnectionBody, Document, InstallationDocument, InstallationStateWord,
    PipelineBody, RealmStateWord, RealmTrustDocument, ValuesDocument,
};
use crate::manifest::given::GivenSecret;
use crate::manifest::invalid::InvalidManifest;
use crate::manifest::step::Noun;

/// Everything that the documents say of one realm. What is large is boxed: a map's first node has room for eleven.
#[derive(Default)]
pub(crate) struct Wanted {
    pub(crate) state: Option<RealmStateWord>,
    pub(crate) accounts: BTreeMap<AccountName, Box<AccountBody>>,
    pub(crate) installations: BTreeMap<(Environment, AccountName), WantedInstallation>,
    pub(crate) trust: BTreeMap<Environment, Box<RealmTrustDocument>>,
    pub(crate) connections: BTreeMap<ConnectionName, Box<ConnectionBody>>,
    pub(crate) pipelines: BTreeMap<PipelineKey, Box<PipelineBody>>,
    pub(crate) deployments: BTreeSet<DeploymentKey>,
}

/// What the documents say of one installation.
#[derive(Clone, Copy)]
pub(crate) struct WantedInstallation {
    pub(crate) state: InstallationStateWord,
    /// The account's revision that was reviewed, where it is told.
    pub(crate) revision: Option<u64>,
    /// Until when it is to stay, where it retires and that is told.
    pub(crate) until: Option<Moment>,
}

impl Wanted {
    /// Whether the documents hold the certificates of that account themselves, so that whoever applies them has the
    /// certificates in hand.
    pub(crate) fn gives_chain(&self, environment: Environment, account: &AccountName) -> bool {
        let Some(body) = self.accounts.get(account) else {
            return false;
        };
        let values: Option<&ValuesDocument> = match environment {
            Environment::Test => body.test.as_ref(),
            Environment::Prod => body.prod.as_ref(),
        };
        let is_new = |given: &Option<GivenSecret>| matches!(given, Some(GivenSecret::New(_)));
        values.is_some_and(|values| is_new(&values.chain) || is_new(&values.chain_base64))
    }
}

/// What the documents say, realm by realm.
pub(crate) fn gather(
    documents: &[Document],
) -> Result<BTreeMap<RealmName, Wanted>, InvalidManifest> {
    let mut realms: BTreeMap<RealmName, Wanted> = BTreeMap::new();
    for document in documents.iter().flat_map(|document| &document.realm) {
        let realm = &document.name.0;
        let wanted = realms.entry(realm.clone()).or_default();
        match (wanted.state, document.state) {
            (Some(before), Some(now)) if before != now => {
                return Err(InvalidManifest::StateTwice {
                    realm: realm.clone(),
                });
            }
            (before, now) => wanted.state = now.or(before),
        }
        for account in &document.account {
            once(
                realm,
                Noun::Account,
                &mut wanted.accounts,
                account.name.0.clone(),
                Box::new(account.into()),
            )?;
        }
        for installation in &document.installation {
            let key = (installation.environment.0, installation.account.0.clone());
            let told = WantedInstallation {
                state: installation.state,
                revision: installation.revision,
                until: retiring_until(realm, installation)?,
            };
            if wanted.installations.insert(key, told).is_some() {
                let name = format!(
                    "{} in {}",
                    installation.account.0, installation.environment.0
                );
                return Err(InvalidManifest::Twice {
                    realm: realm.clone(),
                    noun: Noun::Installation,
                    name,
                });
            }
        }
        for trust in &document.trust {
            once(
                realm,
                Noun::Trust,
                &mut wanted.trust,
                trust.environment.0,
                Box::new(trust.clone()),
            )?;
        }
        for connection in &document.connection {
            once(
                realm,
                Noun::Connection,
                &mut wanted.connections,
                connection.name.0.clone(),
                Box::new(connection.into()),
            )?;
        }
        for pipeline in &document.pipeline {
            let key = PipelineKey {
                name: pipeline.name.0.clone(),
                major: pipeline.major,
            };
            once(
                realm,
                Noun::Pipeline,
                &mut wanted.pipelines,
                key,
                Box::new(pipeline.into()),
            )?;
        }
        for deployment in &document.deployment {
            let pipeline = PipelineKey {
                name: deployment.pipeline.0.clone(),
                major: deployment.major,
            };
            for environment in &deployment.environments {
                let key = DeploymentKey {
                    environment: environment.0,
                    pipeline: pipeline.clone(),
                };
                if !wanted.deployments.insert(key) {
                    let name = format!("{pipeline} in {}", environment.0);
                    return Err(InvalidManifest::Twice {
                        realm: realm.clone(),
                        noun: Noun::Deployment,
                        name,
                    });
                }
            }
        }
    }
    Ok(realms)
}

/// Only what retires has a time to go.
fn retiring_until(
    realm: &RealmName,
    told: &InstallationDocument,
) -> Result<Option<Moment>, InvalidManifest> {
    match (&told.until, told.state) {
        (Some(_), InstallationStateWord::Installed | InstallationStateWord::Requested) => {
            Err(InvalidManifest::UntilWithoutRetiring {
                realm: realm.clone(),
                account: told.account.0.clone(),
                environment: told.environment.0,
            })
        }
        (until, _) => Ok(until.as_ref().map(|until| until.0)),
    }
}

fn once<K: Ord + std::fmt::Display, V>(
    realm: &RealmName,
    noun: Noun,
    map: &mut BTreeMap<K, V>,
    key: K,
    value: V,
) -> Result<(), InvalidManifest> {
    match map.entry(key) {
        Entry::Vacant(place) => {
            place.insert(value);
            Ok(())
        }
        Entry::Occupied(place) => Err(InvalidManifest::Twice {
            realm: realm.clone(),
            noun,
            name: place.key().to_string(),
        }),
    }
}
