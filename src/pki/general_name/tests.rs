use super::*;

fn of(tag: u8, content: &[u8]) -> String {
    text(&der::single(&der::encode(tag, &[content])).unwrap())
}

#[test]
fn writes_every_kind_of_name() {
    let acme = der::encode(
        tag::SEQUENCE,
        &[&der::encode(
            tag::SET,
            &[&der::encode(
                tag::SEQUENCE,
                &[b"\x06\x03\x55\x04\x03", b"\x0c\x04Acme"],
            )],
        )],
    );
    let cases: [(u8, &[u8], &str); 19] = [
        (0x82, b"a.example", "DNS:a.example"),
        (0x82, b"a, DNS:b\0", r"DNS:a\, DNS:b\00"),
        (0x82, b"\xff", "DNS:#ff"),
        (0x81, b"a+b@c.example", "email:a+b@c.example"),
        (0x86, b"spiffe://acme/x=y;z", "URI:spiffe://acme/x=y;z"),
        (0x87, &[10, 0, 0, 1], "IP:10.0.0.1"),
        (
            0x87,
            &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            "IP:::1",
        ),
        (0x87, &[10, 0, 0], "IP:#0a0000"),
        (0xa4, &acme, "dirName:CN=Acme"),
        (0xa4, b"\x30\x01", "dirName:#3001"),
        (0x88, &[0x2a, 3, 4], "RID:1.2.3.4"),
        (0x88, &[], "RID:#"),
        (
            0xa0,
            b"\x06\x03\x2a\x03\x04\xa0\x04\x0c\x02hi",
            "otherName:1.2.3.4=hi",
        ),
        (
            0xa0,
            b"\x06\x03\x2a\x03\x04\xa0\x03\x02\x01\x05",
            "otherName:1.2.3.4=#020105",
        ),
        (0xa0, b"\x06\x03\x2a\x03\x04", "otherName:#06032a0304"),
        (0xa0, b"\x02\x01\x01\xa0\x00", "otherName:#020101a000"),
        (0xa3, b"\x05\x00", "x400Address:#0500"),
        (0xa5, b"\x05\x00", "ediPartyName:#0500"),
        (0x9e, b"?", "unknown:#3f"),
    ];
    for (tag, content, expected) in cases {
        assert_eq!(of(tag, content), expected);
    }
}

#[test]
fn writes_networks_in_constraints() {
    let cases: [(&[u8], &str); 7] = [
        (&[10, 0, 0, 0, 255, 0, 0, 0], "IP:10.0.0.0/8"),
        (&[10, 0, 0, 0, 255, 255, 254, 0], "IP:10.0.0.0/23"),
        (&[0, 0, 0, 0, 0, 0, 0, 0], "IP:0.0.0.0/0"),
        (&[10, 0, 0, 0, 255, 0, 255, 0], "IP:10.0.0.0/255.0.255.0"),
        (&[10, 0, 0, 0, 254, 128, 0, 0], "IP:10.0.0.0/254.128.0.0"),
        (&[10, 0, 0, 0], "IP:#0a000000"),
        (&[10, 0, 0, 0, 255, 0, 0, 0, 0], "IP:#0a000000ff00000000"),
    ];
    for (content, expected) in cases {
        assert_eq!(
            constraint_text(&der::single(&der::encode(0x87, &[content])).unwrap()),
            expected
        );
    }
    let mut v6 = [0; 32];
    v6[..4].copy_from_slice(&[0x20, 1, 0x0d, 0xb8]);
    v6[16..20].fill(0xff);
    assert_eq!(
        constraint_text(&der::single(&der::encode(0x87, &[&v6])).unwrap()),
        "IP:2001:db8::/32"
    );
}

#[test]
fn tells_at_most_a_hundred() {
    let one = der::encode(0x82, &[b"a"]);
    let element = der::single(&one).unwrap();
    assert_eq!(list(&[element; 100], text).len(), 100);
    let told = list(&[element; 153], text);
    assert_eq!((told.len(), told[100].as_str()), (101, "… and 53 more"));
}

#[test]
fn reads_every_kind_of_name_and_nothing_else() {
    let name = b"\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02hi";
    let good: [(u8, &[u8], GeneralName); 10] = [
        (0x81, b"a@b", GeneralName::Email("a@b".to_owned())),
        (0x82, b"", GeneralName::Dns(String::new())),
        (0x82, b"*.b", GeneralName::Dns("*.b".to_owned())),
        (0x86, b"urn:x", GeneralName::Uri("urn:x".to_owned())),
        (0x87, &[10, 0, 0, 1], GeneralName::Ip(vec![10, 0, 0, 1])),
        (0x87, &[0; 16], GeneralName::Ip(vec![0; 16])),
        (0xa4, name, GeneralName::Directory(name.to_vec())),
        (0x88, &[0x2a, 3], GeneralName::Other(8, vec![0x2a, 3])),
        (0xa3, b"\x30\x00", GeneralName::Other(3, vec![0x30, 0])),
        (
            0xa0,
            b"\x06\x01\x2a\xa0\x02\x05\x00",
            GeneralName::Other(0, b"\x06\x01\x2a\xa0\x02\x05\x00".to_vec()),
        ),
    ];
    for (tag, content, expected) in good {
        let element = der::encode(tag, &[content]);
        let element = der::single(&element).unwrap();
        assert_eq!(expected.describe(), text(&element));
        assert_eq!(decode(&element), Ok(expected));
    }
    let bad: [(u8, &[u8]); 14] = [
        (0x81, b"\xff"),
        (0x82, "é".as_bytes()),
        (0x86, b"\x80"),
        (0x87, &[10, 0, 0]),
        (0x87, &[0; 8]),
        (0xa2, b"\x82\x01a"),
        (0x84, name),
        (0xa4, b"\x30\x02\x31\x00"),
        (0xa4, b"\x05\x00"),
        (0x88, b""),
        (0xa0, b"\x06\x01\x2a"),
        (0xa0, b"\x06\x01\x2a\xa0\x00"),
        (0xa3, b"\x30\x01"),
        (0x89, b"a"),
    ];
    for (tag, content) in bad {
        let element = der::encode(tag, &[content]);
        assert_eq!(
            decode(&der::single(&element).unwrap()),
            Err(NotDer),
            "{tag:x}"
        );
    }
    assert_eq!(decode_list(&[]), Err(NotDer));
}

#[test]
fn reads_networks_with_masks_of_one_piece() {
    let base = |content: &[u8]| decode_base(&der::single(&der::encode(0x87, &[content])).unwrap());
    let good = [
        [10, 0, 0, 0, 255, 0, 0, 0],
        [10, 0, 0, 0, 255, 240, 0, 0],
        [0; 8],
        [10, 0, 0, 1, 255, 255, 255, 255],
    ];
    for network in good {
        assert_eq!(base(&network), Ok(GeneralName::Ip(network.to_vec())));
    }
    assert!(base(&[0; 32]).is_ok());
    let bad: [&[u8]; 5] = [
        &[10, 0, 0, 0],
        &[10, 0, 0, 0, 255, 0, 255, 0],
        &[10, 0, 0, 0, 0, 255, 0, 0],
        &[10, 0, 0, 0, 250, 0, 0, 0],
        &[0; 16],
    ];
    for network in bad {
        assert_eq!(base(network), Err(NotDer), "{network:?}");
    }
    let dns = der::encode(0x82, &[b".example"]);
    let dns = decode_base(&der::single(&dns).unwrap());
    assert_eq!(dns, Ok(GeneralName::Dns(".example".to_owned())));
}
