//! Certificate policies (RFC 5280, 4.2.1.4, 4.2.1.5, 4.2.1.11, 4.2.1.14 and 6.1.3 (d) to 6.1.5 (g)).
//!
//! No realm asks for policies; they matter where a CA of the path asks for them.

use realmgate::trust::reason::Reason;

use crate::foundry::asn1::{oid, sequence};
use crate::foundry::certificate::{Certificate, ca, leaf};
use crate::foundry::extension::{
    ANY_POLICY, Extension, INHIBIT_ANY_POLICY, POLICIES, POLICY_CONSTRAINTS, inhibit_any_policy,
    policies, policy_constraints, policy_mappings,
};
use crate::path_cases::case::{Case, case};

const GOLD: &str = "1.3.6.1.4.1.99999.2.1";
const SILVER: &str = "1.3.6.1.4.1.99999.2.2";
const BRONZE: &str = "1.3.6.1.4.1.99999.2.3";

pub fn cases() -> Vec<Case> {
    let mut cases = not_asked_for();
    cases.extend(asked_for());
    cases.extend(skipped());
    cases.extend(any_policy());
    cases.extend(mapped());
    cases.extend(forms());
    cases.extend(qualified());
    cases
}

/// A path of intermediates with these extensions, the upper ones first, and a client with those of the last.
fn path(name: &'static str, clause: &'static str, all: &[&[Extension]]) -> Case {
    let root = ca("Root");
    let (own, above) = all.split_last().unwrap();
    let with = |certificate: Certificate, extensions: &[Extension]| {
        extensions
            .iter()
            .cloned()
            .fold(certificate, Certificate::with)
    };
    let mut cas: Vec<Certificate> = Vec::new();
    for (number, extensions) in above.iter().enumerate() {
        let issuer = cas.first().unwrap_or(&root);
        let next = with(ca(&format!("Sub {number}")).issued_by(issuer), extensions);
        cas.insert(0, next);
    }
    let client = with(leaf("client").issued_by(&cas[0]), own);
    let sent: Vec<&Certificate> = std::iter::once(&client).chain(&cas).collect();
    case(name, clause, &sent).trusting(&root)
}

/// An explicit policy is asked for, from this certificate on.
fn asking() -> Extension {
    policy_constraints(Some(0), None)
}

fn not_asked_for() -> Vec<Case> {
    vec![
        path(
            "other policies than the issuer's, where none is asked for",
            "6.1.5 (g)",
            &[&[policies(&[GOLD])], &[policies(&[SILVER])]],
        )
        .accepted(),
        path(
            "policies in a client certificate, and none in its issuer",
            "6.1.5 (g)",
            &[&[], &[policies(&[GOLD]).critical()]],
        )
        .accepted(),
    ]
}

fn asked_for() -> Vec<Case> {
    const ASKED: &str = "6.1.3 (d), (f)";
    vec![
        path(
            "a policy is asked for, and is there all along",
            ASKED,
            &[&[policies(&[GOLD]), asking()], &[policies(&[GOLD])]],
        )
        .accepted(),
        path(
            "a policy is asked for, and the client has another",
            ASKED,
            &[&[policies(&[GOLD]), asking()], &[policies(&[SILVER])]],
        )
        .refused(Reason::WrongUsage),
        path(
            "a policy is asked for, and the client has none",
            ASKED,
            &[&[policies(&[GOLD]), asking()], &[]],
        )
        .refused(Reason::WrongUsage),
        path(
            "a policy is asked for by a CA that has none",
            ASKED,
            &[&[asking()], &[policies(&[GOLD])]],
        )
        .refused(Reason::WrongUsage),
        path(
            "a policy is asked for, and the lower CA has none",
            ASKED,
            &[&[policies(&[GOLD]), asking()], &[], &[policies(&[GOLD])]],
        )
        .refused(Reason::WrongUsage),
        path(
            "a policy is asked for, and one of two is left",
            ASKED,
            &[
                &[policies(&[GOLD, SILVER]), asking()],
                &[policies(&[SILVER, BRONZE])],
                &[policies(&[SILVER])],
            ],
        )
        .accepted(),
        path(
            "a policy is asked for by the client's own certificate, which has none",
            "6.1.5 (b), (g)",
            &[&[policies(&[GOLD])], &[asking()]],
        )
        .refused(Reason::WrongUsage),
    ]
}

