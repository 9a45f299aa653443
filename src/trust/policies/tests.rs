use std::rc::Rc;

use proptest::prelude::*;
use rcgen::CertificateParams;

use super::*;
use crate::pki::der::{encode, tag};
use crate::trust::workshop::*;

/// What a certificate of a test says of policies; policies are numbers, 0 is anyPolicy.
#[derive(Clone, Debug, Default)]
struct Says {
    policies: Option<Vec<u8>>,
    mappings: Vec<(u8, u8)>,
    explicit: Option<u8>,
    inhibit_mapping: Option<u8>,
    inhibit_any: Option<u8>,
    self_issued: bool,
}

fn says(policies: &[u8]) -> Says {
    Says {
        policies: Some(policies.to_vec()),
        ..Says::default()
    }
}

impl Says {
    fn mapping(mut self, issuer: u8, subject: u8) -> Self {
        self.mappings.push((issuer, subject));
        self
    }

    fn explicit(mut self, after: u8) -> Self {
        self.explicit = Some(after);
        self
    }

    fn inhibit_mapping(mut self, after: u8) -> Self {
        self.inhibit_mapping = Some(after);
        self
    }

    fn inhibit_any(mut self, after: u8) -> Self {
        self.inhibit_any = Some(after);
        self
    }

    fn self_issued(mut self) -> Self {
        self.self_issued = true;
        self
    }

    fn written(&self, params: CertificateParams) -> CertificateParams {
        let mut params = params;
        let mut put = |id: u64, content: Vec<u8>| {
            params = with_extension(
                params.clone(),
                &[2, 5, 29, id],
                &content,
                Criticality::Critical,
            );
        };
        if let Some(policies) = &self.policies {
            let list = policies.iter().map(|policy| sequence(&[oid(*policy)]));
            put(32, sequence(&list.collect::<Vec<_>>()));
        }
        if !self.mappings.is_empty() {
            let list = self
                .mappings
                .iter()
                .map(|(issuer, subject)| sequence(&[oid(*issuer), oid(*subject)]));
            put(33, sequence(&list.collect::<Vec<_>>()));
        }
        let numbers: Vec<Vec<u8>> = [(0x80, self.explicit), (0x81, self.inhibit_mapping)]
            .iter()
            .filter_map(|(tag, after)| Some(encode(*tag, &[&[(*after)?]])))
            .collect();
        if !numbers.is_empty() {
            put(36, sequence(&numbers));
        }
        if let Some(after) = self.inhibit_any {
            put(54, encode(tag::INTEGER, &[&[after]]));
        }
        params
    }
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    encode(tag::SEQUENCE, &parts)
}

fn oid(policy: u8) -> Vec<u8> {
    match policy {
        0 => encode(tag::OID, &[Oid::ANY_POLICY]),
        number => encode(tag::OID, &[&[0x2a, number]]),
    }
}

/// Judges a path below a plain root, given from the first CA down to the client.
fn judged(certificates: &[Says]) -> Result<(), Finding> {
    let mut made = vec![Made::root(ca("Root"))];
    for (place, says) in certificates.iter().enumerate() {
        let issuer = made.last().unwrap();
        let is_leaf = place + 1 == certificates.len();
        let mut params = if is_leaf {
            client("client")
        } else {
            ca(&format!("CA {place}"))
        };
        if says.self_issued {
            params.distinguished_name = issuer.params.distinguished_name.clone();
        }
        // One key for all, because making keys takes long and nobody looks at signatures here.
        let next = issuer.issue_for(says.written(params), Rc::clone(&issuer.key));
        made.push(next);
    }
    made.reverse();
    let certificates: Vec<&Certificate> = made.iter().map(|made| &made.certificate).collect();
    check(&path(&certificates))
}

fn none() -> Says {
    Says::default()
}

