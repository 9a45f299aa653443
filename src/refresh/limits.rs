//! The bounds of keeping revocation lists fresh.

use std::path::PathBuf;
use std::time::Duration;

use crate::domain::address::BaseUrl;

/// How lists are kept fresh, and within which bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshLimits {
    /// How long after a good attempt a source is asked again, at the latest.
    pub every: Duration,
    /// How long one attempt may take, redirects included.
    pub fetch_timeout: Duration,
    /// How long nothing may come during one.
    pub stall: Duration,
    /// How large a document may be, in bytes.
    pub bytes_max: usize,
    /// The proxy that everything is fetched through, where there is one.
    pub proxy: Option<BaseUrl>,
    /// The folder that lists are dropped into, where there is one.
    pub folder: Option<PathBuf>,
    /// How often it is looked at.
    pub folder_poll: Duration,
    /// How long before its end people are warned of a list in use.
    pub warn_before: Duration,
}
