//! Commands that put accounts to work, and take them out of it.

use realmgate::domain::command::Command;
use realmgate::domain::environment::Environment;
use realmgate::domain::name::AccountName;

use crate::trust_changes::house::{House, realm};

fn name(account: &str) -> AccountName {
    AccountName::parse(&format!("dgb-mtls-{account}")).unwrap()
}

/// Removes what is installed of an account.
pub(crate) fn remove(of: &str, account: &str) -> [Command; 1] {
    [Command::RemoveInstallation {
        realm: realm(of),
        environment: Environment::Prod,
        account: name(account),
    }]
}

/// Installs an account as it is saved.
pub(crate) fn install(house: &House, of: &str, account: &str) -> [Command; 2] {
    let (realm, account) = (realm(of), name(account));
    let environment = Environment::Prod;
    let revision = house.control.catalog().realms[&realm]
        .accounts
        .get(&account)
        .unwrap()
        .revision;
    [
        Command::RequestInstallation {
            realm: realm.clone(),
            environment,
            account: account.clone(),
        },
        Command::Install {
            realm,
            environment,
            account,
            revision,
        },
    ]
}
