//! Why the admin API was not reached, or what it said against a request, in sentences that say what to do.

use std::io;
use std::path::PathBuf;

use serde_json::Value;

/// A request to the admin API that came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address of the admin API cannot be.
    #[error(
        "'{url}' is no address of an admin API: write it like https://127.0.0.1:7443 (--admin-url or REALMGATE_ADMIN_URL)"
    )]
    AdminUrl {
        /// What was written.
        url: String,
    },
    /// No token was given, and none found.
    #[error(
        "who are you? Set REALMGATE_TOKEN_FILE (or --token-file) to the file that holds your access token; on the server's own machine, --data-dir DIR finds the operator's"
    )]
    NoToken,
    /// The file of the token cannot be read.
    #[error("cannot read the access token {}: {source}; say which file holds yours with REALMGATE_TOKEN_FILE or --token-file", path.display())]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file of the token holds something else.
    #[error("{} holds no access token (rgt_…): say which file does with REALMGATE_TOKEN_FILE or --token-file", path.display())]
    NotAToken {
        /// The file.
        path: PathBuf,
    },
    /// The file of the admin CA cannot be read.
    #[error("cannot read the admin CA {}: {source}; it is the file admin-ca.pem of the server's data directory (REALMGATE_ADMIN_CA or --admin-ca)", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file of the admin CA holds something else.
    #[error("{} holds no certificate that could be an admin CA: give the file admin-ca.pem of the server's data directory (REALMGATE_ADMIN_CA or --admin-ca)", path.display())]
    NotACa {
        /// The file.
        path: PathBuf,
    },
    /// TLS cannot be set up on this machine.
    #[error("cannot set up TLS: {source}")]
    TlsSetUp {
        /// Why.
        source: rustls::Error,
    },
    /// The name of the server leads nowhere.
    #[error(
        "the name '{host}' leads nowhere ({source}): say where the server is with --admin-url or REALMGATE_ADMIN_URL"
    )]
    NoSuchHost {
        /// The name.
        host: String,
        /// Why.
        source: io::Error,
    },
    /// Nothing listens there.
    #[error(
        "nothing answers at {url} ({source}): start the server (realmgate serve), or say where it is with --admin-url or REALMGATE_ADMIN_URL"
    )]
    Unreachable {
        /// Where.
        url: String,
        /// Why.
        source: io::Error,
    },
    /// It took too long.
    #[error(
        "{url} did not answer within {seconds} seconds: look at the server's log, or try again"
    )]
    TooSlow {
        /// Where.
        url: String,
        /// How long was waited, in seconds.
        seconds: u64,
    },
    /// The server's address cannot be read from its data directory.
    #[error("cannot read {}: {source}; is that the data directory of a server that has been started? Otherwise say where the server is with --admin-url or REALMGATE_ADMIN_URL", path.display())]
    UrlFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The server's certificate is another name's.
    #[error(
        "the server at {url} shows a certificate that does not name '{host}': say where the server is by a name that is in it, with --admin-url or REALMGATE_ADMIN_URL; 'realmgate server-identity reset admin', sent there, goes back to one that names this machine"
    )]
    OtherName {
        /// Where.
        url: String,
        /// The host in it.
        host: String,
    },
    /// The server's certificate is not trusted.
    #[error(
        "the server at {url} shows a certificate that {trusted} does not vouch for ({problem}): set REALMGATE_ADMIN_CA (or --admin-ca) to admin-ca.pem of that server's data directory as it is after a start, or to the CA of the certificate that was put in place there"
    )]
    Untrusted {
        /// Where.
        url: String,
        /// What was trusted: a file, or the system's CAs.
        trusted: String,
        /// Why.
        problem: rustls::CertificateError,
    },
    /// The TLS handshake failed otherwise.
    #[error(
        "no TLS connection to {url} ({source}): is that the admin listener (admin_listen) of a realmgate server?"
    )]
    Handshake {
        /// Where.
        url: String,
        /// Why.
        source: io::Error,
    },
    /// HTTP broke.
    #[error("the connection to {url} broke ({source}): look at the server's log, or try again")]
    Broke {
        /// Where.
        url: String,
        /// Why.
        source: hyper::Error,
    },
    /// A request that cannot be made of what was written.
    #[error("this cannot be asked of the server: {source}")]
    Request {
        /// Why.
        source: http::Error,
    },
    /// What answered is no admin API.
    #[error(
        "what answers at {url} (status {status}) is no realmgate admin API: say where that is with --admin-url or REALMGATE_ADMIN_URL"
    )]
    NotOurs {
        /// Where.
        url: String,
        /// The status of its answer.
        status: u16,
    },
    /// The server does not know the token.
    #[error("the server does not accept the access token in {}: it has ended, was revoked, or is another server's; say which file holds yours with REALMGATE_TOKEN_FILE or --token-file (an operator's that is lost: realmgate token recover)", path.display())]
    Unauthorized {
        /// The file of the token.
        path: PathBuf,
    },
    /// The server said no, and why.
    #[error("{message}")]
    Api {
        /// The HTTP status.
        status: u16,
        /// The stable code.
        code: String,
        /// The sentence.
        message: String,
        /// Whom a refused change would have cut; null of any other refusal.
        cut: Box<Value>,
    },
}