/// The sections of NIST's PKITS that speak of policies, by what each one shows, for the inputs that are used here.
#[test]
fn decides_as_pkits_asks_it_to() {
    let p12 = || says(&[1, 2]);
    let p1 = || says(&[1]);
    let any = || says(&[0]);
    let cases: Vec<(&str, bool, Vec<Says>)> = vec![
        // 4.8
        ("4.8 all the same", true, vec![p1().explicit(0), p1()]),
        ("4.8 no policies", true, vec![none(), none()]),
        (
            "4.8 no policies, required",
            false,
            vec![none().explicit(0), none()],
        ),
        ("4.8 different", true, vec![p1(), says(&[2]), p1()]),
        (
            "4.8 different, required",
            false,
            vec![p1().explicit(0), says(&[2]), p1()],
        ),
        (
            "4.8 different at the end",
            false,
            vec![p1().explicit(0), p1(), says(&[2])],
        ),
        (
            "4.8 none in between",
            false,
            vec![p1().explicit(0), none(), p1()],
        ),
        (
            "4.8 overlap",
            true,
            vec![p12().explicit(0), says(&[2, 3]), says(&[2])],
        ),
        (
            "4.8 no overlap",
            false,
            vec![p12().explicit(0), says(&[3]), says(&[3])],
        ),
        (
            "4.8 none left at the end",
            false,
            vec![p12().explicit(0), p1(), says(&[2])],
        ),
        ("4.8 several", true, vec![p12().explicit(0), p12()]),
        ("4.8 all of any", true, vec![any().explicit(0), any()]),
        (
            "4.8 another",
            false,
            vec![says(&[3]).explicit(0), says(&[4])],
        ),
        ("4.8 any above", true, vec![any().explicit(0), p1()]),
        ("4.8 any below", true, vec![p1().explicit(0), any()]),
        // 4.9
        (
            "4.9 required after ten",
            true,
            vec![p1().explicit(10), p1(), p1(), p1(), none()],
        ),
        (
            "4.9 required after five",
            true,
            vec![p1().explicit(5), p1(), p1(), p1(), none()],
        ),
        (
            "4.9 required after four",
            false,
            vec![p1().explicit(4), p1(), p1(), p1(), none()],
        ),
        (
            "4.9 required at once",
            true,
            vec![p1().explicit(0), p1(), p1(), p1(), p1()],
        ),
        (
            "4.9 the earliest counts",
            false,
            vec![
                p1().explicit(7),
                p1().explicit(2),
                p1().explicit(4),
                p1(),
                none(),
            ],
        ),
        (
            "4.9 self-issued do not count",
            true,
            vec![p1().explicit(2), p1().self_issued(), none()],
        ),
        (
            "4.9 self-issued, then one more",
            false,
            vec![p1().explicit(2), p1().self_issued(), p1(), none()],
        ),
        (
            "4.9 two self-issued, then one more",
            false,
            vec![
                p1().explicit(2),
                p1().self_issued(),
                p1(),
                p1().self_issued(),
                none(),
            ],
        ),
        (
            "the client requires it itself",
            false,
            vec![none(), none().explicit(0)],
        ),
        (
            "the client has one and requires it",
            true,
            vec![p1(), p1().explicit(0)],
        ),
        (
            "the client requires it after one more",
            true,
            vec![none(), none().explicit(1)],
        ),
        // 4.10
        (
            "4.10 mapped",
            true,
            vec![p1().explicit(0).mapping(1, 2), says(&[2])],
        ),
        (
            "4.10 not by its old name",
            false,
            vec![p1().explicit(0).mapping(1, 2), p1()],
        ),
        (
            "4.10 mapped from none",
            false,
            vec![says(&[3]).explicit(0).mapping(1, 2), says(&[2])],
        ),
        (
            "4.10 mapped twice",
            true,
            vec![
                p12().explicit(0).mapping(1, 3).mapping(2, 4),
                says(&[3, 4]).mapping(3, 5),
                says(&[5]),
            ],
        ),
        (
            "4.10 mapped away",
            false,
            vec![
                p12().explicit(0).mapping(1, 3).mapping(2, 4),
                says(&[3]).mapping(3, 5),
                says(&[4]),
            ],
        ),
        (
            "4.10 to several",
            true,
            vec![p1().explicit(0).mapping(1, 3).mapping(1, 4), says(&[4])],
        ),
        (
            "4.10 any is mapped",
            true,
            vec![any().explicit(0).mapping(1, 2), says(&[2])],
        ),
        (
            "4.10 any may keep its own",
            true,
            vec![any().explicit(0).mapping(1, 2), p1()],
        ),
        (
            "4.10 to its own name",
            true,
            vec![p1().explicit(0).mapping(1, 1), p1()],
        ),
        (
            "4.10 the client says any",
            true,
            vec![p1().explicit(0).mapping(1, 2), any()],
        ),
        ("4.10 from any", false, vec![any().mapping(0, 1), p1()]),
        ("4.10 to any", false, vec![p1().mapping(1, 0), p1()]),
        (
            "the client maps, which nobody looks at",
            true,
            vec![p1(), p1().mapping(0, 1)],
        ),
        // 4.11
        (
            "4.11 inhibited at once",
            false,
            vec![
                p1().explicit(0).inhibit_mapping(0),
                p1().mapping(1, 2),
                says(&[2]),
            ],
        ),
        (
            "4.11 inhibited after one",
            true,
            vec![
                p1().explicit(0).inhibit_mapping(1),
                p1().mapping(1, 2),
                says(&[2]),
            ],
        ),
        (
            "4.11 inhibited after one, mapped in the second",
            false,
            vec![
                p1().explicit(0).inhibit_mapping(1),
                p1().mapping(1, 2),
                says(&[2]).mapping(2, 3),
                says(&[3]),
            ],
        ),
        (
            "4.11 the earliest counts",
            false,
            vec![
                p1().explicit(0).inhibit_mapping(5),
                p1().inhibit_mapping(0),
                p1().mapping(1, 2),
                says(&[2]),
            ],
        ),
        (
            "4.11 self-issued do not count",
            true,
            vec![
                p1().explicit(0).inhibit_mapping(1),
                p1().self_issued(),
                p1().mapping(1, 2),
                says(&[2]),
            ],
        ),
        (
            "4.11 self-issued, and one more",
            false,
            vec![
                p1().explicit(0).inhibit_mapping(1),
                p1().self_issued(),
                p1().mapping(1, 2),
                says(&[2]).mapping(2, 3),
                says(&[3]),
            ],
        ),
        (
            "inhibited, what is mapped ends",
            false,
            vec![
                p1().explicit(0).inhibit_mapping(0),
                p1().mapping(1, 2),
                p1(),
            ],
        ),
        (
            "inhibited, the rest goes on",
            true,
            vec![
                p12().explicit(0).inhibit_mapping(0),
                p12().mapping(1, 3),
                says(&[2]),
            ],
        ),
        // 4.12
        (
            "4.12 any at once nothing",
            false,
            vec![p1().explicit(0).inhibit_any(0), any()],
        ),
        (
            "4.12 and named",
            true,
            vec![p1().explicit(0).inhibit_any(0), says(&[0, 1])],
        ),
        (
            "4.12 after one",
            true,
            vec![any().explicit(0).inhibit_any(1), any(), p1()],
        ),
        (
            "4.12 after one, in the second",
            false,
            vec![any().explicit(0).inhibit_any(1), any(), any()],
        ),
        (
            "4.12 the earliest counts",
            false,
            vec![
                any().explicit(0).inhibit_any(5),
                any().inhibit_any(1),
                any(),
                any(),
            ],
        ),
        (
            "4.12 self-issued do not count",
            true,
            vec![
                p1().explicit(0).inhibit_any(1),
                any().self_issued(),
                any(),
                p1(),
            ],
        ),
        (
            "4.12 self-issued, then two",
            false,
            vec![
                p1().explicit(0).inhibit_any(1),
                any().self_issued(),
                any(),
                any(),
                p1(),
            ],
        ),
        (
            "4.12 self-issued may say any when others may not",
            true,
            vec![p1().explicit(0).inhibit_any(0), any().self_issued(), p1()],
        ),
        (
            "4.12 a client may not",
            false,
            vec![p1().explicit(0).inhibit_any(0), any().self_issued()],
        ),
    ];
    for (case, accepted, certificates) in cases {
        match judged(&certificates) {
            Ok(()) => assert!(accepted, "{case}"),
            Err(finding) => {
                assert!(!accepted, "{case}: {}", finding.detail);
                assert_eq!(finding.reason, Reason::WrongUsage, "{case}");
            }
        }
    }
}

