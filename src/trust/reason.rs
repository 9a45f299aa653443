//! Why a handshake or a call was refused: stable codes, the same in every place where people meet them.

/// One reason. The codes never change their meaning; new ones may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The client showed no certificate.
    NoCertificate,
    /// No trust anchor issued the chain.
    UnknownIssuer,
    /// An intermediate certificate is missing.
    IncompleteChain,
    /// A certificate of the path is past its validity.
    Expired,
    /// A certificate of the path is not valid yet.
    NotYetValid,
    /// A certificate of the path was revoked.
    Revoked,
    /// It is not known whether a certificate was revoked.
    RevocationUnknown,
    /// The revocation list is past its next update.
    CrlOutOfDate,
    /// A key is used for what its certificate does not allow.
    WrongUsage,
    /// A certificate that is no CA's issued another one.
    NotACa,
    /// More CAs follow each other than one of them, or the gateway, allows.
    PathTooLong,
    /// A name lies outside of what an issuer may name.
    NameConstraint,
    /// A critical extension is not understood.
    UnknownCriticalExtension,
    /// A key is too short, too long or of a kind that is not accepted.
    WeakKey,
    /// A signature algorithm is not accepted.
    WeakSignature,
    /// A signature does not belong to the key of the issuer.
    BadSignature,
    /// A certificate cannot be decoded.
    MalformedCertificate,
    /// The chain has too many bytes or certificates.
    CertificateTooLarge,
    /// The certificate is none of those that are pinned.
    NotPinned,
    /// The certificate is on the deny list.
    Denied,
    /// The trust anchor was removed after the connection began.
    AnchorRemoved,
    /// The client did not accept the gateway's certificate.
    ClientRejectedUs,
    /// Client and gateway share no version, cipher, group or signature.
    NoCommonParameters,
    /// Plain HTTP was sent to a TLS port.
    PlainHttp,
    /// The server name is not served here.
    UnknownName,
    /// The client sent no server name.
    NoName,
    /// The address may not use this gateway.
    NetworkRule,
    /// The handshake took too long.
    HandshakeTimeout,
    /// The client did not keep to the protocol.
    ProtocolError,
    /// The realm is closed.
    RealmClosed,
    /// A limit of the gateway was reached.
    Limit,
    /// The request names another host than the handshake.
    Misdirected,
    /// There is nothing at this address.
    NotFound,
    /// The method is not one of the pipeline's.
    MethodNotAllowed,
    /// The request can be read in two ways.
    AmbiguousRequest,
    /// The body is larger than the pipeline allows.
    BodyTooLarge,
    /// The content type is not one of the pipeline's.
    UnsupportedMediaType,
    /// No credential was sent.
    CredentialMissing,
    /// The credential is not valid.
    CredentialWrong,
    /// The client rule does not let this client in.
    ClientRule,
    /// The client is trusted by another realm only.
    OtherRealm,
    /// Too many calls.
    RateLimit,
    /// The answer took too long.
    Timeout,
    /// The upstream could not be reached.
    UpstreamConnect,
    /// The TLS handshake with the upstream failed.
    UpstreamTls,
    /// The upstream broke off.
    UpstreamBroke,
    /// The gateway has more work than it can do.
    Overload,
    /// The gateway is stopping.
    ShuttingDown,
}

impl Reason {
    /// All reasons: those of a handshake, then those of a call.
    pub const ALL: [Self; 48] = [
        Self::NoCertificate,
        Self::UnknownIssuer,
        Self::IncompleteChain,
        Self::Expired,
        Self::NotYetValid,
        Self::Revoked,
        Self::RevocationUnknown,
        Self::CrlOutOfDate,
        Self::WrongUsage,
        Self::NotACa,
        Self::PathTooLong,
        Self::NameConstraint,
        Self::UnknownCriticalExtension,
        Self::WeakKey,
        Self::WeakSignature,
        Self::BadSignature,
        Self::MalformedCertificate,
        Self::CertificateTooLarge,
        Self::NotPinned,
        Self::Denied,
        Self::AnchorRemoved,
        Self::ClientRejectedUs,
        Self::NoCommonParameters,
        Self::PlainHttp,
        Self::UnknownName,
        Self::NoName,
        Self::NetworkRule,
        Self::HandshakeTimeout,
        Self::ProtocolError,
        Self::RealmClosed,
        Self::Limit,
        Self::Misdirected,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::AmbiguousRequest,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::CredentialMissing,
        Self::CredentialWrong,
        Self::ClientRule,
        Self::OtherRealm,
        Self::RateLimit,
        Self::Timeout,
        Self::UpstreamConnect,
        Self::UpstreamTls,
        Self::UpstreamBroke,
        Self::Overload,
        Self::ShuttingDown,
    ];

