//! Files of each version ever written, which have to stay readable: `tests/golden/store`.
//!
//! What is expected of them stands here and does not change. A new version of a row adds files, and replaces none. To
//! make those that are missing, run these tests with `REALMGATE_GOLDEN=write`.

use std::fmt::Debug;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use crate::clock::Moment;
use crate::domain::account::{Account, AccountValues};
use crate::domain::address::BaseUrl;
use crate::domain::audit::AuditRecord;
use crate::domain::connection::{Connection, ConnectionLimits, ServerTrust};
use crate::domain::crl_source::{CrlSource, CrlUrl};
use crate::domain::denial::{Denial, DenialReason, Denied};
use crate::domain::deployment::{Deployment, DeploymentKey};
use crate::domain::environment::{Environment, Gateway, PerEnvironment};
use crate::domain::identity::{
    IdentityCertificate, IdentitySlot, KeptCertificate, Origin, RealmIdentity, ServerAuthority,
    ServerIdentity,
};
use crate::domain::installation::{
    Installation, InstallationId, InstallationOrigin, InstallationState,
};
use crate::domain::key_proof::{Challenge, KeyProof, ProofWay};
use crate::domain::name::{ConnectionName, CrlSourceName, PipelineName, TokenName};
use crate::domain::pipeline::{Handler, IdentityHeaders, Pipeline, PipelineKey};
use crate::domain::realm::{Realm, RealmState};
use crate::domain::refusal::{PresentedChain, RefusalRecord, ShownCertificate};
use crate::domain::revocation::RevocationList;
use crate::domain::seen::{AnchorUse, SeenClient};
use crate::domain::template::JsonTemplate;
use crate::domain::token::{Role, Token};
use crate::domain::trigger::{
    Method, MethodSet, Publication, RequestSizeMb, ResponseHeader, RoutePattern, TimeoutMs,
    Trigger, TriggerKind,
};
use crate::domain::trust_policy::{
    AnchorException, HandshakePolicy, Hours, OutOfDate, Pin, RecordBytes, Revocation,
    RevocationScope, Signatures, TrustPolicy,
};
use crate::pki::certificate::Certificate;
use crate::pki::crl::Crl;
use crate::pki::crl_testing::{self, CrlMade};
use crate::pki::distinguished::DistinguishedName;
use crate::pki::fingerprint::Fingerprint;
use crate::pki::key::PrivateKey;
use crate::pki::secret::Secret;
use crate::pki::serial::SerialNumber;
use crate::rule::client_rule::ClientRule;
use crate::store::row;
use crate::store::row::codec::RowError;
use crate::store::row::identity::Issuers;
use crate::store::row::installation::Certificates;
use crate::store::seal::{RowSeal, StoreKeys};
use crate::store::tables::{
    AUTHORITY, Table, crl_object, crl_source_object, denial_object, deployment_object,
    pipeline_object, seen_object,
};
use crate::store::workshop::{AUTHORITIES, SERVER, account, master_key, realm};

const AT: Moment = Moment::from_unix_millis(1_800_000_000_123);

/// A file of the golden directory; made where it is missing and that was asked for.
fn golden(name: &str, make: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/golden/store", name]
        .iter()
        .collect();
    if !path.exists() && std::env::var("REALMGATE_GOLDEN").is_ok_and(|how| how == "write") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, make()).unwrap();
    }
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn keys() -> StoreKeys {
    let kept = golden("key-check-1.bin", || {
        StoreKeys::create(&master_key()).unwrap().1
    });
    StoreKeys::open(&master_key(), &kept).unwrap()
}

fn anchor() -> Certificate {
    let der = golden("anchor.der", || AUTHORITIES[0].certificate.der().to_vec());
    Certificate::from_der(&der).unwrap()
}

fn anchor_key() -> PrivateKey {
    let der = golden("anchor.key.der", || AUTHORITIES[0].key.pkcs8().to_vec());
    PrivateKey::from_der(&der).unwrap()
}

fn server() -> Certificate {
    let der = golden("server.der", || SERVER.certificate.der().to_vec());
    Certificate::from_der(&der).unwrap()
}

fn server_key() -> PrivateKey {
    let der = golden("server.key.der", || SERVER.key.pkcs8().to_vec());
    PrivateKey::from_der(&der).unwrap()
}

