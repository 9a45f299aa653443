//! The command line.
//!
//! `realmgate <noun> <verb> [NAME] …` speaks to the admin API of a running server, with a token, like any other client:
//! a file for each noun has its flags and how its answers are shown. `serve`, `demo` and `config` run here. Nothing in
//! this room knows the store, the snapshot or the gateways, and nothing here decides what is allowed: the server does.

pub mod account;
pub mod apply;
pub mod args;
pub mod ask;
pub mod audit;
pub mod certificate;
pub mod client;
pub mod config;
pub mod connection;
pub mod crl;
pub mod crl_source;
pub mod demo;
pub mod deny;
pub mod deployment;
pub mod endpoint;
pub mod error;
pub mod files;
pub mod flag;
pub mod impact;
pub mod installation;
pub mod key_proof;
pub mod moving;
pub mod pipeline;
pub mod prove;
pub mod reach;
pub mod realm;
pub mod refusals;
pub mod run;
pub mod serve;
pub mod server_identity;
pub mod session;
pub mod show;
pub mod status;
pub mod table;
pub mod test_certificate;
pub mod token;
pub mod trust;
