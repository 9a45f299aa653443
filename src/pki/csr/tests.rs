use super::*;
use crate::pki::openssl::Openssl;

fn names() -> Vec<String> {
    ["api2.example.com", "*.api2.example.com", "10.0.0.1"]
        .map(str::to_owned)
        .to_vec()
}

#[test]
fn openssl_reads_and_verifies_requests_for_every_kind_of_key() {
    let openssl = Openssl::new();
    for choice in [
        KeyChoice::EcP256,
        KeyChoice::EcP384,
        KeyChoice::Rsa2048,
        KeyChoice::Ed25519,
    ] {
        let csr = create(RequestKey::New(choice), &names(), "gate").unwrap();
        openssl.put("r.pem", &csr.pem);
        openssl.put("k.pem", csr.key.to_pkcs8_pem().expose());
        let told = openssl.text("req -in r.pem -noout -verify -text -nameopt RFC2253");
        for expected in [
            "Subject: CN=gate",
            "DNS:api2.example.com, DNS:*.api2.example.com, IP Address:10.0.0.1",
            "TLS Web Server Authentication",
        ] {
            assert!(told.contains(expected), "{told}");
        }
        let (of_request, of_key) = (
            openssl.text("req -in r.pem -noout -pubkey"),
            openssl.text("pkey -in k.pem -pubout"),
        );
        assert_eq!(of_request, of_key, "{choice:?}");
    }
}

#[test]
fn a_key_that_is_there_is_used_again() {
    let openssl = Openssl::new();
    let first = create(RequestKey::New(KeyChoice::EcP256), &names(), "").unwrap();
    let second = create(RequestKey::Existing(&first.key), &names(), "").unwrap();
    openssl.put("1.pem", &first.pem);
    openssl.put("2.pem", &second.pem);
    assert_eq!(
        openssl.text("req -in 1.pem -noout -pubkey"),
        openssl.text("req -in 2.pem -noout -pubkey")
    );
    assert!(
        openssl
            .text("req -in 1.pem -noout -subject")
            .contains("CN = api2.example.com")
    );
}

#[test]
fn refuses_names_that_cannot_be_in_a_certificate() {
    let error = create(RequestKey::New(KeyChoice::EcP256), &["a b".to_owned()], "").unwrap_err();
    assert_eq!(
        error,
        CsrError::Names(AuthorityError::InvalidName {
            name: "a b".to_owned()
        })
    );
    let error = create(RequestKey::New(KeyChoice::EcP256), &[], "gate").unwrap_err();
    assert_eq!(error, CsrError::Names(AuthorityError::NoNames));
}
