use std::time::Duration;

use super::*;
use crate::clock::Moment;
use crate::domain::account::AccountValues;
use crate::domain::catalog::{Catalog, Rules};
use crate::domain::command::{Command, ValueChange};
use crate::domain::endpoint::{HostLabels, NamePlan};
use crate::domain::environment::PerEnvironment;
use crate::domain::name::{AccountName, RealmName};
use crate::domain::token::Actor;
use crate::domain::trust_policy::{AnchorException, Pin, Revocation};
use crate::pki::authority::{Authority, AuthorityRequest};
use crate::pki::certificate::Certificate;
use crate::pki::crl_testing::{self, CrlMade};
use crate::pki::crl_writer::Draft;
use crate::pki::key::KeyChoice;

const WHERE: Environment = Environment::Prod;

fn now() -> Moment {
    Moment::parse("2030-06-01T12:00:00Z").unwrap()
}

fn at(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}

fn realm() -> RealmName {
    RealmName::parse("acme").unwrap()
}

fn ca(name: &str) -> Authority {
    Authority::self_signed(&AuthorityRequest {
        common_name: name.to_owned(),
        organization: None,
        not_before: now().minus(Duration::from_secs(86_400)),
        not_after: now().plus(Duration::from_secs(365 * 86_400)),
        path_length: None,
        key: KeyChoice::EcP256,
    })
    .unwrap()
}

/// A catalog with one realm, in which things are done.
struct House(Catalog);

impl House {
    /// A realm with a trust account that holds these certificates.
    fn with(certificates: &[&Authority]) -> Self {
        let mut house = Self(Catalog::default());
        house.act(&Command::CreateRealm { realm: realm() }).unwrap();
        let certificates = certificates.iter().map(|ca| ca.certificate.clone());
        house.trust("dgb-mtls-a", certificates.collect(), Vec::new());
        house
    }

    fn trust(&mut self, name: &str, certificates: Vec<Certificate>, helpers: Vec<Certificate>) {
        let given = AccountValues::CertificateChain {
            certificates,
            helpers,
            key: None,
        };
        let command = Command::SaveAccount {
            realm: realm(),
            name: AccountName::parse(name).unwrap(),
            account_type: given.account_type(),
            values: PerEnvironment {
                test: ValueChange::Keep,
                prod: ValueChange::Set(given),
            },
        };
        self.act(&command).unwrap();
    }

    fn act(&mut self, command: &Command) -> Result<Change, Rejection> {
        let (actor, rules) = (
            Actor::system(),
            Rules {
                external_port: None,
                trust_account_prefix: "dgb-mtls-".to_owned(),
                request_mb_max: 1,
                names: NamePlan::new("gate.localhost", &HostLabels::default()).unwrap(),
            },
        );
        let mut next = self.0.clone();
        let around = Circumstances {
            actor: &actor,
            now: now(),
            rules: &rules,
        };
        let change = next.apply(command, around)?;
        self.0 = next;
        Ok(change)
    }

    fn add(&mut self, crl: &Crl, intake: Intake) -> Result<Change, Rejection> {
        self.act(&Command::SaveCrl {
            realm: realm(),
            environment: WHERE,
            crl: crl.clone(),
            intake,
        })
    }

    fn ask(&mut self, policy: TrustPolicy) -> Result<Change, Rejection> {
        self.act(&Command::SaveTrustPolicy {
            realm: realm(),
            environment: WHERE,
            policy: Arc::new(policy),
        })
    }

    /// The lists that are kept.
    fn kept(&self) -> Vec<Crl> {
        let realm = self.0.realm(&realm()).unwrap();
        let lists = realm.crls.get(WHERE).values();
        lists.map(|list| list.crl.clone()).collect()
    }

    fn keeps(&self, lists: &[&Crl]) -> bool {
        let kept = self.kept();
        kept.len() == lists.len() && lists.iter().all(|list| kept.contains(list))
    }
}

fn edition(ca: &Authority, number: u8) -> Crl {
    let made = CrlMade {
        number: Some(number),
        ..CrlMade::default()
    };
    crl_testing::list(ca, &made)
}

fn warned(change: &Change, words: &str) -> bool {
    change
        .warnings
        .iter()
        .any(|warning| warning.to_string().contains(words))
}

fn revocation(scope: RevocationScope) -> TrustPolicy {
    TrustPolicy {
        revocation: Revocation {
            scope,
            ..Revocation::default()
        },
        ..TrustPolicy::default()
    }
}

