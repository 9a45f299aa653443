use std::time::Duration;

use super::*;
use crate::domain::account::{AccountType, AccountValues};
use crate::domain::catalog::{Catalog, Rules};
use crate::domain::command::{Command, ValueChange};
use crate::domain::denial::REASON_CHARS_MAX;
use crate::domain::endpoint::{HostLabels, NamePlan};
use crate::domain::environment::PerEnvironment;
use crate::domain::name::{AccountName, RealmName};
use crate::domain::token::Actor;
use crate::pki::authority::{Authority, AuthorityRequest};
use crate::pki::distinguished::DistinguishedName;
use crate::pki::key::KeyChoice;
use crate::pki::serial::SerialNumber;

const WHERE: Environment = Environment::Prod;

fn now() -> Moment {
    Moment::parse("2030-06-01T12:00:00Z").unwrap()
}

fn realm() -> RealmName {
    RealmName::parse("acme").unwrap()
}

fn act(catalog: &mut Catalog, command: &Command, at: Moment) -> Result<Change, Rejection> {
    let (actor, rules) = (
        Actor::system(),
        Rules {
            trust_account_prefix: "dgb-mtls-".to_owned(),
            request_mb_max: 1024,
            names: NamePlan::new("gate.localhost", &HostLabels::default()).unwrap(),
            external_port: None,
        },
    );
    let mut next = catalog.clone();
    let change = next.apply(
        command,
        Circumstances {
            actor: &actor,
            now: at,
            rules: &rules,
        },
    )?;
    *catalog = next;
    Ok(change)
}

fn with_realm() -> Catalog {
    let mut catalog = Catalog::default();
    act(
        &mut catalog,
        &Command::CreateRealm { realm: realm() },
        now(),
    )
    .unwrap();
    catalog
}

fn deny(what: &Denied, reason: &str, until: Option<Moment>) -> Command {
    Command::Deny {
        realm: realm(),
        environment: WHERE,
        what: what.clone(),
        reason: DenialReason::parse(reason).unwrap(),
        until,
    }
}

fn allow(what: &Denied) -> Command {
    Command::Allow {
        realm: realm(),
        environment: WHERE,
        id: what.id(),
    }
}

fn key(number: usize) -> Denied {
    Denied::Key(Fingerprint::of(&number.to_be_bytes()))
}

#[test]
fn what_is_denied_is_kept_changed_and_removed_and_the_audit_tells_it() {
    let mut catalog = with_realm();
    let name = DistinguishedName::parse("CN=a,O=Acme").unwrap();
    let what = Denied::Subject(name);
    let change = act(&mut catalog, &deny(&what, "lost", None), now()).unwrap();
    assert_eq!(change.touched, [Touched::Denial(realm(), WHERE, what.id())]);
    let audit = change.audit.unwrap();
    assert_eq!(
        (audit.action, audit.object.as_str()),
        ("denial.save", "subject CN=a,O=Acme")
    );
    assert_eq!(audit.detail[0], ("reason", "lost".to_owned()));
    assert_eq!(
        act(&mut catalog, &deny(&what, "lost", None), now()),
        Ok(Change::nothing())
    );
    let end = now().plus(Duration::from_secs(1));
    let change = act(&mut catalog, &deny(&what, "found", Some(end)), now()).unwrap();
    let detail = change.audit.unwrap().detail;
    assert!(detail.contains(&("until", end.to_string())), "{detail:?}");
    // The same name, written otherwise, is the same entry.
    let again = Denied::Subject(DistinguishedName::parse("cn=A,o=ACME").unwrap());
    act(&mut catalog, &deny(&again, "gone", Some(end)), now()).unwrap();
    let stored = catalog.realms[&realm()].denials.get(WHERE).clone();
    assert_eq!(stored.len(), 1);
    let stored = &stored[&what.id()];
    assert_eq!(stored.reason.to_string(), "gone");
    let removed = act(&mut catalog, &allow(&what), now()).unwrap();
    assert_eq!(removed.audit.unwrap().action, "denial.remove");
    assert!(matches!(
        act(&mut catalog, &allow(&what), now()),
        Err(Rejection::NoDenial { .. })
    ));
    assert!(catalog.realms[&realm()].denials.get(WHERE).is_empty());
}