#[test]
fn says_who_requires_a_policy_and_who_has_none() {
    let finding = judged(&[says(&[1]), says(&[1]).explicit(1), none(), none()]).unwrap_err();
    let detail = finding.detail;
    assert!(
        detail.starts_with("The client certificate CN=client (serial "),
        "{detail}"
    );
    assert!(
        detail.contains("which the intermediate certificate CN=CA 1 (serial "),
        "{detail}"
    );
}

#[test]
fn the_anchor_takes_no_part() {
    let root = Made::root(says(&[1]).explicit(0).inhibit_any(0).written(ca("Root")));
    let leaf = root.issue(client("client"));
    assert_eq!(
        check(&path(&[&leaf.certificate, &root.certificate])),
        Ok(())
    );
}

#[test]
fn refuses_constraints_that_are_not_critical() {
    let root = Made::root(ca("Root"));
    let cases: [(u64, &[u8], &str); 2] = [
        (36, b"\x30\x03\x80\x01\x05", "policyConstraints"),
        (54, b"\x02\x01\x05", "inhibitAnyPolicy"),
    ];
    for (id, content, name) in cases {
        for (criticality, accepted) in [
            (Criticality::Critical, true),
            (Criticality::NotCritical, false),
        ] {
            let middle = with_extension(ca("Middle"), &[2, 5, 29, id], content, criticality);
            let middle = root.issue(middle);
            let leaf = middle.issue(client("client"));
            let verdict = check(&path(&[
                &leaf.certificate,
                &middle.certificate,
                &root.certificate,
            ]));
            match verdict {
                Ok(()) => assert!(accepted),
                Err(finding) => {
                    assert!(
                        !accepted && finding.detail.contains(name),
                        "{}",
                        finding.detail
                    );
                    assert_eq!(finding.reason, Reason::MalformedCertificate);
                }
            }
        }
    }
}

