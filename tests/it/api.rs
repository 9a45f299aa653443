//! The admin API, called in the process itself: a router over `control` with a real store.

mod bodies;
mod envelope;
pub(crate) mod pki;
mod rejections;
mod roles;
mod routes;
pub(crate) mod server;
mod story;