#[test]
fn a_later_edition_takes_the_place_of_an_earlier_one_and_never_the_other_way_round() {
    let ca = ca("Acme CA");
    let mut house = House::with(&[&ca]);
    let (first, second, third) = (edition(&ca, 1), edition(&ca, 2), edition(&ca, 200));
    let change = house.add(&second, Intake::Alone).unwrap();
    assert_eq!(change.warnings, []);
    assert_eq!(
        house.add(&second, Intake::Alone).unwrap(),
        Change::nothing()
    );
    let older = house.add(&first, Intake::Alone).unwrap_err();
    assert_eq!(older.code(), "crl-older");
    let left_out = house.add(&first, Intake::AmongOthers).unwrap();
    assert!(left_out.touched.is_empty() && warned(&left_out, "is older than the stored one"));
    assert!(house.keeps(&[&second]));
    let change = house.add(&third, Intake::Alone).unwrap();
    assert!(house.keeps(&[&third]));
    let touched = [&third, &second]
        .map(|list| Touched::Crl(realm(), WHERE, list.fingerprint()))
        .to_vec();
    assert_eq!(change.touched, touched);
    let audit = change.audit.unwrap();
    assert_eq!(audit.action, "crl.save");
    assert!(audit.detail.contains(&("number", "200".to_owned())));
    let superseded = ("supersedes", second.fingerprint().to_string());
    assert!(audit.detail.contains(&superseded), "{:?}", audit.detail);
}

#[test]
fn without_numbers_the_time_of_issue_decides() {
    let ca = ca("Acme CA");
    let of = |text: &str| {
        let made = CrlMade {
            number: None,
            this_update: at(text),
            ..CrlMade::default()
        };
        crl_testing::list(&ca, &made)
    };
    let (earlier, later) = (of("2030-05-01T00:00:00Z"), of("2030-05-01T00:00:01Z"));
    let mut house = House::with(&[&ca]);
    house.add(&earlier, Intake::Alone).unwrap();
    house.add(&later, Intake::Alone).unwrap();
    assert!(house.keeps(&[&later]));
    let older = house.add(&earlier, Intake::Alone).unwrap_err();
    assert_eq!(older.code(), "crl-older");
}

#[test]
fn lists_of_one_edition_and_of_several_keys_lie_side_by_side() {
    let (ca, namesake) = (ca("Acme CA"), ca("Acme CA"));
    let mut house = House::with(&[&ca, &namesake]);
    let lists = [edition(&ca, 1), edition(&ca, 1), edition(&namesake, 7)];
    for list in &lists {
        house.add(list, Intake::Alone).unwrap();
    }
    assert!(house.keeps(&lists.each_ref()));
    let of_key = CrlMade {
        number: Some(9),
        authority_key_id: Some(vec![1, 2, 3]),
        ..CrlMade::default()
    };
    let other = crl_testing::list(&ca, &of_key);
    house.add(&other, Intake::Alone).unwrap();
    assert_eq!(house.kept().len(), 4);
}

#[test]
fn a_list_of_a_wrong_key_is_refused_by_itself_and_displaces_nothing_among_others() {
    let (ca, forger, name) = (ca("Acme CA"), ca("Forger"), "signed by none of the keys");
    let raw = &ca.certificate.facts().raw_subject;
    let forged = |number| {
        let made = CrlMade {
            number: Some(number),
            ..CrlMade::default()
        };
        crl_testing::named(raw, &forger, &made)
    };
    let mut house = House::with(&[&ca]);
    let refused = house.add(&forged(9), Intake::Alone).unwrap_err();
    assert_eq!(refused.code(), "crl-not-signed");
    let (good, bad) = (edition(&ca, 3), forged(9));
    house.add(&good, Intake::Alone).unwrap();
    let stored = house.add(&bad, Intake::AmongOthers).unwrap();
    assert!(warned(&stored, name), "{:?}", stored.warnings);
    assert!(house.keeps(&[&good, &bad]));
    // Nor does a forged one with a higher number keep the next good ones out. Which of two is forged is for deciding to
    // find out: they lie side by side.
    let next = edition(&ca, 4);
    house.add(&next, Intake::Alone).unwrap();
    assert!(house.keeps(&[&next, &bad]));
    let last = edition(&ca, 10);
    house.add(&last, Intake::Alone).unwrap();
    assert!(house.keeps(&[&last, &bad]));
}

#[test]
fn a_list_of_an_issuer_that_nobody_knows_is_kept_with_a_warning() {
    let (ca, stranger) = (ca("Acme CA"), ca("Somebody"));
    let mut house = House::with(&[&ca]);
    let list = edition(&stranger, 1);
    let change = house.add(&list, Intake::Alone).unwrap();
    assert!(warned(&change, "no certificate of CN=Somebody is known"));
    // A helper makes it known.
    let chain = vec![ca.certificate];
    house.trust("dgb-mtls-a", chain, vec![stranger.certificate.clone()]);
    let change = house.add(&edition(&stranger, 2), Intake::Alone).unwrap();
    assert_eq!(change.warnings, []);
    assert_eq!(house.kept().len(), 1);
}