#[test]
fn a_denial_cannot_begin_over_but_one_that_ended_may_be_given_again() {
    let mut catalog = with_realm();
    let end = now().plus(Duration::from_secs(1));
    assert_eq!(
        act(&mut catalog, &deny(&key(1), "lost", Some(now())), now()),
        Err(Rejection::DenialEnded { end: now() })
    );
    act(&mut catalog, &deny(&key(1), "lost", Some(end)), now()).unwrap();
    // It stays listed.
    assert_eq!(
        act(&mut catalog, &deny(&key(1), "lost", Some(end)), end),
        Ok(Change::nothing())
    );
    let longer = end.plus(Duration::from_secs(1));
    act(&mut catalog, &deny(&key(1), "lost", Some(longer)), end).unwrap();
}

#[test]
fn there_is_an_end_to_the_list() {
    let mut catalog = with_realm();
    for number in 0..DENIALS_MAX {
        act(&mut catalog, &deny(&key(number), "lost", None), now()).unwrap();
    }
    let one_more = deny(&key(DENIALS_MAX), "lost", None);
    assert!(matches!(
        act(&mut catalog, &one_more, now()),
        Err(Rejection::TooMany {
            most: DENIALS_MAX,
            ..
        })
    ));
    let longest = "a".repeat(REASON_CHARS_MAX);
    act(&mut catalog, &deny(&key(0), &longest, None), now()).unwrap();
    act(&mut catalog, &allow(&key(1)), now()).unwrap();
    act(&mut catalog, &one_more, now()).unwrap();
    let gone = act(
        &mut catalog,
        &Command::DeleteRealm { realm: realm() },
        now(),
    )
    .unwrap();
    let rows = gone.touched.iter();
    let rows = rows.filter(|row| matches!(row, Touched::Denial(..)));
    assert_eq!(rows.count(), DENIALS_MAX);
}

#[test]
fn whoever_denies_an_anchor_is_told() {
    let mut catalog = with_realm();
    let ca = Authority::self_signed(&AuthorityRequest {
        common_name: "Acme CA".to_owned(),
        organization: None,
        not_before: now().minus(Duration::from_secs(86_400)),
        not_after: now().plus(Duration::from_secs(86_400)),
        path_length: None,
        key: KeyChoice::EcP256,
    })
    .unwrap();
    let account = AccountName::parse("dgb-mtls-a").unwrap();
    let commands = [
        Command::SaveAccount {
            realm: realm(),
            name: account.clone(),
            account_type: AccountType::CertificateChain,
            values: PerEnvironment {
                test: ValueChange::Keep,
                prod: ValueChange::Set(AccountValues::CertificateChain {
                    certificates: vec![ca.certificate.clone()],
                    helpers: Vec::new(),
                    key: None,
                }),
            },
        },
        Command::RequestInstallation {
            realm: realm(),
            environment: WHERE,
            account: account.clone(),
        },
        Command::Install {
            realm: realm(),
            environment: WHERE,
            account,
            revision: 1,
        },
    ];
    for command in commands {
        act(&mut catalog, &command, now()).unwrap();
    }
    let facts = ca.certificate.facts();
    let name = |raw| DistinguishedName::from_der(raw).unwrap();
    let serial = |issuer| Denied::Serial {
        serial: SerialNumber::of(facts),
        issuer,
    };
    let about_it = [
        Denied::Certificate(ca.certificate.fingerprint()),
        Denied::Key(facts.spki_sha256),
        serial(None),
        serial(Some(name(&facts.raw_issuer))),
        Denied::Subject(name(&facts.raw_subject)),
    ];
    for what in about_it {
        let change = act(&mut catalog, &deny(&what, "stolen", None), now()).unwrap();
        let [told] = change.warnings.as_slice() else {
            panic!("{what}: {:?}", change.warnings);
        };
        assert!(told.to_string().contains("CN=Acme CA"), "{told}");
    }
    let other = serial(Some(DistinguishedName::parse("CN=Other").unwrap()));
    let change = act(&mut catalog, &deny(&other, "stolen", None), now()).unwrap();
    assert_eq!(change.warnings, []);
}