fn skipped() -> Vec<Case> {
    const SKIPPED: &str = "6.1.4 (h), (i)";
    let asking_after = |skipped: u8| policy_constraints(Some(skipped), None);
    vec![
        path(
            "a policy is asked for five certificates below, and the path ends before",
            SKIPPED,
            &[&[asking_after(5)], &[], &[]],
        )
        .accepted(),
        path(
            "a policy is asked for one certificate below, which is the client's",
            SKIPPED,
            &[&[asking_after(1)], &[], &[]],
        )
        .refused(Reason::WrongUsage),
        path(
            "a lower CA cannot put off what the upper one asks for",
            SKIPPED,
            &[&[asking()], &[asking_after(9)], &[]],
        )
        .refused(Reason::WrongUsage),
    ]
}

fn any_policy() -> Vec<Case> {
    const ANY: &str = "6.1.3 (d)(2), 6.1.4 (j)";
    vec![
        path(
            "any policy of the CA, and one of the client's",
            ANY,
            &[&[policies(&[ANY_POLICY]), asking()], &[policies(&[GOLD])]],
        )
        .accepted(),
        path(
            "one policy of the CA, and any of the client's",
            ANY,
            &[&[policies(&[GOLD]), asking()], &[policies(&[ANY_POLICY])]],
        )
        .accepted(),
        path(
            "any policy where it stands for nothing any more",
            ANY,
            &[
                &[policies(&[GOLD]), asking(), inhibit_any_policy(0)],
                &[policies(&[ANY_POLICY])],
            ],
        )
        .refused(Reason::WrongUsage),
        path(
            "any policy where it stands for nothing from the next certificate on",
            ANY,
            &[
                &[policies(&[GOLD]), asking(), inhibit_any_policy(1)],
                &[policies(&[ANY_POLICY])],
                &[policies(&[GOLD])],
            ],
        )
        .accepted(),
        path(
            "any policy of the client's, one certificate too low",
            ANY,
            &[
                &[policies(&[GOLD]), asking(), inhibit_any_policy(1)],
                &[policies(&[GOLD])],
                &[policies(&[ANY_POLICY])],
            ],
        )
        .refused(Reason::WrongUsage),
    ]
}

fn mapped() -> Vec<Case> {
    const MAPPED: &str = "6.1.4 (a), (b)";
    let gold_to_silver = || policy_mappings(&[(GOLD, SILVER)]);
    vec![
        path(
            "the client has the policy that the asked-for one is mapped to",
            MAPPED,
            &[
                &[policies(&[GOLD]), asking()],
                &[policies(&[GOLD]), gold_to_silver()],
                &[policies(&[SILVER])],
            ],
        )
        .accepted(),
        path(
            "the client has the policy that was mapped to another",
            MAPPED,
            &[
                &[policies(&[GOLD]), asking()],
                &[policies(&[GOLD]), gold_to_silver()],
                &[policies(&[GOLD])],
            ],
        )
        .refused(Reason::WrongUsage),
        path(
            "a policy is mapped where an upper CA does not allow it",
            "6.1.4 (b)(2)",
            &[
                &[policies(&[GOLD]), policy_constraints(Some(0), Some(0))],
                &[policies(&[GOLD]), gold_to_silver()],
                &[policies(&[SILVER])],
            ],
        )
        .refused(Reason::WrongUsage),
        path(
            "a mapping that no path asks for",
            MAPPED,
            &[&[policies(&[GOLD]), gold_to_silver()], &[]],
        )
        .accepted(),
        path(
            "any policy is mapped to one",
            "6.1.4 (a)",
            &[
                &[
                    policies(&[ANY_POLICY]),
                    policy_mappings(&[(ANY_POLICY, GOLD)]),
                ],
                &[policies(&[GOLD])],
            ],
        )
        .refused(Reason::WrongUsage),
        path(
            "a policy is mapped to any",
            "6.1.4 (a)",
            &[
                &[policies(&[GOLD]), policy_mappings(&[(GOLD, ANY_POLICY)])],
                &[policies(&[GOLD])],
            ],
        )
        .refused(Reason::WrongUsage),
    ]
}

