use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::clock::Moment;
use crate::domain::account::AccountType;
use crate::domain::command::{ProofOutcome, ValueChange};
use crate::domain::connection::{ConnectionLimits, ServerTrust};
use crate::domain::crl_source::CrlUrl;
use crate::domain::denial::{DenialReason, Denied};
use crate::domain::deployment::DeploymentKey;
use crate::domain::environment::{Environment, PerEnvironment};
use crate::domain::identity::{
    IdentityCertificate, IdentitySlot, Origin, ServerAuthority, ServerIdentity,
};
use crate::domain::key_proof::{Challenge, GivenProof};
use crate::domain::name::{AccountName, ConnectionName, CrlSourceName, PipelineName, TokenName};
use crate::domain::pipeline::{Handler, PipelineKey};
use crate::domain::trigger::{
    MethodSet, Publication, RequestSizeMb, TimeoutMs, Trigger, TriggerKind,
};
use crate::domain::trusting::Intake;
use crate::pki::authority::{Authority, AuthorityRequest};
use crate::pki::crl_testing::{self, CrlMade};
use crate::pki::fingerprint::Fingerprint;
use crate::pki::key::KeyChoice;

fn realm(name: &str) -> RealmName {
    RealmName::parse(name).unwrap()
}

fn actor(role: Role) -> Actor {
    Actor {
        name: "somebody".to_owned(),
        role,
        address: None,
    }
}

fn authority() -> Authority {
    Authority::self_signed(&AuthorityRequest {
        common_name: "CA".to_owned(),
        organization: None,
        not_before: Moment::EPOCH,
        not_after: Moment::EPOCH.plus(Duration::from_secs(3600)),
        path_length: None,
        key: KeyChoice::EcP256,
    })
    .unwrap()
}