#[test]
fn a_list_that_is_not_in_force_yet_leaves_the_present_one_at_work() {
    let ca = ca("Acme CA");
    let mut house = House::with(&[&ca]);
    let ahead = CrlMade {
        number: Some(5),
        this_update: now().plus(Duration::from_secs(3600)),
        ..CrlMade::default()
    };
    let (present, ahead) = (edition(&ca, 1), crl_testing::list(&ca, &ahead));
    house.add(&present, Intake::Alone).unwrap();
    let change = house.add(&ahead, Intake::Alone).unwrap();
    assert!(warned(&change, "does not count until then"));
    assert!(house.keeps(&[&present, &ahead]));
    let next = edition(&ca, 2);
    house.add(&next, Intake::Alone).unwrap();
    assert!(house.keeps(&[&next, &ahead]));
}

#[test]
fn a_list_needs_an_end_and_one_that_is_over_is_told() {
    let ca = ca("Acme CA");
    let mut house = House::with(&[&ca]);
    let made = |next_update| {
        let made = CrlMade {
            next_update,
            ..CrlMade::default()
        };
        crl_testing::list(&ca, &made)
    };
    let endless = made(None);
    let refused = house.add(&endless, Intake::Alone).unwrap_err();
    assert_eq!(refused.code(), "crl-without-end");
    let change = house.add(&endless, Intake::AmongOthers).unwrap();
    assert!(warned(&change, "has no nextUpdate"));
    let over = made(Some(at("2030-05-30T00:00:00Z")));
    let change = house.add(&over, Intake::Alone).unwrap();
    assert!(warned(&change, "is out of date since 2030-05-30T00:00:00"));
}

#[test]
fn a_list_that_is_over_takes_the_place_of_none_that_is_in_force() {
    let ca = ca("Acme CA");
    let mut house = House::with(&[&ca]);
    let current = edition(&ca, 1);
    house.add(&current, Intake::Alone).unwrap();
    let over = CrlMade {
        number: Some(2),
        next_update: Some(at("2030-05-30T00:00:00Z")),
        ..CrlMade::default()
    };
    let over = crl_testing::list(&ca, &over);
    let refused = house.add(&over, Intake::Alone).unwrap_err();
    assert_eq!(refused.code(), "crl-over");
    assert!(house.keeps(&[&current]));
}

#[test]
fn a_list_that_is_removed_is_gone_and_removing_it_again_says_so() {
    let ca = ca("Acme CA");
    let mut house = House::with(&[&ca]);
    let list = edition(&ca, 1);
    house.add(&list, Intake::Alone).unwrap();
    house.ask(revocation(RevocationScope::Leaf)).unwrap();
    let remove = Command::RemoveCrl {
        realm: realm(),
        environment: WHERE,
        sha256: list.fingerprint(),
    };
    let change = house.act(&remove).unwrap();
    assert!(warned(&change, "has none there"), "{:?}", change.warnings);
    assert_eq!(house.kept(), []);
    assert_eq!(house.act(&remove).unwrap_err().code(), "no-crl");
}

#[test]
fn what_asks_less_of_clients_is_told() {
    let mut house = House::with(&[&ca("Acme CA")]);
    let pinned = TrustPolicy {
        pins: [Pin::Key(Fingerprint::of(b"key"))].into(),
        ..revocation(RevocationScope::Chain)
    };
    let change = house.ask(pinned.clone()).unwrap();
    assert_eq!(change.touched, [Touched::TrustPolicy(realm(), WHERE)]);
    assert!(warned(&change, "has none there"));
    let audit = change.audit.unwrap();
    let told = [
        ("revocation", "off → chain".to_owned()),
        ("pins-added", "1".to_owned()),
    ];
    assert_eq!(
        (audit.action, audit.detail.as_slice()),
        ("trust.save", told.as_slice())
    );
    assert_eq!(house.ask(pinned).unwrap(), Change::nothing());
    let change = house.ask(TrustPolicy::default()).unwrap();
    assert!(warned(&change, "revocation is off") && warned(&change, "has no pins"));
}