fn forms() -> Vec<Case> {
    let empty = Extension::raw(POLICY_CONSTRAINTS, &sequence(&[])).critical();
    let negative = Extension::raw(INHIBIT_ANY_POLICY, &[2, 1, 0xff]).critical();
    let wrong = [
        (
            "policy constraints that are not critical",
            "4.2.1.11",
            policy_constraints(Some(9), None).noncritical(),
        ),
        (
            "inhibitAnyPolicy that is not critical",
            "4.2.1.14",
            inhibit_any_policy(9).noncritical(),
        ),
        ("policy constraints without a constraint", "4.2.1.11", empty),
        ("a negative inhibitAnyPolicy", "4.2.1.14", negative),
        ("the same policy twice", "4.2.1.4", policies(&[GOLD, GOLD])),
    ];
    wrong
        .into_iter()
        .map(|(name, clause, extension)| {
            path(name, clause, &[&[extension], &[]]).refused(Reason::MalformedCertificate)
        })
        .collect()
}

/// certificatePolicies with one policy that has one qualifier.
fn qualified_by(policy: &str, kind: &str, value: &[u8]) -> Extension {
    let qualifier = sequence(&[&oid(kind), value]);
    let one = sequence(&[&oid(policy), &sequence(&[&qualifier])]);
    Extension::raw(POLICIES, &sequence(&[&one]))
}

fn qualified() -> Vec<Case> {
    const QUALIFIERS: &str = "4.2.1.4";
    const PRACTICES: &str = "1.3.6.1.5.5.7.2.1";
    const NOTICE: &str = "1.3.6.1.5.5.7.2.2";
    const OTHER: &str = "1.3.6.1.4.1.99999.3.1";
    let address = b"\x16\x0bhttp://a.b/";
    let other = || qualified_by(GOLD, OTHER, address);
    let practices = qualified_by(GOLD, PRACTICES, address).critical();
    let notice = qualified_by(ANY_POLICY, NOTICE, b"\x30\x03\x0c\x01a").critical();
    let no_address = qualified_by(GOLD, PRACTICES, &[5, 0]).critical();
    vec![
        path(
            "critical policies with a practice statement and a user notice",
            QUALIFIERS,
            &[&[practices], &[notice]],
        )
        .accepted(),
        path(
            "an unknown qualifier of a policy",
            QUALIFIERS,
            &[&[other()], &[other()]],
        )
        .accepted(),
        path(
            "an unknown qualifier in a client's critical policies",
            QUALIFIERS,
            &[&[], &[other().critical()]],
        )
        .refused(Reason::UnknownCriticalExtension),
        path(
            "an unknown qualifier in an intermediate's critical policies",
            QUALIFIERS,
            &[&[other().critical()], &[]],
        )
        .refused(Reason::UnknownCriticalExtension),
        path(
            "a practice statement without an address in critical policies",
            QUALIFIERS,
            &[&[], &[no_address]],
        )
        .refused(Reason::UnknownCriticalExtension),
        path(
            "an unknown qualifier of anyPolicy",
            QUALIFIERS,
            &[&[qualified_by(ANY_POLICY, OTHER, address)], &[]],
        )
        .refused(Reason::MalformedCertificate),
    ]
}