/// Where a row lies.
#[derive(Clone, Copy)]
struct At<'a>(Table, &'a str, &'a str);

/// Reads the golden file of a row, and what is written today. Answers with what both of them tell.
fn check<T: Debug>(
    name: &str,
    place: At<'_>,
    expect: &T,
    encode: impl Fn(&T, &RowSeal<'_>) -> Result<Vec<u8>, RowError>,
    decode: impl Fn(&[u8], &RowSeal<'_>) -> Result<T, RowError>,
) -> [T; 2] {
    let At(table, realm, object) = place;
    let keys = keys().table(table).unwrap();
    let seal = keys.at(realm, object);
    let today = encode(expect, &seal).unwrap();
    let golden = golden(&format!("{name}.bin"), || today.clone());
    [golden, today].map(|row| {
        let read = decode(&row, &seal).unwrap();
        assert_eq!(format!("{read:?}"), format!("{expect:?}"), "{name}");
        read
    })
}

#[test]
fn realms() {
    let mut expect = Realm::new(realm("acme"), AT);
    (expect.state, expect.next_installation) = (RealmState::Suspended, 7);
    let place = At(Table::Realms, "", "acme");
    check(
        "realm-1",
        place,
        &expect,
        row::realm::encode,
        |row, seal| row::realm::decode("acme", row, seal),
    );
}

#[test]
fn accounts() {
    let secret = |text: &str| Secret::new(text.to_owned());
    let every = [
        AccountValues::CertificateChain {
            certificates: vec![server()],
            helpers: vec![anchor()],
            key: Some(server_key()),
        },
        AccountValues::Basic {
            username: "ada".to_owned(),
            password: secret("lovelace"),
        },
        AccountValues::CustomAuthHeader {
            header_name: "x-key".to_owned(),
            header_value: secret("value"),
        },
        AccountValues::OauthBearer {
            token: secret("token"),
        },
        AccountValues::ApiKey {
            url_param_name: "key".to_owned(),
            api_key: secret("secret"),
        },
        AccountValues::PrivateKey {
            key: secret("key"),
            passphrase: secret(""),
        },
        AccountValues::PublicKey {
            key: "public".to_owned(),
        },
        AccountValues::SecretKey {
            key: Secret::from_bytes(vec![0, 255]),
        },
    ];
    for values in every {
        let account_type = values.account_type();
        let expect = Account {
            name: account("dgb-mtls-a"),
            account_type,
            revision: 3,
            values: PerEnvironment {
                test: None,
                prod: Some(values),
            },
            updated: AT,
        };
        let place = At(Table::Accounts, "acme", "dgb-mtls-a");
        let name = format!("account-1-{account_type}");
        let read = check(&name, place, &expect, row::account::encode, |row, seal| {
            row::account::decode("dgb-mtls-a", row, seal, &mut Certificates::default())
        });
        for account in read {
            assert_eq!(account.values, expect.values, "{name}");
            if let Some(AccountValues::CertificateChain { key, .. }) = account.values.prod {
                assert_eq!(key.unwrap().pkcs8(), server_key().pkcs8());
            }
        }
    }
}

#[test]
fn installations() {
    let by = || "ada".to_owned();
    let every = [
        InstallationState::Requested,
        InstallationState::Installed { at: AT, by: by() },
        InstallationState::Rejected {
            at: AT,
            by: by(),
            reason: "not ours".to_owned(),
        },
        InstallationState::Removed {
            at: AT,
            by: by(),
            superseded_by: Some(InstallationId(8)),
            installed_at: Some(AT),
        },
    ];
    for state in every {
        let name = format!("installation-1-{}", state.as_str());
        let expect = Installation {
            id: InstallationId(7),
            environment: Environment::Prod,
            account: account("dgb-mtls-a"),
            account_revision: 3,
            certificates: vec![anchor()],
            helpers: vec![server()],
            state,
            requested_at: AT,
            requested_by: "grace".to_owned(),
            origin: InstallationOrigin::Request,
            challenge: None,
            proofs: Vec::new(),
        };
        let place = At(Table::Installations, "acme", "7");
        check(
            &name,
            place,
            &expect,
            row::installation::encode,
            |row, seal| row::installation::decode(7, row, seal, &mut Certificates::default()),
        );
    }
}

#[test]
fn installations_with_proofs() {
    let by = || "ada".to_owned();
    let later = AT.plus(std::time::Duration::from_secs(60));
    let every = [
        InstallationState::Retiring {
            installed_at: AT,
            installed_by: "lin".to_owned(),
            at: later,
            by: by(),
            until: Some(later),
        },
        InstallationState::Removed {
            at: later,
            by: by(),
            superseded_by: None,
            installed_at: Some(AT),
        },
    ];
    let origins = [
        InstallationOrigin::Promotion(InstallationId(3)),
        InstallationOrigin::Restoration(InstallationId(4)),
    ];
    for (state, origin) in every.into_iter().zip(origins) {
        let name = format!("installation-2-{}", state.as_str());
        let proof = |way| KeyProof {
            anchor: anchor().fingerprint(),
            way,
            at: AT,
            by: by(),
        };
        let expect = Installation {
            id: InstallationId(7),
            environment: Environment::Prod,
            account: account("dgb-mtls-a"),
            account_revision: 3,
            certificates: vec![anchor()],
            helpers: vec![server()],
            state,
            requested_at: AT,
            requested_by: "grace".to_owned(),
            origin,
            challenge: Some(Challenge([7; 32])),
            proofs: vec![proof(ProofWay::Signature), proof(ProofWay::Certificate)],
        };
        let place = At(Table::Installations, "acme", "7");
        check(
            &name,
            place,
            &expect,
            row::installation::encode,
            |row, seal| row::installation::decode(7, row, seal, &mut Certificates::default()),
        );
    }
}

fn key() -> PipelineKey {
    PipelineKey {
        name: PipelineName::parse("orders").unwrap(),
        major: 2,
    }
}

fn pipeline(handler: Handler) -> Pipeline {
    let route = |text| RoutePattern::parse(text).unwrap();
    Pipeline {
        key: key(),
        revision: 4,
        trigger: Trigger {
            kind: TriggerKind::Rest,
            methods: MethodSet::of([Method::Get, Method::Options]).unwrap(),
            timeout: TimeoutMs::new(900_000).unwrap(),
            request_size: RequestSizeMb::new(100).unwrap(),
            response_headers: vec![ResponseHeader::parse("x-a", "{{ message.path }}").unwrap()],
            publication: Publication {
                external: true,
                internal: false,
                mtls: true,
            },
            routes: vec![route("/products"), route("/products/:id")],
            client_rule: None,
        },
        handler,
        updated: AT,
    }
}

#[test]
fn pipelines_and_deployments() {
    let document = json!({"z": "{{ message.body.a }}", "a": [1, 0.1, null, true]});
    let every = [
        Handler::Echo,
        Handler::Mock(JsonTemplate::parse(document).unwrap()),
        Handler::Upstream {
            connection: ConnectionName::parse("backend").unwrap(),
            identity_headers: IdentityHeaders {
                readable: true,
                forwarded_client_cert: false,
            },
        },
    ];
    for handler in every {
        let kind = handler.as_str();
        let expect = pipeline(handler);
        let object = pipeline_object("orders", 2);
        let place = At(Table::Pipelines, "acme", &object);
        let name = format!("pipeline-1-{kind}");
        check(&name, place, &expect, row::pipeline::encode, |row, seal| {
            row::pipeline::decode(key(), row, seal)
        });

        let key = || DeploymentKey {
            environment: Environment::Test,
            pipeline: key(),
        };
        let expect = Deployment {
            key: key(),
            pipeline: Arc::new(expect),
            at: AT,
            by: "ada".to_owned(),
        };
        let object = deployment_object("test", "orders", 2);
        let place = At(Table::Deployments, "acme", &object);
        let name = format!("deployment-1-{kind}");
        check(
            &name,
            place,
            &expect,
            row::deployment::encode,
            |row, seal| row::deployment::decode(key(), row, seal),
        );
    }
}

#[test]
fn pipelines_with_a_client_rule() {
    let mut expect = pipeline(Handler::Echo);
    expect.trigger.client_rule = Some(ClientRule::parse("'a.example' in client.dns").unwrap());
    let object = pipeline_object("orders", 2);
    let place = At(Table::Pipelines, "acme", &object);
    let encode = row::pipeline::encode;
    check("pipeline-1-rule", place, &expect, encode, |row, seal| {
        row::pipeline::decode(key(), row, seal)
    });
}

#[test]
fn connections() {
    let every = [
        ("system-roots", ServerTrust::SystemRoots),
        ("account", ServerTrust::Account(account("dgb-mtls-a"))),
    ];
    for (kind, trust) in every {
        let expect = Connection {
            name: ConnectionName::parse("backend").unwrap(),
            revision: 5,
            base_url: PerEnvironment {
                test: Some(BaseUrl::parse("https://[2001:db8::1]:8443/base").unwrap()),
                prod: None,
            },
            trust,
            limits: ConnectionLimits {
                connect_timeout_ms: 1,
                idle_connections_max: 2,
                idle_timeout_ms: 3,
            },
            updated: AT,
        };
        let place = At(Table::Connections, "acme", "backend");
        let name = format!("connection-1-{kind}");
        check(
            &name,
            place,
            &expect,
            row::connection::encode,
            |row, seal| row::connection::decode("backend", row, seal),
        );
    }
}

#[test]
fn trust_policies() {
    let fingerprint = |of: &str| Fingerprint::of(of.as_bytes());
    let hours = OutOfDate::AllowHours(Hours::new(24).unwrap());
    let exception = |scope, out_of_date| AnchorException { scope, out_of_date };
    let full = TrustPolicy {
        pins: [
            Pin::Certificate(fingerprint("a")),
            Pin::Key(fingerprint("a")),
            Pin::Key(fingerprint("b")),
        ]
        .into(),
        revocation: Revocation {
            scope: RevocationScope::Chain,
            out_of_date: hours,
        },
        exceptions: [
            (
                fingerprint("c"),
                exception(Some(RevocationScope::Off), None),
            ),
            (
                fingerprint("d"),
                exception(Some(RevocationScope::Leaf), Some(OutOfDate::Allow)),
            ),
            (fingerprint("e"), exception(None, Some(OutOfDate::Refuse))),
        ]
        .into(),
        signatures: Signatures::Strict,
        ca_names: true,
        handshake: HandshakePolicy::Strict,
        record_bytes: None,
    };
    let explains = TrustPolicy {
        handshake: HandshakePolicy::Explain,
        record_bytes: RecordBytes::new(1024).ok(),
        ..full.clone()
    };
    for (name, expect) in [
        ("trust-policy-1", full),
        ("trust-policy-1-bare", TrustPolicy::default()),
        ("trust-policy-2", explains),
        ("trust-policy-2-bare", TrustPolicy::default()),
    ] {
        let place = At(Table::TrustPolicies, "acme", "prod");
        let read = check(
            name,
            place,
            &expect,
            row::trust_policy::encode,
            row::trust_policy::decode,
        );
        assert_eq!(read, [expect.clone(), expect]);
    }
}

#[test]
fn revocation_lists() {
    let der = golden("anchor.crl.der", || {
        let made = CrlMade::default();
        crl_testing::list(&AUTHORITIES[0], &made).der().to_vec()
    });
    let expect = RevocationList {
        crl: Crl::from_der(&der).unwrap(),
        added: AT,
    };
    let object = crl_object("prod", &expect.crl.fingerprint().to_string());
    let place = At(Table::Crls, "acme", &object);
    for read in check("crl-1", place, &expect, row::crl::encode, row::crl::decode) {
        assert_eq!(read.crl, expect.crl);
    }
}

#[test]
fn sources_of_revocation_lists() {
    let expect = CrlSource {
        name: CrlSourceName::parse("acme-root").unwrap(),
        url: CrlUrl::parse("https://pki.example:8443/acme.crl?of=root").unwrap(),
        added: AT,
        updated: AT,
    };
    let object = crl_source_object("prod", "acme-root");
    let place = At(Table::CrlSources, "acme", &object);
    let encode = row::crl_source::encode;
    check("crl-source-1", place, &expect, encode, |row, seal| {
        row::crl_source::decode("acme-root", row, seal)
    });
}

#[test]
fn denials() {
    let name = |text| DistinguishedName::parse(text).unwrap();
    let serial = || SerialNumber::parse("4a3f09").unwrap();
    let every = [
        (
            "certificate",
            Denied::Certificate(Fingerprint::of(b"a")),
            None,
        ),
        ("key", Denied::Key(Fingerprint::of(b"b")), Some(AT)),
        (
            "serial",
            Denied::Serial {
                serial: serial(),
                issuer: None,
            },
            None,
        ),
        (
            "serial-of",
            Denied::Serial {
                serial: serial(),
                issuer: Some(name("CN=Root,O=Acme")),
            },
            None,
        ),
        (
            "subject",
            Denied::Subject(name("CN=a+OU=b,O=Acme\\, Inc.,C=CH")),
            Some(AT),
        ),
    ];
    for (kind, what, until) in every {
        let expect = Denial {
            what,
            reason: DenialReason::parse("lost laptop").unwrap(),
            until,
            added: AT,
            by: "ada".to_owned(),
        };
        let object = denial_object("prod", &expect.what.id().to_string());
        let place = At(Table::Denials, "acme", &object);
        let (encode, decode) = (row::denial::encode, row::denial::decode);
        for read in check(&format!("denial-1-{kind}"), place, &expect, encode, decode) {
            assert_eq!(read, expect);
        }
    }
}

#[test]
fn tokens() {
    let every = [
        (Role::Operator, None),
        (Role::RealmAdmin(realm("acme")), Some(AT)),
        (Role::Auditor, None),
    ];
    for (role, expires) in every {
        let name = format!("token-1-{}", role.as_str());
        let hash = Fingerprint::of(b"secret");
        let expect = Token {
            name: TokenName::parse("ci").unwrap(),
            role,
            hash,
            created: AT,
            expires,
        };
        let place = At(Table::Tokens, "", "ci");
        check(&name, place, &expect, row::token::encode, |row, seal| {
            row::token::decode("ci", row, seal)
        });
    }
}

#[test]
fn the_server_authority_and_identities() {
    let expect = ServerAuthority {
        certificate: anchor(),
        key: anchor_key(),
    };
    let place = At(Table::Identities, "", AUTHORITY);
    let encode = row::identity::encode_authority;
    for read in check("authority-1", place, &expect, encode, |row, seal| {
        row::identity::decode_authority(row, seal, &mut Certificates::default())
    }) {
        assert_eq!(read.key.pkcs8(), anchor_key().pkcs8());
    }

    let shown = |chain, key| IdentityCertificate { chain, key };
    for (kind, origin) in [
        ("generated", Origin::Generated),
        ("provided", Origin::Provided),
    ] {
        let expect = ServerIdentity {
            slot: IdentitySlot::Public(Gateway::Mtls, Environment::Prod),
            origin,
            certificates: vec![
                shown(vec![server(), anchor()], server_key()),
                shown(vec![anchor()], anchor_key()),
            ],
            updated: AT,
        };
        let place = At(Table::Identities, "", "mtls/prod");
        let name = format!("identity-1-{kind}");
        for read in check(&name, place, &expect, row::identity::encode, |row, seal| {
            row::identity::decode("mtls/prod", row, seal, &mut Certificates::default())
        }) {
            assert_eq!(read.certificates[0].key.pkcs8(), server_key().pkcs8());
            assert_eq!(read.certificates[1].key.pkcs8(), anchor_key().pkcs8());
        }
    }
}

#[test]
fn a_realms_own_server_identity() {
    let certificate = IdentityCertificate {
        chain: vec![server(), anchor()],
        key: server_key(),
    };
    let expect = RealmIdentity {
        certificates: vec![KeptCertificate::of(&certificate)],
        updated: AT,
    };
    let place = At(Table::Identities, "", "mtls/prod/acme");
    let encode = row::identity::encode_own;
    for read in check("identity-2-realm", place, &expect, encode, |row, seal| {
        row::identity::decode_own(row, seal, &mut Issuers::default())
    }) {
        assert_eq!(read.certificates[0].key.pkcs8(), server_key().pkcs8());
        assert_eq!(read.certificates[0].decode().unwrap(), [server(), anchor()]);
    }
}

#[test]
fn audit_records() {
    let full = AuditRecord {
        sequence: 9,
        revision: 8,
        at: AT,
        actor: "ada".to_owned(),
        role: "realm-admin".to_owned(),
        address: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))),
        action: "installation.request".to_owned(),
        realm: Some(realm("acme")),
        environment: Some(Environment::Prod),
        object: "dgb-mtls-a".to_owned(),
        detail: vec![("fingerprints".to_owned(), "00".to_owned())],
    };
    let bare = AuditRecord {
        address: None,
        realm: None,
        environment: None,
        detail: Vec::new(),
        ..full.clone()
    };
    for (name, expect) in [("audit-1", full), ("audit-1-bare", bare)] {
        let place = At(Table::Audit, "", "9");
        check(name, place, &expect, row::audit::encode, |row, seal| {
            row::audit::decode(9, row, seal)
        });
    }
}

