//! What has to hold for any bytes from outside. The fuzz targets call these, and so does `tests/it/fuzzed.rs` with
//! generated and damaged inputs, where there is no fuzzer.
//!
//! Besides what is asserted here: nothing panics, and nothing takes longer or more memory than its input allows.

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Uri, Version};
use realmgate::clock::Moment;
use realmgate::domain::endpoint::{HostLabels, NamePlan};
use realmgate::gateway::authority;
use realmgate::gateway::path::CanonicalPath;
use realmgate::gateway::proxy_protocol::{self, HEADER_BYTES_MAX, Progress, Source};
use realmgate::pki::certificate::Certificate;
use realmgate::pki::crl::Crl;
use realmgate::pki::secret::Secret;
use realmgate::pki::{crl as lists, upload as uploads};
use realmgate::trust::judge;
use realmgate::trust::limits::TrustLimits;
use realmgate::trust::policy::TrustPolicy;
use realmgate::trust::set::{TrustSet, TrustSource};
use rustls_pki_types::CertificateDer;

/// An uploaded file (PEM, DER, PKCS#12), with and without a password: read or refused, and what was read can be shown.
pub fn upload(input: &[u8]) {
    let _ = uploads::read(input, None);
    let password = Secret::new("password".to_owned());
    if let Ok(upload) = uploads::read(input, Some(&password)) {
        for certificate in &upload.certificates {
            shown_safely(&certificate.facts().subject);
            shown_safely(&certificate.facts().issuer);
            certificate
                .facts()
                .sans
                .iter()
                .for_each(|san| shown_safely(san));
        }
    }
}

/// A revocation list: what is read once is read the same again, and all its entries can be.
pub fn crl(input: &[u8]) {
    if let Ok(list) = Crl::from_der(input) {
        shown_safely(&list.facts().issuer);
        assert_eq!(list.der(), input);
        assert_eq!(list.entries().count(), list.entries().count());
    }
    if let Ok(all) = lists::read_crls(input, 100) {
        assert!(!all.is_empty());
    }
}

/// A chain that a client shows, each certificate with two bytes of length before it. Where the last of them can be a
/// trust anchor it is one, so that paths are found; nobody is trusted whom no anchor vouches for.
pub fn chain(input: &[u8]) {
    let mut rest = input;
    let mut presented = Vec::new();
    while let [high, low, behind @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(behind.len());
        let (one, behind) = behind.split_at(length);
        presented.push(CertificateDer::from(one.to_vec()));
        rest = behind;
        if presented.len() == 12 {
            break;
        }
    }
    let now = Moment::from_unix_seconds(1_800_000_000);
    let limits = TrustLimits::default();
    let nobody = TrustSet::default();
    assert!(judge::judge(&nobody, &presented, now, &limits).is_err());
    let anchors = presented
        .last()
        .and_then(|last| Certificate::from_der(last).ok())
        .map(|anchor| vec![(anchor, "account".into())])
        .unwrap_or_default();
    let source = TrustSource {
        anchors,
        helpers: Vec::new(),
        policy: TrustPolicy::default(),
        crls: Vec::new(),
        denials: Vec::new(),
    };
    if let Ok(trust) = TrustSet::build(source) {
        match judge::judge(&trust, &presented, now, &limits) {
            Ok(verified) => assert!(trust.has_anchor(&verified.identity.anchor)),
            Err(distrust) => shown_safely(&distrust.detail),
        }
    }
}

/// A request's path: its canonical form is one that nobody can read in another way.
pub fn path(input: &[u8]) {
    let Ok(sent) = PathAndQuery::try_from(input) else {
        return;
    };
    let Ok(path) = CanonicalPath::of(&sent) else {
        return;
    };
    let text = path.as_str();
    let again = PathAndQuery::try_from(text).expect("a canonical path is a path");
    let again = CanonicalPath::of(&again).expect("a canonical path is canonical");
    assert_eq!(again.as_str(), text);
    assert!(text.starts_with('/') && !text.contains("//") && !text.contains(['\\', ';']));
    assert!(
        text.split('/')
            .all(|segment| segment != "." && segment != "..")
    );
    let lower = text.to_ascii_lowercase();
    for hidden in ["%2f", "%5c", "%2e", "%00", "%0a", "%0d"] {
        assert!(!lower.contains(hidden), "{text}");
    }
}

/// The server name of a handshake and the authority of a request, parted by a line feed: a request is let on only where
/// its host is the handshake's, and one name leads to one place.
pub fn host(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (name, header) = text.split_once('\n').unwrap_or((&text, &text));
    let name = name.to_ascii_lowercase();
    let plan = NamePlan::new("gate.localhost", &HostLabels::default()).expect("a plan");
    if let Some(place) = plan.locate(&name) {
        assert!(name.ends_with(plan.shared_host(place.gateway, place.environment)));
        if let Some(realm) = place.realm {
            assert!(!realm.contains('.'));
        }
    }
    let Ok(value) = HeaderValue::from_str(header) else {
        return;
    };
    let mut headers = HeaderMap::new();
    headers.insert(http::header::HOST, value);
    for version in [Version::HTTP_10, Version::HTTP_11, Version::HTTP_2] {
        if authority::check(version, &Uri::from_static("/"), &headers, &name).is_ok() {
            let bare = header.split(':').next().unwrap_or_default();
            let bare = bare.strip_suffix('.').unwrap_or(bare);
            assert!(
                header.starts_with('[') || bare.eq_ignore_ascii_case(&name),
                "{header:?} {name:?}"
            );
        }
    }
}

/// What comes before the TLS of a load balancer's connection: a header ends where it says, is not read before it is whole,
/// and says the same whatever follows it.
pub fn proxy(input: &[u8]) {
    let Progress::Complete { length, source } = proxy_protocol::parse(input) else {
        return;
    };
    assert!(length <= input.len() && length <= HEADER_BYTES_MAX);
    let header = &input[..length];
    let told = Progress::Complete { length, source };
    assert_eq!(proxy_protocol::parse(header), told);
    assert_eq!(proxy_protocol::parse(&[header, b"\r\n\x16"].concat()), told);
    for end in 0..length {
        assert_eq!(proxy_protocol::parse(&header[..end]), Progress::Incomplete);
    }
    if let Source::Client(client) = source {
        assert_eq!(client.ip(), client.ip().to_canonical());
    }
}

/// No controls, no line ends, no marks of direction.
fn shown_safely(text: &str) {
    assert!(
        !text.chars().any(realmgate::pki::printable::is_unsafe),
        "{text:?}"
    );
}
