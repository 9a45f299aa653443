//! Calls that are passed on, to services that the tests start.
