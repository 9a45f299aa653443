//! Who may sign a list: PKITS 4.4.19 to 4.4.21, 4.5, 4.7.4, 4.7.5 and 4.14.22 to 4.14.35.

use std::rc::Rc;

use rcgen::{KeyPair, KeyUsagePurpose};

use super::*;
use crate::pki::crl_writer::{certificate_issuer, directory_name, full_name, reason_code};
use crate::trust::workshop::{ca_without_key_id, with_key_id};

const INDIRECT: &[u8] = &[0x84, 1, 0xff];

/// A certificate that signs lists only.
fn list_signer(common_name: &str) -> CertificateParams {
    with(client(common_name), |params| {
        params.extended_key_usages = Vec::new();
        params.key_usages = vec![KeyUsagePurpose::CrlSign];
    })
}

fn crl_issuer(of: &Made) -> Vec<u8> {
    encode(0xa2, &[&directory_name(name_of(of))])
}

fn new_key() -> Rc<KeyPair> {
    Rc::new(KeyPair::generate().unwrap())
}

#[test]
fn an_issuer_that_may_not_sign_lists_signs_none() {
    let root = Made::root(ca("root"));
    for (case, usages, counts) in [
        ("4.7.4", vec![KeyUsagePurpose::KeyCertSign], false),
        (
            "both",
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign],
            true,
        ),
        ("no usage said", vec![], true),
    ] {
        let ca = root.issue(with(ca("ca"), |params| params.key_usages = usages));
        let client = ca.issue(client("client"));
        let lists = [signed(&list(&root), &root), signed(&list(&ca), &ca)];
        let found = verdict(&[&client, &ca, &root], &[], &lists, CHAIN);
        assert_eq!(found.is_ok(), counts, "{case}: {found:?}");
    }
    let bare = Made::root(ca_without_key_id("bare"));
    let client = bare.issue(client("client"));
    let lists = [signed(&list(&bare), &bare)];
    valid(
        "anchor without usages",
        verdict(&[&client, &bare], &[], &lists, CHAIN),
    );
}

#[test]
fn a_separate_certificate_of_the_issuers_name_may_sign_its_lists() {
    let house = House::new();
    let signer = house.root.issue(list_signer("ca"));
    let good = signed(&list(&house.ca), &signer);
    let bad = signed(&list(&house.ca).revoked(serial(&house.client), 1), &signer);
    valid(
        "4.4.19",
        house.verdict_among(std::slice::from_ref(&good), &[&signer]),
    );
    revoked_in("4.4.20", house.verdict_among(&[bad], &[&signer]));
    unknown_in(
        "not given",
        house.verdict(std::slice::from_ref(&good)),
        "as a helper",
    );
    let revoked = signed(&list(&house.root).revoked(serial(&signer), 1), &house.root);
    unknown_in(
        "4.4.21 signer revoked",
        verdict(
            &house.path(),
            &[&signer],
            &[good.clone(), revoked.clone()],
            CHAIN,
        ),
        "signed with no key",
    );
    let leaf_only = Revocation {
        scope: RevocationScope::Leaf,
        ..CHAIN
    };
    valid(
        "signer not looked up",
        verdict(&house.path(), &[&signer], &[good, revoked], leaf_only),
    );
}

#[test]
fn a_signer_of_another_name_anchor_usage_or_validity_does_not_count() {
    let house = House::new();
    let elsewhere = Made::root(ca("root"));
    let stranger = Made::root(list_signer("ca"));
    let signers = [
        ("other name", house.root.issue(list_signer("cb"))),
        ("other anchor", elsewhere.issue(list_signer("ca"))),
        ("no anchor", stranger),
        ("below a client", house.client.issue(list_signer("ca"))),
        (
            "other usage",
            house.root.issue(with(list_signer("ca"), |params| {
                params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            })),
        ),
        (
            "expired",
            house.root.issue(with(list_signer("ca"), |params| {
                params.not_after = time::macros::datetime!(2030-05-30 0:00 UTC);
            })),
        ),
    ];
    for (case, signer) in signers {
        let list = signed(&list(&house.ca), &signer);
        let others = [&signer, &elsewhere, &house.client];
        unknown_in(
            case,
            house.verdict_among(&[list], &others),
            "signed with no key",
        );
    }
}