#[test]
fn there_are_bounds() {
    let ca = ca("Acme CA");
    let mut house = House::with(&[&ca]);
    let fingerprint = |number: usize| Fingerprint::of(&number.to_le_bytes());
    let many_pins = TrustPolicy {
        pins: (0..=PINS_MAX).map(|n| Pin::Key(fingerprint(n))).collect(),
        ..TrustPolicy::default()
    };
    let exception = AnchorException {
        scope: Some(RevocationScope::Off),
        out_of_date: None,
    };
    let many_exceptions = TrustPolicy {
        exceptions: (0..=EXCEPTIONS_MAX)
            .map(|n| (fingerprint(n), exception))
            .collect(),
        ..TrustPolicy::default()
    };
    for policy in [many_pins, many_exceptions] {
        assert_eq!(house.ask(policy).unwrap_err().code(), "too-many");
    }
    let list = |number: u16| {
        let made = CrlMade {
            authority_key_id: Some(number.to_be_bytes().to_vec()),
            ..CrlMade::default()
        };
        crl_testing::list(&ca, &made)
    };
    for number in 0..1_000 {
        house.add(&list(number), Intake::Alone).unwrap();
    }
    let refused = house.add(&list(1_000), Intake::Alone).unwrap_err();
    assert_eq!(refused.code(), "too-many");
}

#[test]
fn a_realm_that_goes_takes_its_policies_and_lists_along() {
    let ca = ca("Acme CA");
    let mut house = House::with(&[&ca]);
    let list = edition(&ca, 1);
    house.add(&list, Intake::Alone).unwrap();
    house.ask(revocation(RevocationScope::Leaf)).unwrap();
    let change = house.act(&Command::DeleteRealm { realm: realm() }).unwrap();
    for row in [
        Touched::TrustPolicy(realm(), WHERE),
        Touched::Crl(realm(), WHERE, list.fingerprint()),
    ] {
        assert!(change.touched.contains(&row), "{row:?}");
    }
}

#[test]
fn a_list_that_comes_by_itself_is_held_to_more_and_the_present_one_stays() {
    let (ours, other) = (ca("Acme"), ca("Other"));
    let mut house = House::with(&[&ours]);
    let present = edition(&ours, 5);
    house.add(&present, Intake::ByItself).unwrap();
    let made = |number, end| {
        let made = CrlMade {
            number: Some(number),
            this_update: at("2030-05-02T00:00:00Z"),
            next_update: end,
            ..CrlMade::default()
        };
        crl_testing::list(&ours, &made)
    };
    let key = rcgen::KeyPair::try_from(ours.key.pkcs8()).unwrap();
    let draft = Draft::of(&ours.certificate.facts().raw_subject);
    let odd = draft.number(6).extension(99, true, &[5, 0]);
    let odd = Crl::from_der(&odd.sign(&key)).unwrap();
    let twin = crl_testing::list(&ca("Acme"), &CrlMade::default());
    let cases = [
        (edition(&ours, 4), "crl-older"),
        (edition(&other, 9), "crl-issuer-unknown"),
        (twin, "crl-not-signed"),
        (made(6, None), "crl-without-end"),
        (made(6, Some(at("2030-05-03T00:00:00Z"))), "crl-over"),
        (odd, "crl-not-understood"),
    ];
    for (list, code) in cases {
        let rejection = house.add(&list, Intake::ByItself).unwrap_err();
        assert_eq!(rejection.code(), code);
        assert!(house.keeps(&[&present]), "{code}");
    }
    // ECDSA signs differently each time.
    let copy = edition(&ours, 5);
    assert_ne!(copy, present);
    let change = house.add(&copy, Intake::ByItself).unwrap();
    assert_eq!(change, Change::nothing());
    assert!(house.keeps(&[&present]));
}

#[test]
fn delta_lists_and_the_parts_of_a_split_one_take_each_other_s_place_in_no_way() {
    let ours = ca("Acme");
    let mut house = House::with(&[&ours]);
    let key = rcgen::KeyPair::try_from(ours.key.pkcs8()).unwrap();
    let draft = || Draft::of(&ours.certificate.facts().raw_subject);
    let list = |draft: Draft| Crl::from_der(&draft.sign(&key)).unwrap();
    // Whatever is for end entities (1), or for CAs (2).
    let users: &[&[u8]] = &[&[0x81, 1, 0xff]];
    let authorities: &[&[u8]] = &[&[0x82, 1, 0xff]];
    let first = [
        list(draft().number(1).scope(users)),
        list(draft().number(1).scope(authorities)),
        list(draft().number(1)),
        list(draft().number(2).delta(1)),
    ];
    for one in &first {
        house.add(one, Intake::ByItself).unwrap();
    }
    assert!(house.keeps(&first.each_ref()));
    let users = list(draft().number(2).scope(users));
    house.add(&users, Intake::ByItself).unwrap();
    assert!(house.keeps(&[&users, &first[1], &first[2], &first[3]]));
    let delta = list(draft().number(3).delta(1));
    house.add(&delta, Intake::ByItself).unwrap();
    assert!(house.keeps(&[&users, &first[1], &first[2], &delta]));
    let whole = list(draft().number(3));
    house.add(&whole, Intake::ByItself).unwrap();
    assert!(house.keeps(&[&users, &first[1], &whole, &delta]));
}
