//! `/api/v1`: JSON in, commands and read models out.
//!
//! One file per noun, each as thin as can be: texts become typed names, names become a command or a question, and
//! `control` decides everything. What the answers have in common is in [`answer`], what can go wrong and which status
//! that is in [`error`], what surrounds every call (its number, its headers, its token) in [`envelope`] and [`caller`].
//! The room knows neither the store nor the snapshot, and no TLS: `admin` serves the [`router`].

pub mod account;
pub mod answer;
pub mod apply;
pub mod audit;
pub mod body;
pub mod caller;
pub mod client;
pub mod connection;
pub mod crl;
pub mod crl_source;
pub mod denial;
pub mod deployment;
pub mod endpoint;
pub mod envelope;
pub mod error;
pub mod installation;
pub mod intake;
pub mod limits;
pub mod path;
pub mod pipeline;
pub mod prove;
pub mod query;
pub mod realm;
pub mod refusal;
pub mod router;
pub mod server_identity;
pub mod status;
pub mod test_certificate;
pub mod token;
pub mod trust;