#[test]
fn self_issued_certificates_carry_a_new_key() {
    let root = Made::root(ca("root"));
    let old = root.issue(ca("ca"));
    let new = root.issue(ca("ca"));
    let of_root = signed(&list(&root), &root);
    // Certified with the new key, so that clients of the old one have a path.
    let old_with_new = new.issue_for(ca("ca"), Rc::clone(&old.key));
    let client_of_old = old.issue(client("client"));
    let path = [&client_of_old, &old_with_new, &new, &root];
    let good = signed(&list(&new), &new);
    let bad = signed(&list(&new).revoked(serial(&client_of_old), 1), &new);
    let stale = signed(&list(&new).revoked(serial(&old_with_new), 1), &new);
    valid(
        "4.5.1",
        verdict(&path, &[], &[of_root.clone(), good], CHAIN),
    );
    revoked_in("4.5.2", verdict(&path, &[], &[of_root.clone(), bad], CHAIN));
    revoked_in(
        "4.5.5",
        verdict(&path, &[], &[of_root.clone(), stale], CHAIN),
    );
    // Certified with the old key: the list that the new one signed covers the new one's certificate.
    let new_with_old = old.issue_for(ca("ca"), Rc::clone(&new.key));
    let client_of_new = new.issue(client("client"));
    let path = [&client_of_new, &new_with_old, &old, &root];
    for signer in [&old, &new_with_old] {
        let good = signed(&list(&old), signer);
        let bad = signed(&list(&old).revoked(serial(&client_of_new), 1), signer);
        let itself = signed(&list(&old).revoked(serial(&new_with_old), 1), signer);
        valid(
            "4.5.3",
            verdict(&path, &[], &[of_root.clone(), good], CHAIN),
        );
        revoked_in("4.5.4", verdict(&path, &[], &[of_root.clone(), bad], CHAIN));
        let found = verdict(&path, &[], &[of_root.clone(), itself], CHAIN);
        assert!(found.is_err(), "{found:?}");
    }
}

#[test]
fn a_list_may_cover_the_certificate_of_its_own_signer() {
    let house = House::new();
    let signer = house.ca.issue_for(list_signer("ca"), new_key());
    let good = signed(&list(&house.ca), &signer);
    let bad = signed(&list(&house.ca).revoked(serial(&house.client), 1), &signer);
    let itself = signed(&list(&house.ca).revoked(serial(&signer), 1), &signer);
    valid("4.5.6", house.verdict_among(&[good], &[&signer]));
    revoked_in("4.5.7", house.verdict_among(&[bad], &[&signer]));
    unknown_in(
        "lists itself",
        house.verdict_among(&[itself], &[&signer]),
        "no key",
    );
}

#[test]
fn signers_that_hang_on_each_others_lists_do_not_count() {
    let root = Made::root(ca("root"));
    let [a, b] = [root.issue(ca("a")), root.issue(ca("b"))];
    let client = a.issue(client("client"));
    // Each CA's lists are signed by one that the other has issued.
    let for_a = b.issue(list_signer("a"));
    let for_b = a.issue(list_signer("b"));
    let lists = [
        signed(&list(&root), &root),
        signed(&list(&a), &for_a),
        signed(&list(&b), &for_b),
    ];
    let others = [&a, &b, &for_a, &for_b];
    unknown_in(
        "in a ring",
        verdict(&[&client, &a, &root], &others, &lists, CHAIN),
        "signed with no key",
    );
}

