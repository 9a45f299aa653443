//! What documents say of each realm, put together.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::domain::deployment::DeploymentKey;
use crate::domain::environment::Environment;
use crate::domain::name::{AccountName, ConnectionName, RealmName};
use crate::domain::pipeline::PipelineKey;
use crate::manifest::document::{
    AccountBody, ConnectionBody, Document, InstallationStateWord, PipelineBody, RealmStateWord,
};
use crate::manifest::invalid::InvalidManifest;
use crate::manifest::step::Noun;

/// Everything that the documents say of one realm.
#[derive(Default)]
pub(crate) struct Wanted {
    pub(crate) state: Option<RealmStateWord>,
    pub(crate) accounts: BTreeMap<AccountName, AccountBody>,
    pub(crate) installations: BTreeMap<(Environment, AccountName), InstallationStateWord>,
    pub(crate) connections: BTreeMap<ConnectionName, ConnectionBody>,
    pub(crate) pipelines: BTreeMap<PipelineKey, PipelineBody>,
    pub(crate) deployments: BTreeSet<DeploymentKey>,
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
                account.into(),
            )?;
        }
        for installation in &document.installation {
            let key = (installation.environment.0, installation.account.0.clone());
            if wanted
                .installations
                .insert(key, installation.state)
                .is_some()
            {
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
        for connection in &document.connection {
            once(
                realm,
                Noun::Connection,
                &mut wanted.connections,
                connection.name.0.clone(),
                connection.into(),
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
                pipeline.into(),
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