    /// The code, in kebab-case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoCertificate => "no-certificate",
            Self::UnknownIssuer => "unknown-issuer",
            Self::IncompleteChain => "incomplete-chain",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::Revoked => "revoked",
            Self::RevocationUnknown => "revocation-unknown",
            Self::CrlOutOfDate => "crl-out-of-date",
            Self::WrongUsage => "wrong-usage",
            Self::NotACa => "not-a-ca",
            Self::PathTooLong => "path-too-long",
            Self::NameConstraint => "name-constraint",
            Self::UnknownCriticalExtension => "unknown-critical-extension",
            Self::WeakKey => "weak-key",
            Self::WeakSignature => "weak-signature",
            Self::BadSignature => "bad-signature",
            Self::MalformedCertificate => "malformed-certificate",
            Self::CertificateTooLarge => "certificate-too-large",
            Self::NotPinned => "not-pinned",
            Self::Denied => "denied",
            Self::AnchorRemoved => "anchor-removed",
            Self::ClientRejectedUs => "client-rejected-us",
            Self::NoCommonParameters => "no-common-parameters",
            Self::PlainHttp => "plain-http",
            Self::UnknownName => "unknown-name",
            Self::NoName => "no-name",
            Self::NetworkRule => "network-rule",
            Self::HandshakeTimeout => "handshake-timeout",
            Self::ProtocolError => "protocol-error",
            Self::RealmClosed => "realm-closed",
            Self::Limit => "limit",
            Self::Misdirected => "misdirected",
            Self::NotFound => "not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::AmbiguousRequest => "ambiguous-request",
            Self::BodyTooLarge => "body-too-large",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::CredentialMissing => "credential-missing",
            Self::CredentialWrong => "credential-wrong",
            Self::ClientRule => "client-rule",
            Self::OtherRealm => "other-realm",
            Self::RateLimit => "rate-limit",
            Self::Timeout => "timeout",
            Self::UpstreamConnect => "upstream-connect",
            Self::UpstreamTls => "upstream-tls",
            Self::UpstreamBroke => "upstream-broke",
            Self::Overload => "overload",
            Self::ShuttingDown => "shutting-down",
        }
    }

    /// The reason with this code; `None` where there is none.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == code)
    }

    /// Whether it ends a handshake; the others end a call.
    pub const fn is_handshake(self) -> bool {
        match self {
            Self::NoCertificate
            | Self::UnknownIssuer
            | Self::IncompleteChain
            | Self::Expired
            | Self::NotYetValid
            | Self::Revoked
            | Self::RevocationUnknown
            | Self::CrlOutOfDate
            | Self::WrongUsage
            | Self::NotACa
            | Self::PathTooLong
            | Self::NameConstraint
            | Self::UnknownCriticalExtension
            | Self::WeakKey
            | Self::WeakSignature
            | Self::BadSignature
            | Self::MalformedCertificate
            | Self::CertificateTooLarge
            | Self::NotPinned
            | Self::Denied
            | Self::AnchorRemoved
            | Self::ClientRejectedUs
            | Self::NoCommonParameters
            | Self::PlainHttp
            | Self::UnknownName
            | Self::NoName
            | Self::NetworkRule
            | Self::HandshakeTimeout
            | Self::ProtocolError
            | Self::RealmClosed
            | Self::Limit => true,
            Self::Misdirected
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::AmbiguousRequest
            | Self::BodyTooLarge
            | Self::UnsupportedMediaType
            | Self::CredentialMissing
            | Self::CredentialWrong
            | Self::ClientRule
            | Self::OtherRealm
            | Self::RateLimit
            | Self::Timeout
            | Self::UpstreamConnect
            | Self::UpstreamTls
            | Self::UpstreamBroke
            | Self::Overload
            | Self::ShuttingDown => false,
        }
    }

    /// What happened and what the caller should do, in one sentence that gives nothing away.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::NoCertificate => {
                "You sent no client certificate: configure your client with its certificate and key."
            }
            Self::UnknownIssuer => {
                "Your certificate was not issued by a CA that is trusted here: use a certificate of the CA that was \
                 installed for this API, or have your CA installed."
            }
            Self::IncompleteChain => {
                "An intermediate certificate is missing between yours and the trusted CA, or your CA is not \
                 installed (any more): send your certificate followed by all intermediates, and let the realm's \
                 people look whether they have your CA."
            }
            Self::Expired => {
                "A certificate of your chain, or the trusted CA itself, has expired: have it renewed and install the \
                 new one."
            }
            Self::NotYetValid => {
                "A certificate of your chain, or the trusted CA itself, is not valid yet: wait until it is, or check \
                 the clock of the machine that issued it."
            }
            Self::Revoked => {
                "Your certificate, or one of its issuers, was revoked: have a new one issued."
            }
            Self::RevocationUnknown => {
                "It could not be determined whether your certificate was revoked: ask your CA to publish its \
                 revocation list where the gateway can get it."
            }
            Self::CrlOutOfDate => {
                "The revocation list of your CA is out of date: ask your CA to publish a new one, then try again."
            }
            Self::WrongUsage => {
                "Your certificate, or one of its issuers, may not be used this way: have a client certificate issued \
                 with key usage digitalSignature and extended key usage clientAuth."
            }
            Self::NotACa => {
                "A certificate of your chain was issued by one that is no CA's: use a certificate that your CA issued \
                 itself."
            }
            Self::PathTooLong => {
                "There are more intermediate CAs in your chain than one of its CAs, or this gateway, allows: use a \
                 certificate from a CA nearer to the root."
            }
            Self::NameConstraint => {
                "A name in your certificate lies outside of the names that its CA may certify: have it issued with \
                 names that the CA is allowed to use."
            }
            Self::UnknownCriticalExtension => {
                "A certificate of your chain has a critical extension that is not understood here: have it issued \
                 without that extension, or with it marked as not critical."
            }
            Self::WeakKey => {
                "A key in your chain is too short, too long or of a kind that is not accepted: use RSA with at least \
                 2048 bits (3072 where the realm's signatures are strict), an elliptic curve P-256, P-384 or P-521, or \
                 Ed25519."
            }
            Self::WeakSignature => {
                "A certificate of your chain is signed with an algorithm that is not accepted, such as SHA-1, or RSA \
                 PKCS#1 v1.5 where the realm's signatures are strict: have it issued with ECDSA, Ed25519 or RSA-PSS, and \
                 with SHA-256 or better."
            }
            Self::BadSignature => {
                "A signature in your chain, or your proof that you hold the key, is wrong: check that certificate, \
                 intermediates and key belong together and are undamaged."
            }
            Self::MalformedCertificate => {
                "A certificate that you sent cannot be decoded: export it again or have it issued again."
            }
            Self::CertificateTooLarge => {
                "Your chain has too many certificates or bytes: send only your certificate and the intermediates that \
                 it needs."
            }
            Self::NotPinned => {
                "Your certificate is trusted but is not one of those registered for this API: have it registered, or \
                 use the registered one."
            }
            Self::Denied => {
                "Your certificate was barred from this API: contact the people who run it."
            }
            Self::AnchorRemoved => {
                "The CA of your certificate is no longer trusted here: use a certificate of a CA that is installed for \
                 this API."
            }
            Self::ClientRejectedUs => {
                "Your client does not trust the gateway's certificate or its name: give your client the gateway's CA \
                 certificate and call it by the host name of the endpoint sheet."
            }
            Self::NoCommonParameters => {
                "Your client and the gateway share no TLS version, cipher, group or signature algorithm: update your \
                 client so that it offers TLS 1.2 or 1.3 with modern algorithms."
            }
            Self::PlainHttp => {
                "You sent plain HTTP to a port that speaks TLS: use https:// in the URL."
            }
            Self::UnknownName => {
                "No API is served under the host name that you called: check it against the endpoint sheet, and that \
                 the installation is done."
            }
            Self::NoName => {
                "Your client sent no server name (SNI), or an IP address: call the host name of the endpoint sheet."
            }
            Self::NetworkRule => {
                "This gateway may not be used from your network: call it from the internet, not from the VPN, or use \
                 the internal gateway."
            }
            Self::HandshakeTimeout => {
                "The TLS handshake was not finished in time: check the network between you and the gateway, and try \
                 again."
            }
            Self::ProtocolError => {
                "Your client did not keep to the TLS protocol: update it, or look for a device in between that alters \
                 the connection."
            }
            Self::RealmClosed => "This API is closed at present: contact the people who run it.",
            Self::Limit => {
                "The gateway accepts no more connections like yours at present: try again later."
            }
            Self::Misdirected => {
                "The request names another host than the connection was made for: open a connection of its own for \
                 each host name."
            }
            Self::NotFound => {
                "There is nothing at this address: check the URL against the endpoint sheet."
            }
            Self::MethodNotAllowed => {
                "This method is not allowed here: use one of those in the Allow header."
            }
            Self::AmbiguousRequest => {
                "The request can be understood in more than one way and was refused: send one Host header and a plain \
                 path without encoded separators."
            }
            Self::BodyTooLarge => {
                "The request body is larger than this API accepts: send less at a time."
            }
            Self::UnsupportedMediaType => {
                "The content type of the request is not accepted here: send one of those that the API documents."
            }
            Self::CredentialMissing => {
                "This API asks for a credential and none was sent: send the one you were given."
            }
            Self::CredentialWrong => {
                "The credential is not valid here: check it, or ask for a new one."
            }
            Self::ClientRule => {
                "Your certificate is trusted but the rules of this API do not let it in: ask the people who run the \
                 API to admit it."
            }
            Self::OtherRealm => {
                "There is nothing at this address for your certificate: check that the URL and the certificate belong \
                 to the same tenant."
            }
            Self::RateLimit => {
                "You have made too many calls: wait as long as the Retry-After header says."
            }
            Self::Timeout => {
                "The API did not answer in time: try again later, or ask for less at a time."
            }
            Self::UpstreamConnect => {
                "The service behind this API could not be reached: try again later."
            }
            Self::UpstreamTls => {
                "No secure connection could be made to the service behind this API: tell the people who run it."
            }
            Self::UpstreamBroke => {
                "The service behind this API broke off its answer: try again later."
            }
            Self::Overload => {
                "The gateway has more work than it can do at present: try again later."
            }
            Self::ShuttingDown => "The gateway is being restarted: try again in a moment.",
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_code_is_kebab_case_and_reads_back() {
        for reason in Reason::ALL {
            let code = reason.as_str();
            assert!(
                code.chars().all(|c| c.is_ascii_lowercase() || c == '-'),
                "{code}"
            );
            assert_eq!(Reason::parse(code), Some(reason));
            let words: String = code.split('-').collect();
            assert_eq!(format!("{reason:?}").to_lowercase(), words);
        }
        assert_eq!(
            Reason::ALL.iter().collect::<BTreeSet<_>>().len(),
            Reason::ALL.len()
        );
        assert_eq!(Reason::parse("Expired"), None);
    }

    #[test]
    fn reasons_of_a_handshake_come_before_those_of_a_call() {
        let handshakes = Reason::ALL
            .iter()
            .take_while(|reason| reason.is_handshake())
            .count();
        assert_eq!(handshakes, 31);
        assert!(
            Reason::ALL
                .iter()
                .skip(handshakes)
                .all(|reason| !reason.is_handshake())
        );
    }

    #[test]
    fn each_advice_is_one_plain_sentence_that_says_what_to_do() {
        let mut seen = BTreeSet::new();
        for reason in Reason::ALL {
            let advice = reason.advice();
            assert!(
                advice.ends_with('.') && advice.contains(": "),
                "{reason}: {advice}"
            );
            assert!(
                !advice.contains("  ") && !advice.contains('\n'),
                "{reason}: {advice}"
            );
            assert!(seen.insert(advice), "{reason} repeats another's advice");
        }
    }
}