#[test]
fn refusals() {
    let full = RefusalRecord {
        at: AT,
        realm: Some(realm("acme")),
        gateway: Gateway::Mtls,
        environment: Some(Environment::Prod),
        address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        server_name: Some("acme.api2.gate.localhost".to_owned()),
        reason: "expired".into(),
        sentence: "The certificate of CN=client-1 ended.".to_owned(),
        certificate: Some(ShownCertificate {
            subject: "CN=client-1".to_owned(),
            issuer: "CN=root".to_owned(),
            serial: "01".to_owned(),
            fingerprint: "ab".to_owned(),
            not_before: AT,
            not_after: Moment::MAX,
        }),
        chain: None,
        left_out: 6,
    };
    let bare = RefusalRecord {
        realm: None,
        environment: None,
        server_name: None,
        certificate: None,
        ..full.clone()
    };
    let chain = [&[1, 2, 3][..], &[4; 700]];
    let chain = PresentedChain::kept(chain.map(Box::from).into(), 2);
    let with_chain = RefusalRecord {
        chain,
        ..full.clone()
    };
    for (name, of, expect) in [
        ("refusal-1", "acme", full),
        ("refusal-1-bare", "", bare.clone()),
        ("refusal-2", "acme", with_chain),
        ("refusal-2-bare", "", bare),
    ] {
        let place = At(Table::Refusals, of, "3");
        check(name, place, &expect, row::refusal::encode, |row, seal| {
            row::refusal::decode(of, row, seal)
        });
    }
}