/// Every command there is, inside of `realm`, with whether the realm's own admins may ask for it. A command that is
/// missing here does not compile: see the match below.
fn commands(realm: &RealmName) -> Vec<(Command, bool)> {
    let account = AccountName::parse("a").unwrap();
    let connection = ConnectionName::parse("c").unwrap();
    let source = CrlSourceName::parse("s").unwrap();
    let key = PipelineKey {
        name: PipelineName::parse("p").unwrap(),
        major: 1,
    };
    let environment = Environment::Prod;
    let deployment = DeploymentKey {
        environment,
        pipeline: key.clone(),
    };
    let trigger = Trigger {
        kind: TriggerKind::Rest,
        methods: MethodSet::ALL,
        timeout: TimeoutMs::new(1).unwrap(),
        request_size: RequestSizeMb::new(1).unwrap(),
        response_headers: Vec::new(),
        publication: Publication {
            external: true,
            internal: false,
            mtls: false,
        },
        routes: Vec::new(),
        client_rule: None,
    };
    let ca = authority();
    let certificate = IdentityCertificate {
        chain: vec![ca.certificate.clone()],
        key: ca.key.clone(),
    };
    let identity = ServerIdentity {
        slot: IdentitySlot::Admin,
        origin: Origin::Generated,
        certificates: vec![certificate.clone()],
        updated: Moment::EPOCH,
    };
    let authority = ServerAuthority {
        certificate: ca.certificate.clone(),
        key: ca.key.clone(),
    };
    let name = TokenName::parse("t").unwrap();
    let realm = || realm.clone();
    vec![
        (Command::CreateRealm { realm: realm() }, false),
        (Command::SuspendRealm { realm: realm() }, false),
        (Command::ResumeRealm { realm: realm() }, false),
        (Command::DeleteRealm { realm: realm() }, false),
        (
            Command::SaveAccount {
                realm: realm(),
                name: account.clone(),
                account_type: AccountType::Basic,
                values: PerEnvironment {
                    test: ValueChange::Keep,
                    prod: ValueChange::Keep,
                },
            },
            true,
        ),
        (
            Command::DeleteAccount {
                realm: realm(),
                name: account.clone(),
            },
            true,
        ),
        (
            Command::RequestInstallation {
                realm: realm(),
                environment,
                account: account.clone(),
            },
            true,
        ),
        (
            Command::Install {
                realm: realm(),
                environment,
                account: account.clone(),
                revision: 1,
            },
            false,
        ),
        (
            Command::RejectInstallation {
                realm: realm(),
                environment,
                account: account.clone(),
                reason: "no".to_owned(),
            },
            false,
        ),
        (
            Command::RemoveInstallation {
                realm: realm(),
                environment,
                account: account.clone(),
            },
            true,
        ),
        (
            Command::SaveTrustPolicy {
                realm: realm(),
                environment,
                policy: Arc::default(),
            },
            true,
        ),
        (
            Command::SaveCrl {
                realm: realm(),
                environment,
                crl: crl_testing::list(&ca, &CrlMade::default()),
                intake: Intake::Alone,
            },
            true,
        ),
        (
            Command::RemoveCrl {
                realm: realm(),
                environment,
                sha256: Fingerprint::of(b"list"),
            },
            true,
        ),
        (
            Command::SaveCrlSource {
                realm: realm(),
                environment,
                name: source.clone(),
                url: CrlUrl::parse("http://pki.example/acme.crl").unwrap(),
            },
            false,
        ),
        (
            Command::DeleteCrlSource {
                realm: realm(),
                environment,
                name: source,
            },
            true,
        ),
        (
            Command::Deny {
                realm: realm(),
                environment,
                what: Denied::Key(Fingerprint::of(b"key")),
                reason: DenialReason::parse("lost").unwrap(),
                until: None,
            },
            true,
        ),
        (
            Command::Allow {
                realm: realm(),
                environment,
                id: Fingerprint::of(b"denial"),
            },
            true,
        ),
        (
            Command::SavePipeline {
                realm: realm(),
                key: key.clone(),
                trigger,
                handler: Handler::Echo,
            },
            true,
        ),
        (
            Command::DeletePipeline {
                realm: realm(),
                key,
            },
            true,
        ),
        (
            Command::Deploy {
                realm: realm(),
                key: deployment.clone(),
            },
            true,
        ),
        (
            Command::Undeploy {
                realm: realm(),
                key: deployment,
            },
            true,
        ),
        (
            Command::SaveConnection {
                realm: realm(),
                name: connection.clone(),
                base_url: PerEnvironment {
                    test: None,
                    prod: None,
                },
                trust: ServerTrust::SystemRoots,
                limits: ConnectionLimits::default(),
            },
            true,
        ),
        (
            Command::DeleteConnection {
                realm: realm(),
                name: connection,
            },
            true,
        ),
        (
            Command::CreateToken {
                name: name.clone(),
                role: Role::Operator,
                hash: Fingerprint::of(b"secret"),
                expires: None,
            },
            false,
        ),
        (Command::RevokeToken { name }, false),
        (Command::AdoptServerAuthority { authority }, false),
        (
            Command::AdoptServerIdentity {
                identity: identity.clone(),
            },
            false,
        ),
        (
            Command::ProvideServerIdentity {
                slot: IdentitySlot::Admin,
                certificate: certificate.clone(),
            },
            false,
        ),
        (Command::ResetServerIdentity { identity }, false),
        (Command::BeginProof, false),
        (
            Command::EndProof {
                outcome: ProofOutcome::Interrupted,
            },
            false,
        ),
        (
            Command::RetireInstallation {
                realm: realm(),
                environment,
                account: account.clone(),
                until: None,
            },
            true,
        ),
        (
            Command::KeepInstallation {
                realm: realm(),
                environment,
                account: account.clone(),
            },
            true,
        ),
        (
            Command::ChallengeInstallation {
                realm: realm(),
                environment,
                account: account.clone(),
                random: Challenge([0; 32]),
            },
            true,
        ),
        (
            Command::ProveKey {
                realm: realm(),
                environment,
                account: account.clone(),
                ca: None,
                proof: GivenProof::Signature(Vec::new()),
            },
            true,
        ),
        (
            Command::PromoteInstallation {
                realm: realm(),
                account: account.clone(),
            },
            false,
        ),
        (
            Command::RestoreInstallations {
                realm: realm(),
                environment,
                account: Some(account),
            },
            false,
        ),
        (
            Command::RemoveServerIdentity {
                realm: realm(),
                environment,
            },
            false,
        ),
        (
            Command::ProvideServerIdentity {
                slot: IdentitySlot::Realm(realm(), environment),
                certificate,
            },
            false,
        ),
    ]
}

