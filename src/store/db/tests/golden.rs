//! Files of each version ever written, which have to stay readable: `tests/golden/store`.
//!
//! A new version of a row adds files and never replaces one. To make those that are missing, run this test with
//! `REALMGATE_GOLDEN=write`.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use super::history::everything;
use crate::clock::Moment;
use crate::domain::audit::AuditRecord;
use crate::domain::catalog::Catalog;
use crate::domain::environment::{Environment, Gateway};
use crate::domain::realm::Realm;
use crate::domain::refusal::{RefusalRecord, ShownCertificate};
use crate::store::row;
use crate::store::row::codec::RowError;
use crate::store::row::installation::Certificates;
use crate::store::seal::{RowSeal, StoreKeys, TableKeys};
use crate::store::tables::{AUTHORITY, Table, deployment_object, pipeline_object};
use crate::store::workshop::{master_key, realm};

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/golden/store", name]
        .iter()
        .collect()
}

/// A golden file; made where it is missing and was asked for.
fn golden(name: &str, make: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    let path = path(name);
    if !path.exists() && std::env::var("REALMGATE_GOLDEN").is_ok_and(|how| how == "write") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, make()).unwrap();
    }
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
