use rcgen::{
    DnType, ExtendedKeyUsagePurpose, GeneralSubtree, KeyUsagePurpose, NameConstraints, SanType,
};

use super::{check, check_within};
use crate::trust::limits::TrustLimits;
use crate::trust::reason::Reason;
use crate::trust::set::TrustSet;
use crate::trust::workshop::*;

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

#[test]
fn an_issuer_that_is_not_known() {
    let root = Made::root(ca("Root"));
    let stranger = Made::root(ca("Stranger"));
    let middle = stranger.issue(ca("Middle"));
    let leaf = middle.issue(client("client"));
    let trust = set(&[&root]);
    check(
        &trust,
        &chain(&[&leaf]),
        Reason::UnknownIssuer,
        &["CN=client", "CN=Middle"],
    );
    check(
        &trust,
        &chain(&[&leaf, &middle]),
        Reason::UnknownIssuer,
        &["CN=Middle", "CN=Stranger"],
    );
    check(
        &trust,
        &chain(&[&leaf, &middle, &stranger]),
        Reason::UnknownIssuer,
        &["CN=Stranger", "by itself"],
    );
    let own = Made::root(client("self-made"));
    check(
        &trust,
        &chain(&[&own]),
        Reason::UnknownIssuer,
        &["CN=self-made", "by itself"],
    );
    check(
        &TrustSet::default(),
        &chain(&[&leaf]),
        Reason::UnknownIssuer,
        &[],
    );
}

#[test]
fn a_stranger_who_took_the_anchors_name() {
    let root = Made::root(ca("Root"));
    let namesake = Made::root(ca("Root"));
    let leaf = namesake.issue(client("client"));
    for presented in [chain(&[&leaf]), chain(&[&leaf, &namesake])] {
        check(&set(&[&root]), &presented, Reason::UnknownIssuer, &["CN="]);
    }
    let liar = Made::root(with_key_id(
        ca("Root"),
        root.certificate.facts().subject_key_id.as_deref().unwrap(),
    ));
    let leaf = liar.issue(client("client"));
    for presented in [chain(&[&leaf]), chain(&[&leaf, &liar])] {
        check(
            &set(&[&root]),
            &presented,
            Reason::BadSignature,
            &["CN=client", "trust anchor CN=Root"],
        );
    }
}

#[test]
fn an_intermediate_that_the_client_left_out() {
    let acme = |common_name| {
        with(ca(common_name), |params| {
            params
                .distinguished_name
                .push(DnType::OrganizationName, "Acme")
        })
    };
    let root = Made::root(acme("Root"));
    let middle = root.issue(acme("Middle"));
    let low = middle.issue(ca("Low"));
    let leaf = low.issue(client("client"));
    let trust = set(&[&root]);
    check(
        &trust,
        &chain(&[&leaf, &middle]),
        Reason::IncompleteChain,
        &["CN=client", "CN=Low"],
    );
    check(
        &trust,
        &chain(&[&leaf, &root]),
        Reason::IncompleteChain,
        &["CN=client", "CN=Low"],
    );
    check(
        &trust,
        &chain(&[&leaf, &low]),
        Reason::IncompleteChain,
        &["CN=Low", "CN=Middle"],
    );
    check(
        &trust,
        &chain(&[&leaf]),
        Reason::UnknownIssuer,
        &["CN=client", "CN=Low"],
    );
    let helped = set_with_helpers(&[&root], &[&low]);
    check(
        &helped,
        &chain(&[&leaf]),
        Reason::IncompleteChain,
        &["CN=Low", "CN=Middle"],
    );
}