#[test]
fn many_mappings_are_no_work() {
    // In the tree of RFC 5280 each level would multiply the nodes of the one above.
    let all: Vec<u8> = (1..=20).collect();
    let mut level = says(&all).explicit(0);
    for issuer in &all {
        for subject in &all {
            level = level.mapping(*issuer, *subject);
        }
    }
    let mut certificates = vec![level; 8];
    certificates.push(says(&[7]));
    assert_eq!(judged(&certificates), Ok(()));
}

fn any_says() -> impl Strategy<Value = Says> {
    let number = || proptest::option::of(0..4_u8);
    let policies = proptest::option::of(proptest::collection::btree_set(0..4_u8, 1..4));
    let mappings = proptest::collection::vec((1..4_u8, 1..4_u8), 0..3);
    (
        policies,
        mappings,
        number(),
        number(),
        number(),
        any::<bool>(),
    )
        .prop_map(
            |(policies, mappings, explicit, inhibit_mapping, inhibit_any, self_issued)| Says {
                policies: policies.map(|policies| policies.into_iter().collect()),
                mappings,
                explicit,
                inhibit_mapping,
                inhibit_any,
                self_issued,
            },
        )
}

/// RFC 5280, 6.1 word for word, with its tree: as many nodes as there are ways to get to a policy.
mod tree {
    use super::Says;

    #[derive(Clone, Debug)]
    struct Node {
        valid: u8,
        expected: Vec<u8>,
        parent: Option<usize>,
        depth: usize,
        alive: bool,
    }

