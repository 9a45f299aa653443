//! realmgate: publishes and consumes HTTP APIs over mutual TLS, for many tenants, on one host.

pub mod clock;
pub mod pki;
pub mod trust;