#[test]
fn an_issuer_that_may_not_issue() {
    let root = Made::root(ca("Root"));
    let trust = set(&[&root]);
    let cases = [
        (client("Middle"), Reason::NotACa, "not a CA"),
        (
            with(ca("Middle"), |params| {
                params.is_ca = rcgen::IsCa::ExplicitNoCa
            }),
            Reason::NotACa,
            "not a CA",
        ),
        (bare("Middle"), Reason::NotACa, "not a CA"),
        (
            with(ca("Middle"), |p| {
                p.key_usages = vec![KeyUsagePurpose::CrlSign]
            }),
            Reason::WrongUsage,
            "keyCertSign",
        ),
        (
            with(ca("Middle"), |p| {
                p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]
            }),
            Reason::WrongUsage,
            "serverAuth",
        ),
    ];
    for (params, reason, words) in cases {
        let middle = root.issue(params);
        let leaf = middle.issue(client("client"));
        check(
            &trust,
            &chain(&[&leaf, &middle]),
            reason,
            &["intermediate certificate CN=Middle", words],
        );
    }
}

#[test]
fn more_intermediates_than_allowed() {
    let root = Made::root(with_path_length(ca("Root"), 1));
    let middle = root.issue(ca("Middle"));
    let low = middle.issue(ca("Low"));
    let leaf = low.issue(client("client"));
    check(
        &set(&[&root]),
        &chain(&[&leaf, &low, &middle]),
        Reason::PathTooLong,
        &["trust anchor CN=Root", "2"],
    );

    let root = Made::root(ca("Root"));
    let middle = root.issue(with_path_length(ca("Middle"), 0));
    let low = middle.issue(ca("Low"));
    let leaf = low.issue(client("client"));
    let presented = chain(&[&leaf, &low, &middle]);
    check(
        &set(&[&root]),
        &presented,
        Reason::PathTooLong,
        &["intermediate certificate CN=Middle", "1"],
    );

    let low = root.issue(ca("Middle")).issue(ca("Low"));
    let limits = TrustLimits {
        path_intermediates_max: 0,
        ..TrustLimits::default()
    };
    let presented = chain(&[&low.issue(client("client")), &low]);
    check_within(
        &set(&[&root]),
        &presented,
        &limits,
        Reason::PathTooLong,
        &["CN=client", "0"],
    );
}

#[test]
fn names_outside_of_the_constraints() {
    let constraints = NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("acme.example".to_owned())],
        excluded_subtrees: vec![GeneralSubtree::DnsName("secret.acme.example".to_owned())],
    };
    let constrained = |params| {
        with(params, |params| {
            params.name_constraints = Some(constraints.clone())
        })
    };
    let plain = |params| params;
    type Edit<'a> = &'a dyn Fn(rcgen::CertificateParams) -> rcgen::CertificateParams;
    let places: [(Edit<'_>, Edit<'_>); 2] = [(&constrained, &plain), (&plain, &constrained)];
    for (of_root, of_middle) in places {
        let root = Made::root(of_root(ca("Root")));
        let middle = root.issue(of_middle(ca("Middle")));
        for name in ["globex.example", "a.secret.acme.example"] {
            let leaf = middle.issue(with(client("client"), |params| {
                params.subject_alt_names = vec![dns(name)]
            }));
            check(
                &set(&[&root]),
                &chain(&[&leaf, &middle]),
                Reason::NameConstraint,
                &["CN=client"],
            );
        }
    }
}

#[test]
fn name_constraints_above_an_issuer_whose_name_is_spelled_in_two_ways() {
    let constraints = NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("acme.example".to_owned())],
        excluded_subtrees: Vec::new(),
    };
    let root = Made::root(with(ca("Root"), |params| {
        params.name_constraints = Some(constraints)
    }));
    let middle = root.issue(ca("Middle"));
    let named = |host: &str| {
        let params = with(client("client"), |params| {
            params.subject_alt_names = vec![dns(host)]
        });
        let leaf = middle.calling_itself(name("MIDDLE")).issue(params);
        chain(&[&leaf, &middle])
    };
    assert!(super::judged(&set(&[&root]), &named("a.acme.example")).is_ok());
    check(
        &set(&[&root]),
        &named("a.globex.example"),
        Reason::NameConstraint,
        &["client certificate CN=client", "trust anchor CN=Root"],
    );
}

#[test]
fn an_anchor_shown_as_the_clients_own_certificate() {
    let root = Made::root(ca("Root"));
    check(
        &set(&[&root]),
        &chain(&[&root]),
        Reason::WrongUsage,
        &["client certificate CN=Root", "CA certificate"],
    );
}
