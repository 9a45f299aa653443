//! `control` over a real store: what a change leaves behind, what a refused one does not, and what goes on by itself.

pub(crate) mod bench;
mod changes;
mod identities;
mod lists;
mod manifests;
mod people;
mod proving;
mod refusals;
mod sheets;