/// The place of a command in the list above; a new command has none, and this does not compile until it has.
const fn place(command: &Command) -> usize {
    match command {
        Command::CreateRealm { .. } => 0,
        Command::SuspendRealm { .. } => 1,
        Command::ResumeRealm { .. } => 2,
        Command::DeleteRealm { .. } => 3,
        Command::SaveAccount { .. } => 4,
        Command::DeleteAccount { .. } => 5,
        Command::RequestInstallation { .. } => 6,
        Command::Install { .. } => 7,
        Command::RejectInstallation { .. } => 8,
        Command::RemoveInstallation { .. } => 9,
        Command::SaveTrustPolicy { .. } => 10,
        Command::SaveCrl { .. } => 11,
        Command::RemoveCrl { .. } => 12,
        Command::SaveCrlSource { .. } => 13,
        Command::DeleteCrlSource { .. } => 14,
        Command::SavePipeline { .. } => 17,
        Command::DeletePipeline { .. } => 18,
        Command::Deploy { .. } => 19,
        Command::Undeploy { .. } => 20,
        Command::SaveConnection { .. } => 21,
        Command::DeleteConnection { .. } => 22,
        Command::CreateToken { .. } => 23,
        Command::RevokeToken { .. } => 24,
        Command::AdoptServerAuthority { .. } => 25,
        Command::AdoptServerIdentity { .. } => 26,
        Command::ProvideServerIdentity {
            slot: IdentitySlot::Admin | IdentitySlot::Public(..),
            ..
        } => 27,
        Command::ResetServerIdentity { .. } => 28,
        Command::BeginProof => 29,
        Command::EndProof { .. } => 30,
        Command::RetireInstallation { .. } => 31,
        Command::KeepInstallation { .. } => 32,
        Command::ChallengeInstallation { .. } => 33,
        Command::ProveKey { .. } => 34,
        Command::PromoteInstallation { .. } => 35,
        Command::RestoreInstallations { .. } => 36,
        Command::RemoveServerIdentity { .. } => 37,
        Command::ProvideServerIdentity {
            slot: IdentitySlot::Realm(..),
            ..
        } => 38,
        Command::Deny { .. } => 15,
        Command::Allow { .. } => 16,
    }
}

#[test]
fn every_command_is_allowed_or_not_by_role_and_realm() {
    let (own, other) = (realm("acme"), realm("globex"));
    let (operator, auditor) = (actor(Role::Operator), actor(Role::Auditor));
    let admin = actor(Role::RealmAdmin(own.clone()));
    for (number, (asked, admin_may)) in commands(&own).into_iter().enumerate() {
        assert_eq!(place(&asked), number);
        let action = asked.action();
        assert_eq!(command(&operator, &asked), Ok(()), "{action}");
        assert_eq!(
            command(&auditor, &asked),
            Err(Rejection::Forbidden {
                role: "auditor",
                action
            })
        );
        let expect = if admin_may {
            Ok(())
        } else {
            Err(Rejection::Forbidden {
                role: "realm-admin",
                action,
            })
        };
        assert_eq!(command(&admin, &asked), expect, "{action}");
    }
    for (asked, _) in commands(&other) {
        let expect = match asked.realm() {
            Some(_) if !matches!(asked, Command::CreateRealm { .. }) => Rejection::NoRealm {
                realm: other.clone(),
            },
            Some(_) | None => Rejection::Forbidden {
                role: "realm-admin",
                action: asked.action(),
            },
        };
        assert_eq!(command(&admin, &asked), Err(expect), "{}", asked.action());
    }
}

#[test]
fn every_matter_is_seen_or_not_by_role_and_realm() {
    let (own, other) = (realm("acme"), realm("globex"));
    let admin = actor(Role::RealmAdmin(own.clone()));
    let matters = [
        (Matter::Realm(&own), true),
        (Matter::Status, true),
        (Matter::ServerAuthority, true),
        (Matter::ServerIdentities, false),
        (Matter::Tokens, false),
        (Matter::Audit, false),
        (Matter::OwnRefusals, false),
    ];
    for (matter, admin_may) in matters {
        assert_eq!(read(&actor(Role::Operator), matter), Ok(()));
        assert_eq!(read(&actor(Role::Auditor), matter), Ok(()));
        assert_eq!(read(&admin, matter).is_ok(), admin_may, "{matter:?}");
    }
    let hidden = Rejection::NoRealm {
        realm: other.clone(),
    };
    assert_eq!(read(&admin, Matter::Realm(&other)), Err(hidden.clone()));
    assert_eq!(inside(&admin, &other, "manifest.apply"), Err(hidden));
    assert_eq!(inside(&admin, &own, "manifest.apply"), Ok(()));
    assert!(inside(&actor(Role::Auditor), &own, "manifest.apply").is_err());
    assert!(sees(&admin, &own) && !sees(&admin, &other));
    assert!(sees(&actor(Role::Auditor), &other) && sees(&actor(Role::Operator), &other));
}

#[test]
fn nobody_touches_or_sees_the_reserved_realm() {
    let reserved = RealmName::reserved();
    let refused = Err(Rejection::RealmReserved {
        realm: reserved.clone(),
    });
    let operator = actor(Role::Operator);
    for (asked, _) in commands(&reserved) {
        if asked.realm().is_some() {
            assert_eq!(command(&operator, &asked), refused, "{}", asked.action());
        }
    }
    assert_eq!(inside(&operator, &reserved, "manifest.apply"), refused);
    assert!(!sees(&operator, &reserved));
}