#[test]
fn clients_and_anchors_that_were_seen() {
    let fingerprint = |of: &str| Fingerprint::of(of.as_bytes());
    let full = SeenClient {
        realm: realm("acme"),
        environment: Environment::Prod,
        fingerprint: fingerprint("client"),
        subject: "CN=client-1".to_owned(),
        sans: vec!["DNS:client-1.example".to_owned()],
        issuer: "CN=root".to_owned(),
        serial: "0a".to_owned(),
        spki_sha256: fingerprint("key"),
        not_after: Moment::MAX,
        anchor: fingerprint("anchor"),
        anchor_subject: "CN=root".to_owned(),
        account: "dgb-mtls-a".to_owned(),
        chain: vec![anchor().der().to_vec(), vec![0, 255]],
        chain_cut: true,
        first: AT,
        last: Moment::MAX,
        handshakes: 7,
        full_handshakes: 3,
        address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        tls: "TLSv1.3".to_owned(),
        protocol: "h2".to_owned(),
    };
    let sha256 = full.fingerprint.to_string();
    let object = seen_object("prod", &sha256);
    let place = At(Table::ClientsSeen, "acme", &object);
    let encode = row::seen::encode_client;
    for read in check("client-seen-1", place, &full, encode, |row, seal| {
        row::seen::decode_client("acme", "prod", &sha256, row, seal)
    }) {
        assert_eq!(read, full);
    }

    let used = AnchorUse {
        anchor: fingerprint("anchor"),
        handshakes: 9,
        first: AT,
        last: Moment::MAX,
    };
    let sha256 = used.anchor.to_string();
    let object = seen_object("prod", &sha256);
    let place = At(Table::AnchorsSeen, "acme", &object);
    let encode = row::seen::encode_anchor;
    check("anchor-seen-1", place, &used, encode, |row, seal| {
        row::seen::decode_anchor(&sha256, row, seal)
    });
}
