//! Asking one source.

use http::header::{ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::time::timeout;

use crate::domain::address::Scheme;
use crate::domain::crl_source::{CrlUrl, InvalidCrlUrl};
use crate::outbound::download::{Ask, DownloadError, Downloaded, Downloader};
use crate::outbound::error::OutboundError;
use crate::pki::crl::{self, Crl, InvalidCrl};
use crate::refresh::limits::RefreshLimits;

/// How many redirects are followed.
const REDIRECTS_MAX: usize = 3;
/// How many lists one document may hold.
const LISTS_PER_DOCUMENT_MAX: usize = 100;
/// The longest validator that is kept, in bytes.
const VALIDATOR_BYTES_MAX: usize = 1_024;

/// What a server said of the document that it gave, so that it can be asked whether there is another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validators {
    url: CrlUrl,
    etag: Option<HeaderValue>,
    last_modified: Option<HeaderValue>,
}

/// What a source answered.
#[derive(Clone, Debug)]
pub enum Fetched {
    /// Lists.
    Lists(Vec<Crl>, Option<Validators>),
    /// That nothing changed since.
    NotModified,
}

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// There was no answer, or too much of one.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// It took too long.
    #[error(
        "it was not there within {after_ms} ms: check the server, or raise crl_fetch_timeout_ms"
    )]
    Timeout {
        /// How long it may take, in milliseconds.
        after_ms: u128,
    },
    /// Another status than 200.
    #[error("{url} answered {status}: check the URL, and its server")]
    Status {
        /// What was asked.
        url: CrlUrl,
        /// The status.
        status: StatusCode,
    },
    /// 304, although no condition was set.
    #[error("{url} answered 304 without having been given a condition: have its server corrected")]
    UnexpectedNotModified {
        /// What was asked.
        url: CrlUrl,
    },
    /// A redirect that leads nowhere.
    #[error("{url} redirects to what cannot be called ({source}): correct the URL")]
    RedirectTarget {
        /// What was asked.
        url: CrlUrl,
        /// Why.
        source: InvalidCrlUrl,
    },
    /// A redirect without a target.
    #[error("{url} redirects without saying where: correct the URL")]
    RedirectNowhere {
        /// What was asked.
        url: CrlUrl,
    },
    /// A redirect that gives up TLS.
    #[error(
        "{url} redirects from https to {target}: approve that URL itself if it is to be trusted"
    )]
    Downgrade {
        /// What was asked.
        url: CrlUrl,
        /// Where it redirects to.
        target: CrlUrl,
    },
    /// Too many redirects.
    #[error("it redirects more than {REDIRECTS_MAX} times: approve the URL that it leads to")]
    TooManyRedirects,
    /// Something else than lists.
    #[error("{url} gave no revocation list: {source}")]
    NotALists {
        /// What was asked.
        url: CrlUrl,
        /// Why.
        source: InvalidCrl,
    },
}

impl FetchError {
    /// A stable kebab-case code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Download(DownloadError::Outbound(error)) => match error {
                OutboundError::Resolve { .. } | OutboundError::NoAddress { .. } => "unresolved",
                OutboundError::NotAllowed { .. } => "not-allowed",
                OutboundError::Connect { .. } | OutboundError::ConnectTimeout { .. } => {
                    "unreachable"
                }
                OutboundError::Tls { .. } => "tls",
                OutboundError::BodyBroke { .. } => "truncated",
                OutboundError::Overload { .. }
                | OutboundError::RequestBody { .. }
                | OutboundError::Broke { .. }
                | OutboundError::SwitchedProtocols { .. } => "broke",
            },
            Self::Download(DownloadError::Stalled { .. }) => "stalled",
            Self::Download(DownloadError::TooLarge { .. }) => "too-large",
            Self::Download(DownloadError::Encoded { .. }) => "encoded",
            Self::Download(DownloadError::Proxy { .. }) => "proxy",
            Self::Download(DownloadError::Name { .. }) => "unresolved",
            Self::Timeout { .. } => "timeout",
            Self::Status { .. } => "status",
            Self::UnexpectedNotModified { .. } => "unexpected-304",
            Self::RedirectTarget { .. }
            | Self::RedirectNowhere { .. }
            | Self::Downgrade { .. }
            | Self::TooManyRedirects => "redirect",
            Self::NotALists { .. } => "not-a-list",
        }
    }
}

