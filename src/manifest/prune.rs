//! Pruning: what goes because a manifest does not name it. Only inside realms that it names.

use crate::domain::account::Account;
use crate::domain::command::Command;
use crate::domain::environment::Environment;
use crate::domain::name::{AccountName, RealmName};
use crate::manifest::document::{AccountBody, ValuesDocument};
use crate::manifest::invalid::InvalidManifest;
use crate::manifest::plan::{About, Planner, is_present};
use crate::manifest::step::{Noun, Verb};
use crate::manifest::wanted::Wanted;

/// What goes before anything is made, so that it stands in the way of nothing: deployments, then pipelines.
pub(crate) fn before(
    planner: &mut Planner<'_>,
    realm: &RealmName,
    wanted: &Wanted,
) -> Result<(), InvalidManifest> {
    let present = planner.present(realm);
    for key in present
        .deployments
        .keys()
        .filter(|key| !wanted.deployments.contains(*key))
    {
        let command = Command::Undeploy {
            realm: realm.clone(),
            key: key.clone(),
        };
        let (name, environment) = (key.pipeline.to_string(), Some(key.environment));
        remove(
            planner,
            About {
                realm,
                noun: Noun::Deployment,
                name,
                environment,
            },
            command,
        )?;
    }
    for key in present
        .pipelines
        .keys()
        .filter(|key| !wanted.pipelines.contains_key(*key))
    {
        // A pipeline that is to stay deployed is named, if only by its deployment.
        if wanted
            .deployments
            .iter()
            .any(|deployment| deployment.pipeline == *key)
        {
            continue;
        }
        let command = Command::DeletePipeline {
            realm: realm.clone(),
            key: key.clone(),
        };
        let about = About {
            realm,
            noun: Noun::Pipeline,
            name: key.to_string(),
            environment: None,
        };
        remove(planner, about, command)?;
    }
    Ok(())
}

/// What goes when nothing uses it any more (trust policies and revocation lists went before): connections, installations, then accounts.
pub(crate) fn after(
    planner: &mut Planner<'_>,
    realm: &RealmName,
    wanted: &Wanted,
) -> Result<(), InvalidManifest> {
    let present = planner.present(realm);
    for name in present
        .connections
        .keys()
        .filter(|name| !wanted.connections.contains_key(*name))
    {
        let command = Command::DeleteConnection {
            realm: realm.clone(),
            name: name.clone(),
        };
        let about = About {
            realm,
            noun: Noun::Connection,
            name: name.to_string(),
            environment: None,
        };
        remove(planner, about, command)?;
    }
    let mut gone: Vec<(Environment, AccountName)> = present
        .installations
        .values()
        .filter(|installation| is_present(&installation.state))
        .map(|installation| (installation.environment, installation.account.clone()))
        .filter(|key| !wanted.installations.contains_key(key))
        .collect();
    gone.sort_unstable();
    gone.dedup();
    for (environment, account) in gone {
        // What waits only because the account was changed just now is asked for by nobody who names the account.
        let name = account.to_string();
        let command = Command::RemoveInstallation {
            realm: realm.clone(),
            environment,
            account,
        };
        let about = About {
            realm,
            noun: Noun::Installation,
            name,
            environment: Some(environment),
        };
        remove(planner, about, command)?;
    }
    for name in present
        .accounts
        .keys()
        .filter(|name| !wanted.accounts.contains_key(*name))
    {
        if wanted
            .installations
            .keys()
            .any(|(_, account)| account == name)
        {
            continue;
        }
        let command = Command::DeleteAccount {
            realm: realm.clone(),
            name: name.clone(),
        };
        let about = About {
            realm,
            noun: Noun::Account,
            name: name.to_string(),
            environment: None,
        };
        remove(planner, about, command)?;
    }
    Ok(())
}

/// The values of an account that is named go where the manifest names none.
pub(crate) fn values(body: &mut AccountBody, present: Option<&Account>) {
    let Some(present) = present else { return };
    let clear = || {
        Some(ValuesDocument {
            clear: true,
            ..ValuesDocument::default()
        })
    };
    if body.test.is_none() && present.values.test.is_some() {
        body.test = clear();
    }
    if body.prod.is_none() && present.values.prod.is_some() {
        body.prod = clear();
    }
}

fn remove(
    planner: &mut Planner<'_>,
    about: About<'_>,
    command: Command,
) -> Result<(), InvalidManifest> {
    planner.step(about, Verb::Delete, vec![command], String::new())
}