#[test]
fn an_indirect_list_of_the_issuer_itself_counts() {
    let house = House::new();
    let draft = || list(&house.ca).scope(&[INDIRECT]);
    let by_other = draft()
        .entry(
            &[1],
            &[certificate_issuer(name_of(&house.root)), reason_code(1)],
        )
        .revoked(serial(&house.client), 1);
    valid("4.14.22", house.verdict(&[signed(&draft(), &house.ca)]));
    valid(
        "of another issuer",
        house.verdict(&[signed(&by_other, &house.ca)]),
    );
    let draft = draft().revoked(serial(&house.client), 1);
    revoked_in("4.14.23", house.verdict(&[signed(&draft, &house.ca)]));
}

/// A CA whose certificates name another issuer of lists.
struct Indirect {
    root: Made,
    lister: Made,
    ca: Made,
    client: Made,
}

impl Indirect {
    fn new() -> Self {
        Self::with_signer(ca("lister"))
    }

    fn with_signer(signer: CertificateParams) -> Self {
        let root = Made::root(ca("root"));
        let lister = root.issue(signer);
        let ca = root.issue(ca("ca"));
        let client = ca.issue(with_points(client("client"), &[&[&crl_issuer(&lister)]]));
        Self {
            root,
            lister,
            ca,
            client,
        }
    }

    fn verdict(&self, draft: &Draft) -> Result<Moment, Finding> {
        let lists = [
            signed(draft, &self.lister),
            signed(&list(&self.root), &self.root),
        ];
        let path = [&self.client, &self.ca, &self.root];
        verdict(&path, &[&self.lister], &lists, CHAIN)
    }
}

#[test]
fn a_distribution_point_may_name_another_issuer_of_lists() {
    let house = Indirect::new();
    let draft = || list(&house.lister).scope(&[INDIRECT]);
    let issuer = |made: &Made| certificate_issuer(name_of(made));
    let serial = serial(&house.client);
    let of_ca = draft().entry(serial, &[issuer(&house.ca), reason_code(1)]);
    let inherited = draft()
        .entry(&[1], &[issuer(&house.ca), reason_code(1)])
        .revoked(serial, 1);
    let of_others = draft()
        .revoked(serial, 1)
        .entry(serial, &[issuer(&house.root), reason_code(1)]);
    valid("4.14.24", house.verdict(&draft()));
    revoked_in("4.14.26", house.verdict(&of_ca));
    revoked_in("4.14.31 inherited", house.verdict(&inherited));
    valid("4.14.25 of other issuers", house.verdict(&of_others));
    unknown_in(
        "4.14.27 not indirect",
        house.verdict(&list(&house.lister)),
        "another part",
    );
    let other = Draft::of(name_of(&house.ca)).scope(&[INDIRECT]);
    unknown_in("other issuer", house.verdict(&other), "signed with no key");
    let named = |of: &Made| full_name(&[&directory_name(name_of(of))]);
    let at = |of: &Made| list(&house.lister).scope(&[&named(of), INDIRECT]);
    valid(
        "4.14.33 named by its issuer",
        house.verdict(&at(&house.lister)),
    );
    unknown_in(
        "4.14.35 named otherwise",
        house.verdict(&at(&house.ca)),
        "another part",
    );
}

#[test]
fn an_indirect_list_may_cover_its_own_signers_certificate() {
    let root = Made::root(ca("root"));
    let ca = root.issue(ca("ca"));
    let key_id = with_key_id(list_signer("lister"), b"lister");
    let blank = ca.issue(key_id.clone());
    let point = crl_issuer(&blank);
    let lister = ca.issue(with_points(key_id, &[&[&point]]));
    let client = ca.issue(with_points(client("client"), &[&[&point]]));
    let path = [&client, &ca, &root];
    let draft = || list(&lister).scope(&[INDIRECT]).key_id(b"lister");
    let of_root = signed(&list(&root), &root);
    let issuer = certificate_issuer(name_of(&ca));
    let judged = |draft: &Draft| {
        let lists = [of_root.clone(), signed(draft, &lister)];
        verdict(&path, &[&lister], &lists, CHAIN)
    };
    valid("4.14.30", judged(&draft()));
    let bad = draft().entry(serial(&client), &[issuer.clone(), reason_code(1)]);
    revoked_in("4.14.32", judged(&bad));
    let itself = draft().entry(serial(&lister), &[issuer, reason_code(1)]);
    unknown_in("4.14.34", judged(&itself), "signed with no key");
}

