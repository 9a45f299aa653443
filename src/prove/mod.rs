//! `realmgate prove`: the gateway attacks itself, from outside.
//!
//! A run connects to the sockets that are really listened on, over loopback, as strangers of many kinds and as clients
//! that are trusted, and tells of every try what came back and whether the gateway held. Strangers are sent to the real
//! realms. What needs a trusted client happens in a reserved realm, which `control` makes and removes ([`stage`]).
//!
//! A try counts as held only where a good client got in by the same door ([`stage::Stage::door`]): a gateway that
//! refuses everybody has shown nothing, and its tries are told as not tried. The room knows neither the gateways nor the
//! snapshot: it sees what a client sees. Each class has a file of its own; [`run`] puts them in order.

pub mod authority;
pub mod board;
pub mod change;
pub mod client_rule;
pub mod confusion;
pub mod deny_list;
pub mod entrance;
pub mod explain;
pub mod headers;
pub mod hostile;
pub mod names;
pub mod paths;
pub mod possession;
pub mod renegotiation;
pub mod resumption;
pub mod revocation;
pub mod run;
pub mod second_door;
pub mod split_hello;
pub mod stage;
pub mod strangers;
pub mod throwaway;
pub mod tls;
pub mod wire;