/// Asks `url`; with the condition that something changed, where `known` says what is there.
///
/// # Errors
/// [`FetchError`].
pub async fn fetch(
    downloader: &Downloader,
    limits: &RefreshLimits,
    url: &CrlUrl,
    known: Option<&Validators>,
) -> Result<Fetched, FetchError> {
    let asking = Box::pin(follow(downloader, limits, url, known));
    let came = timeout(limits.fetch_timeout, asking).await;
    let (url, answer) = came.map_err(|_| FetchError::Timeout {
        after_ms: limits.fetch_timeout.as_millis(),
    })??;
    if answer.status == StatusCode::NOT_MODIFIED {
        return Ok(Fetched::NotModified);
    }
    let validators = validators(&url, &answer.headers);
    let read = move || (crl::read_crls(&answer.body, LISTS_PER_DOCUMENT_MAX), url);
    let Ok((lists, url)) = tokio::task::spawn_blocking(read).await else {
        // The runtime shuts down.
        return Ok(Fetched::NotModified);
    };
    let lists = lists.map_err(|source| FetchError::NotALists { url, source })?;
    Ok(Fetched::Lists(lists, validators))
}

async fn follow(
    downloader: &Downloader,
    limits: &RefreshLimits,
    url: &CrlUrl,
    known: Option<&Validators>,
) -> Result<(CrlUrl, Downloaded), FetchError> {
    let mut url = url.clone();
    for _ in 0..=REDIRECTS_MAX {
        let condition = known.filter(|known| known.url == url);
        let ask = Ask {
            url: &url,
            headers: condition.map(conditions).unwrap_or_default(),
            bytes_max: limits.bytes_max,
            stall: limits.stall,
        };
        let answer = downloader.get(&ask).await?;
        match answer.status.as_u16() {
            200 => return Ok((url, answer)),
            304 if condition.is_some() => return Ok((url, answer)),
            304 => return Err(FetchError::UnexpectedNotModified { url }),
            301 | 302 | 303 | 307 | 308 => url = target(&url, &answer.headers)?,
            _ => {
                let status = answer.status;
                return Err(FetchError::Status { url, status });
            }
        }
    }
    Err(FetchError::TooManyRedirects)
}

fn target(url: &CrlUrl, headers: &HeaderMap) -> Result<CrlUrl, FetchError> {
    let location = headers.get(LOCATION).and_then(|told| told.to_str().ok());
    let Some(location) = location else {
        return Err(FetchError::RedirectNowhere { url: url.clone() });
    };
    let target = url
        .follow(location)
        .map_err(|source| FetchError::RedirectTarget {
            url: url.clone(),
            source,
        })?;
    if url.scheme() == Scheme::Https && target.scheme() == Scheme::Http {
        return Err(FetchError::Downgrade {
            url: url.clone(),
            target,
        });
    }
    Ok(target)
}

fn conditions(known: &Validators) -> HeaderMap {
    let told = [
        (IF_NONE_MATCH, &known.etag),
        (IF_MODIFIED_SINCE, &known.last_modified),
    ];
    let there = told
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.clone()?)));
    there.collect()
}

fn validators(url: &CrlUrl, headers: &HeaderMap) -> Option<Validators> {
    let short = |name| {
        let value: Option<&HeaderValue> = headers.get(name);
        value
            .filter(|value| value.len() <= VALIDATOR_BYTES_MAX)
            .cloned()
    };
    let (etag, last_modified) = (short(ETAG), short(LAST_MODIFIED));
    (etag.is_some() || last_modified.is_some()).then(|| Validators {
        url: url.clone(),
        etag,
        last_modified,
    })
}