    pub(super) fn accepts(path: &[Says]) -> bool {
        let n = path.len();
        let mut tree = vec![Node {
            valid: 0,
            expected: vec![0],
            parent: None,
            depth: 0,
            alive: true,
        }];
        let (mut explicit, mut any, mut mapping) = (n + 1, n + 1, n + 1);
        for (i, says) in path.iter().enumerate() {
            let i = i + 1;
            match &says.policies {
                Some(policies) => grow(&mut tree, i, n, policies, any, says.self_issued),
                None => tree.iter_mut().for_each(|node| node.alive = false),
            }
            prune(&mut tree, i);
            if explicit == 0 && !tree.iter().any(|node| node.alive) {
                return false;
            }
            if i == n {
                explicit = explicit.saturating_sub(1);
                if says.explicit == Some(0) {
                    explicit = 0;
                }
                continue;
            }
            map(&mut tree, i, &says.mappings, mapping);
            prune(&mut tree, i);
            if !says.self_issued {
                explicit = explicit.saturating_sub(1);
                any = any.saturating_sub(1);
                mapping = mapping.saturating_sub(1);
            }
            let lower = |value: &mut usize, after: Option<u8>| {
                if let Some(after) = after {
                    *value = (*value).min(usize::from(after));
                }
            };
            lower(&mut explicit, says.explicit);
            lower(&mut mapping, says.inhibit_mapping);
            lower(&mut any, says.inhibit_any);
        }
        explicit > 0 || tree.iter().any(|node| node.alive)
    }

    fn level(tree: &[Node], depth: usize) -> Vec<usize> {
        (0..tree.len())
            .filter(|at| tree[*at].alive && tree[*at].depth == depth)
            .collect()
    }

    fn add(tree: &mut Vec<Node>, parent: usize, valid: u8, expected: Vec<u8>) {
        let depth = tree[parent].depth + 1;
        tree.push(Node {
            valid,
            expected,
            parent: Some(parent),
            depth,
            alive: true,
        });
    }

    fn grow(
        tree: &mut Vec<Node>,
        i: usize,
        n: usize,
        policies: &[u8],
        any: usize,
        self_issued: bool,
    ) {
        let above = level(tree, i - 1);
        for policy in policies.iter().copied().filter(|policy| *policy != 0) {
            let mut matched = false;
            for parent in &above {
                if tree[*parent].expected.contains(&policy) {
                    add(tree, *parent, policy, vec![policy]);
                    matched = true;
                }
            }
            let any_above = above.iter().find(|at| tree[**at].valid == 0);
            if let Some(parent) = any_above.filter(|_| !matched) {
                add(tree, *parent, policy, vec![policy]);
            }
        }
        if policies.contains(&0) && (any > 0 || (i < n && self_issued)) {
            for parent in &above {
                for policy in tree[*parent].expected.clone() {
                    let has = tree.iter().any(|node| {
                        node.alive && node.parent == Some(*parent) && node.valid == policy
                    });
                    if !has {
                        add(tree, *parent, policy, vec![policy]);
                    }
                }
            }
        }
    }

    fn map(tree: &mut Vec<Node>, i: usize, mappings: &[(u8, u8)], allowed: usize) {
        let mut issuers: Vec<u8> = mappings.iter().map(|(issuer, _)| *issuer).collect();
        issuers.sort_unstable();
        issuers.dedup();
        for issuer in issuers {
            let subjects: Vec<u8> = mappings
                .iter()
                .filter(|(from, _)| *from == issuer)
                .map(|(_, to)| *to)
                .collect();
            let here: Vec<usize> = level(tree, i)
                .into_iter()
                .filter(|at| tree[*at].valid == issuer)
                .collect();
            for at in &here {
                if allowed > 0 {
                    tree[*at].expected = subjects.clone();
                } else {
                    tree[*at].alive = false;
                }
            }
            let any_here = level(tree, i).into_iter().find(|at| tree[*at].valid == 0);
            if let Some(any_here) = any_here.filter(|_| allowed > 0 && here.is_empty()) {
                let parent = tree[any_here].parent.unwrap();
                add(tree, parent, issuer, subjects);
            }
        }
    }

    fn prune(tree: &mut [Node], depth: usize) {
        for depth in (0..depth).rev() {
            for at in level(tree, depth) {
                let has_child = tree
                    .iter()
                    .any(|node| node.alive && node.parent == Some(at));
                tree[at].alive = has_child;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn decides_as_the_tree_of_rfc_5280_does(certificates in proptest::collection::vec(any_says(), 1..6)) {
        prop_assert_eq!(judged(&certificates).is_ok(), tree::accepts(&certificates));
    }
}
