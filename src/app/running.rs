//! A server that runs.
use crate::domain::endpoint::NamePlan;
use crate::domain::environment::Gateway;
use std::net::SocketAddr;
use std::path::Path;
/// x
pub struct Running {
    names: NamePlan,
}
#[allow(missing_docs, unused)]
impl Running {
    pub fn reachable(&self, gateway: Gateway) -> Option<SocketAddr> {
        None
    }
    pub fn names(&self) -> &NamePlan {
        &self.names
    }
    pub fn admin_url(&self) -> String {
        String::new()
    }
    pub fn operator_token_file(&self) -> &Path {
        Path::new("")
    }
    pub fn admin_ca_file(&self) -> &Path {
        Path::new("")
    }
    pub fn server_ca_file(&self) -> &Path {
        Path::new("")
    }
    pub fn store_file(&self) -> &Path {
        Path::new("")
    }
    pub fn data_dir(&self) -> &Path {
        Path::new("")
    }
    pub fn master_key_told(&self) -> String {
        String::new()
    }
    pub fn is_first_start(&self) -> bool {
        false
    }
    pub fn gateways(&self) -> impl Iterator<Item = (Gateway, SocketAddr)> {
        [].into_iter()
    }
    pub fn shut_down(self) {}
}
