use super::*;
use crate::pki::der::encode;

const ONE: &[u8] = &[0x2a, 1];
const TWO: &[u8] = &[0x2a, 2];

fn oid_element(octets: &[u8]) -> Vec<u8> {
    encode(tag::OID, &[octets])
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    encode(tag::SEQUENCE, parts)
}

fn read<T>(decode: fn(&Element<'_>) -> Result<T, NotDer>, value: &[u8]) -> Result<T, NotDer> {
    decode(&strict::element(value)?)
}

#[test]
fn reads_policies_and_passes_over_qualifiers() {
    let qualifier = sequence(&[&oid_element(TWO), b"\x16\x01x"]);
    let with_qualifier = sequence(&[&oid_element(TWO), &sequence(&[&qualifier])]);
    let value = sequence(&[&sequence(&[&oid_element(ONE)]), &with_qualifier]);
    assert_eq!(
        read(policies, &value).unwrap().ids,
        [Oid::from_octets(ONE), Oid::from_octets(TWO)]
    );
    let any = sequence(&[&sequence(&[&oid_element(Oid::ANY_POLICY)])]);
    let any = read(policies, &any).unwrap();
    assert!(any.ids[0].is_any_policy() && any.understood);
}

const PRACTICES: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 2, 1];
const NOTICE: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 2, 2];

#[test]
fn knows_the_qualifiers_that_it_understands() {
    let cases: [(&[u8], &[u8], bool); 17] = [
        (PRACTICES, b"\x16\x03a:b", true),
        (PRACTICES, b"\x16\x01\xe9", false),
        (PRACTICES, b"\x0c\x03a:b", false),
        (PRACTICES, b"\x30\x00", false),
        (NOTICE, b"\x30\x00", true),
        (NOTICE, b"\x30\x03\x0c\x01a", true),
        (NOTICE, b"\x30\x04\x1e\x02\x00a", true),
        (NOTICE, b"\x30\x0a\x30\x08\x1a\x01a\x30\x03\x0c\x01a", false),
        (
            NOTICE,
            b"\x30\x0d\x30\x08\x1a\x01a\x30\x03\x02\x01\x01\x16\x01a",
            true,
        ),
        (NOTICE, b"\x30\x07\x30\x05\x1a\x01a\x30\x00", true),
        (NOTICE, b"\x30\x03\x0c\x01\xff", false),
        (NOTICE, b"\x30\x03\x02\x01\x01", false),
        (NOTICE, b"\x30\x06\x0c\x01a\x0c\x01a", false),
        (NOTICE, b"\x30\x09\x0c\x01a\x0c\x01a\x0c\x01a", false),
        (NOTICE, b"\x0c\x01a", false),
        (TWO, b"\x16\x03a:b", false),
        (&[0x2b, 6, 1, 5, 5, 7, 2, 3], b"\x30\x00", false),
    ];
    for (kind, value, understood) in cases {
        let qualifier = sequence(&[&oid_element(kind), value]);
        let qualified = |policy| {
            let one = sequence(&[&oid_element(policy), &sequence(&[&qualifier])]);
            read(policies, &sequence(&[&one]))
        };
        assert_eq!(
            qualified(ONE).unwrap().understood,
            understood,
            "{kind:x?} {value:x?}"
        );
        let may_be_of_any_policy = [PRACTICES, NOTICE].contains(&kind);
        assert_eq!(qualified(Oid::ANY_POLICY).is_ok(), may_be_of_any_policy);
    }
}

#[test]
fn one_qualifier_that_it_does_not_understand_is_enough() {
    let qualifier = |kind| sequence(&[&oid_element(kind), b"\x16\x01x"]);
    let both = sequence(&[&qualifier(PRACTICES), &qualifier(TWO)]);
    let first = sequence(&[&oid_element(ONE), &both]);
    let value = sequence(&[&first, &sequence(&[&oid_element(TWO)])]);
    assert!(!read(policies, &value).unwrap().understood);
}

#[test]
fn refuses_policies_in_other_forms() {
    let one = sequence(&[&oid_element(ONE)]);
    let cases = [
        sequence(&[]),
        encode(tag::SET, &[&one]),
        sequence(&[&one, &one]),
        sequence(&[&sequence(&[])]),
        sequence(&[&sequence(&[b"\x05\x00"])]),
        sequence(&[&sequence(&[&oid_element(ONE), &sequence(&[])])]),
        sequence(&[&sequence(&[&oid_element(ONE), &sequence(&[&one])])]),
        sequence(&[&sequence(&[&oid_element(ONE), b"\x30\x00", b"\x30\x00"])]),
    ];
    for case in cases {
        assert_eq!(read(policies, &case), Err(NotDer), "{case:x?}");
    }
}

#[test]
fn reads_mappings() {
    let mapping = |issuer, subject| sequence(&[&oid_element(issuer), &oid_element(subject)]);
    let value = sequence(&[&mapping(ONE, TWO), &mapping(ONE, ONE)]);
    let expected = [TWO, ONE].map(|subject| PolicyMapping {
        issuer: Oid::from_octets(ONE),
        subject: Oid::from_octets(subject),
    });
    assert_eq!(read(mappings, &value).unwrap(), expected);
    let cases = [sequence(&[]), sequence(&[&sequence(&[&oid_element(ONE)])])];
    for case in cases {
        assert_eq!(read(mappings, &case), Err(NotDer), "{case:x?}");
    }
}

#[test]
fn reads_policy_constraints() {
    let cases: [(&[u8], Option<u32>, Option<u32>); 3] = [
        (b"\x30\x03\x80\x01\x00", Some(0), None),
        (b"\x30\x03\x81\x01\x05", None, Some(5)),
        (
            b"\x30\x08\x80\x01\x01\x81\x03\x01\x00\x00",
            Some(1),
            Some(65_536),
        ),
    ];
    for (value, require_explicit, inhibit_mapping) in cases {
        let expected = PolicyConstraints {
            require_explicit,
            inhibit_mapping,
        };
        assert_eq!(read(constraints, value), Ok(expected));
    }
    let bad: [&[u8]; 6] = [
        b"\x30\x00",
        b"\x30\x03\x80\x01\xff",
        b"\x30\x02\x80\x00",
        b"\x30\x06\x81\x01\x00\x80\x01\x00",
        b"\x30\x06\x80\x01\x00\x80\x01\x00",
        b"\x30\x03\x82\x01\x00",
    ];
    for value in bad {
        assert_eq!(read(constraints, value), Err(NotDer), "{value:x?}");
    }
}

#[test]
fn reads_after_how_many_certificates_any_policy_ends() {
    assert_eq!(read(inhibit_any_policy, b"\x02\x01\x03"), Ok(3));
    for value in [&b"\x02\x01\xff"[..], b"\x04\x01\x03", b"\x02\x02\x00\x03"] {
        assert_eq!(read(inhibit_any_policy, value), Err(NotDer));
    }
}
