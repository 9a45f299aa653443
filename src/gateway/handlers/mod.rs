//! What answers calls. A handler gets a permit, which only [`crate::gateway::policy`] gives.

pub mod echo;
pub mod mock;
pub mod upstream;
