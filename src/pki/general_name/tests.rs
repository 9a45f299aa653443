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