#[test]
fn the_issuers_own_list_serves_where_the_named_one_is_missing() {
    let house = Indirect::new();
    let own = signed(&list(&house.ca), &house.ca);
    let lists = [own, signed(&list(&house.root), &house.root)];
    let path = [&house.client, &house.ca, &house.root];
    valid("own list", verdict(&path, &[&house.lister], &lists, CHAIN));
}

#[test]
fn many_presented_certificates_of_one_name_cost_a_bounded_amount() {
    let house = House::new();
    let strangers: Vec<Made> = (0..20).map(|_| Made::root(list_signer("ca"))).collect();
    let others: Vec<&Made> = strangers.iter().collect();
    let lists: Vec<Crl> = (0..20)
        .map(|number| signed(&list(&house.ca).number(number), &strangers[0]))
        .collect();
    let crls = Crls::build(&lists);
    let checks_left = Cell::new(LIST_CHECKS_MAX);
    let found = verdict_at(&house.path(), &others, &crls, CHAIN, now(), &checks_left);
    unknown_in("none of them", found, "signed with no key");
    // Strangers have no path, so only the issuer's own key was tried, once for each list.
    assert_eq!(checks_left.get(), LIST_CHECKS_MAX - 20);
}

#[test]
fn what_a_client_sends_cannot_crowd_out_the_signer_of_a_list() {
    let house = House::new();
    // The CA signs its lists with a second key, whose certificate the realm has.
    let lister = house.root.issue(list_signer("ca"));
    let revoking = list(&house.ca).number(2).revoked(serial(&house.client), 1);
    let clean = signed(&list(&house.ca).number(1), &house.ca);
    let lists = [
        clean,
        signed(&revoking, &lister),
        signed(&list(&house.root), &house.root),
    ];
    let forged: Vec<Made> = (0..20).map(|_| Made::root(list_signer("ca"))).collect();
    let forged: Vec<&Made> = forged.iter().collect();
    let found = verdict_among(
        &house.path(),
        (&[&lister], &forged),
        &Crls::build(&lists),
        CHAIN,
        now(),
        &Cell::new(LIST_CHECKS_MAX),
    );
    revoked_in("crowded", found);
}

#[test]
fn where_a_limit_is_reached_nothing_is_known() {
    let house = House::new();
    let lists = [
        signed(&list(&house.ca), &house.ca),
        signed(&list(&house.root), &house.root),
    ];
    let crls = Crls::build(&lists);
    for (left, enough) in [(0, false), (1, false), (2, true)] {
        let fresh = lists
            .each_ref()
            .map(|list| Crl::from_der(list.der()).unwrap());
        let crls = Crls::build(&fresh);
        let found = verdict_at(&house.path(), &[], &crls, CHAIN, now(), &Cell::new(left));
        if enough {
            valid("enough", found);
        } else {
            unknown_in("too few", found, "Too many revocation lists");
        }
    }
    // A list that cannot be looked at any more might be the one that revokes.
    let other = house.root.issue(list_signer("ca"));
    let more = signed(&list(&house.ca).number(9), &other);
    let crls = Crls::build_again(&[lists.to_vec(), vec![more]].concat(), &crls);
    let found = verdict_at(&house.path(), &[&other], &crls, CHAIN, now(), &Cell::new(2));
    unknown_in("one more", found, "Too many revocation lists");
}
