use std::fmt::Write;

use super::*;
use crate::manifest::testing::{authority, leaf, now};
use crate::pki::authority::{Authority, Leaf};
use crate::pki::p12;

/// The change that a body asks for in prod, of an account that is no trust source.
fn change(body: &str, stored: Option<AccountValues>) -> Result<ValueChange, InvalidValues> {
    change_of("partner", body, stored)
}

fn change_of(
    name: &str,
    body: &str,
    stored: Option<AccountValues>,
) -> Result<ValueChange, InvalidValues> {
    let body: AccountBody = toml::from_str(body).unwrap_or_else(|error| panic!("{error}\n{body}"));
    let name = AccountName::parse(name).unwrap();
    let present = stored.map(|values| Account {
        name: name.clone(),
        account_type: values.account_type(),
        revision: 1,
        values: PerEnvironment {
            test: None,
            prod: Some(values),
        },
        updated: now(),
    });
    let realm = RealmName::parse("acme").unwrap();
    let made = command(&realm, &name, &body, present.as_ref(), "dgb-mtls-");
    let made = made.map_err(|error| error.source)?;
    let Command::SaveAccount { values, .. } = made else {
        panic!("{made:?}")
    };
    Ok(values.prod)
}

fn set(body: &str) -> AccountValues {
    match change(body, None) {
        Ok(ValueChange::Set(values)) => values,
        other => panic!("{other:?}"),
    }
}

/// TOML of one environment.
fn prod(account_type: &str, fields: &[(&str, &str)]) -> String {
    let mut text = format!("type = '{account_type}'\n[prod]\n");
    for (key, value) in fields {
        writeln!(text, "{key} = '''\n{value}'''").unwrap();
    }
    text
}

fn chain(fields: &[(&str, &str)]) -> String {
    prod("certificate-chain", fields)
}

fn key_pem(leaf: &Leaf) -> String {
    leaf.key.to_pkcs8_pem().expose_str().unwrap().to_owned()
}

struct Pki {
    ca: Authority,
    leaf: Leaf,
    ca_pem: String,
    leaf_pem: String,
    key_pem: String,
}

fn pki() -> Pki {
    let ca = authority("Acme CA");
    let leaf = leaf(&ca);
    let (ca_pem, leaf_pem, key_pem) = (
        ca.certificate.to_pem(),
        leaf.certificate.to_pem(),
        key_pem(&leaf),
    );
    Pki {
        ca,
        leaf,
        ca_pem,
        leaf_pem,
        key_pem,
    }
}

#[test]
fn every_type_is_read_with_its_own_fields() {
    let secret = |text: &str| Secret::new(text.to_owned());
    let cases = [
        (
            "type = 'basic'\nprod = { username = 'u', password = 'p' }",
            AccountValues::Basic {
                username: "u".to_owned(),
                password: secret("p"),
            },
        ),
        (
            "type = 'custom-auth-header'\nprod = { header-name = 'X-Key', header-value = 'v' }",
            AccountValues::CustomAuthHeader {
                header_name: "X-Key".to_owned(),
                header_value: secret("v"),
            },
        ),
        (
            "type = 'oauth-bearer'\nprod = { token = 't' }",
            AccountValues::OauthBearer { token: secret("t") },
        ),
        (
            "type = 'api-key'\nprod = { url-param-name = 'k', api-key = 'v' }",
            AccountValues::ApiKey {
                url_param_name: "k".to_owned(),
                api_key: secret("v"),
            },
        ),
        (
            "type = 'private-key'\nprod = { key = 'k', passphrase = 'p' }",
            AccountValues::PrivateKey {
                key: secret("k"),
                passphrase: secret("p"),
            },
        ),
        (
            "type = 'private-key'\nprod = { key = 'k' }",
            AccountValues::PrivateKey {
                key: secret("k"),
                passphrase: secret(""),
            },
        ),
        (
            "type = 'public-key'\nprod = { key = 'k' }",
            AccountValues::PublicKey {
                key: "k".to_owned(),
            },
        ),
        (
            "type = 'secret-key'\nprod = { key = 'k' }",
            AccountValues::SecretKey { key: secret("k") },
        ),
    ];
    for (body, expect) in cases {
        assert_eq!(set(body), expect, "{body}");
    }
}

#[test]
fn a_chain_is_read_from_pem_der_and_pkcs12() {
    let pki = pki();
    let expect = AccountValues::CertificateChain {
        certificates: vec![pki.leaf.certificate.clone(), pki.ca.certificate.clone()],
        helpers: Vec::new(),
        key: Some(pki.leaf.key.clone()),
    };
    let together = format!("{}{}{}", pki.leaf_pem, pki.ca_pem, pki.key_pem);
    assert_eq!(set(&chain(&[("chain", &together)])), expect);
    let chain_of_two = format!("{}{}", pki.leaf_pem, pki.ca_pem);
    assert_eq!(
        set(&chain(&[("chain", &chain_of_two), ("key", &pki.key_pem)])),
        expect
    );
    let issuers = [pki.ca.certificate.clone()];
    let bundle = p12::write(
        &pki.leaf.certificate,
        &issuers,
        &pki.leaf.key,
        "changeit",
        "a",
    )
    .unwrap();
    let bundle = STANDARD.encode(bundle);
    assert_eq!(
        set(&chain(&[
            ("chain-base64", &bundle),
            ("password", "changeit")
        ])),
        expect
    );
    let der = STANDARD.encode(pki.ca.certificate.der());
    let anchor = set(&chain(&[("chain-base64", &der), ("helpers", &pki.ca_pem)]));
    let alone = vec![pki.ca.certificate];
    let expect = AccountValues::CertificateChain {
        certificates: alone.clone(),
        helpers: alone,
        key: None,
    };
    assert_eq!(anchor, expect);
}

#[test]
fn what_is_left_out_stays_and_clear_takes_it_away() {
    assert_eq!(change("type = 'basic'", None), Ok(ValueChange::Keep));
    assert_eq!(
        change("type = 'basic'\nprod = { clear = true }", None),
        Ok(ValueChange::Clear)
    );
    let more = "type = 'basic'\nprod = { clear = true, username = 'u' }";
    assert_eq!(change(more, None), Err(InvalidValues::ClearAndMore));
}

#[test]
fn keep_leaves_the_stored_secret() {
    let pki = pki();
    let stored = set("type = 'basic'\nprod = { username = 'u', password = 'p' }");
    let body = "type = 'basic'\nprod = { username = 'other', password = 'keep' }";
    let kept = AccountValues::Basic {
        username: "other".to_owned(),
        password: Secret::new("p".to_owned()),
    };
    assert_eq!(change(body, Some(stored)), Ok(ValueChange::Set(kept)));
    let secrets = [
        (
            "custom-auth-header",
            "header-name = 'X-Key', header-value = 'VALUE'",
            "header-value",
        ),
        ("oauth-bearer", "token = 'VALUE'", "token"),
        (
            "api-key",
            "url-param-name = 'k', api-key = 'VALUE'",
            "api-key",
        ),
        ("private-key", "key = 'VALUE'", "key"),
        ("secret-key", "key = 'VALUE'", "key"),
        ("public-key", "key = 'VALUE'", "key"),
    ];
    for (account_type, fields, key) in secrets {
        let with = |value: &str| {
            format!(
                "type = '{account_type}'\nprod = {{ {} }}",
                fields.replace("VALUE", value)
            )
        };
        let stored = set(&with("of old"));
        assert_eq!(
            change(&with("keep"), Some(stored.clone())),
            Ok(ValueChange::Set(stored)),
            "{account_type}"
        );
        assert_eq!(
            change(&with("keep"), None),
            Err(InvalidValues::NothingToKeep { key }),
            "{account_type}"
        );
    }
    let identity = set(&chain(&[(
        "chain",
        &format!("{}{}", pki.leaf_pem, pki.key_pem),
    )]));
    for body in [
        chain(&[("chain", "keep")]).replace("'''\n", "'''"),
        chain(&[("chain", &pki.leaf_pem), ("key", "keep")]).replace("key = '''\n", "key = '''"),
    ] {
        assert_eq!(
            change(&body, Some(identity.clone())),
            Ok(ValueChange::Set(identity.clone())),
            "{body}"
        );
    }
}

#[test]
fn says_what_is_wrong_with_the_values() {
    let pki = pki();
    let stranger = leaf(&authority("Other CA"));
    let lines = |pem: &str, most: usize| pem.lines().take(most).collect::<Vec<_>>().join("\n");
    let both = format!("{}{}", pki.leaf_pem, pki.key_pem);
    let long = "x".repeat(70_000);
    let cases: Vec<(String, &str)> = vec![
        (
            prod("basic", &[("username", "u")]),
            "an account of type basic needs 'password'",
        ),
        (prod("basic", &[("password", "p")]), "needs 'username'"),
        (
            "type = 'basic'\nprod = { username = '', password = 'p' }".to_owned(),
            "needs 'username'",
        ),
        (
            prod("basic", &[("username", &long), ("password", "p")]),
            "'username' is longer than 65536 bytes",
        ),
        (
            prod("oauth-bearer", &[("token", &long)]),
            "'token' is longer",
        ),
        (
            prod("basic", &[("token", "t")]),
            "'token' is no field of an account of type basic",
        ),
        (
            prod("oauth-bearer", &[("token-file", "t")]),
            "'token-file' names a file, which the server does not read",
        ),
        (
            "type = 'custom-auth-header'\nprod = { header-name = 'a b', header-value = 'v' }"
                .to_owned(),
            "'header-name' is no header name",
        ),
        (
            "type = 'custom-auth-header'\nprod = { header-name = 'a', header-value = \"v\\n\" }"
                .to_owned(),
            "'header-value' has characters",
        ),
        (
            chain(&[("password", "p")]),
            "an account of type certificate-chain needs 'chain'",
        ),
        (chain(&[("chain", " \n")]), "'chain' is empty"),
        (chain(&[("chain", "hello")]), "'chain': this is neither PEM"),
        (
            chain(&[("chain", &lines(&pki.ca_pem, 4))]),
            "'chain': line 1",
        ),
        (
            chain(&[("chain", &pki.key_pem)]),
            "'chain' holds a private key, which was not kept, and no certificate",
        ),
        (
            chain(&[("chain", &pki.ca_pem), ("chain-base64", "AAAA")]),
            "both 'chain' and 'chain-base64'",
        ),
        (
            chain(&[("chain-base64", "%%%")]),
            "'chain-base64' is no base64",
        ),
        (
            chain(&[("chain", &both), ("key", &pki.key_pem)]),
            "a private key in 'chain' and another in 'key'",
        ),
        (
            chain(&[("chain", &pki.leaf_pem), ("key", &pki.ca_pem)]),
            "'key' holds certificates",
        ),
        (
            chain(&[("chain", &pki.leaf_pem), ("key", &key_pem(&stranger))]),
            "the private key does not belong to the first certificate, CN=a.example",
        ),
        (
            chain(&[("chain", &pki.ca_pem), ("helpers", &both)]),
            "'helpers' holds a private key",
        ),
        (
            chain(&[
                ("chain", &pki.ca_pem),
                ("helpers", &pki.ca_pem),
                ("helpers-base64", "AAAA"),
            ]),
            "both 'helpers' and 'helpers-base64'",
        ),
    ];
    for (body, expect) in cases {
        let error = change(&body, None).unwrap_err().to_string();
        assert!(error.contains(expect), "{body}\n→ {error}");
    }
}

#[test]
fn a_key_in_a_trust_source_is_left_to_the_rules_of_trust() {
    let pki = pki();
    let body = chain(&[("chain", &format!("{}{}", pki.ca_pem, pki.key_pem))]);
    assert!(matches!(
        change(&body, None),
        Err(InvalidValues::KeyMismatch { .. })
    ));
    assert!(matches!(
        change_of("dgb-mtls-acme", &body, None),
        Ok(ValueChange::Set(_))
    ));
}

#[test]
fn a_secret_is_not_printed_with_its_document() {
    let body: AccountBody =
        toml::from_str("type = 'oauth-bearer'\nprod = { token = 'hunter2' }").unwrap();
    assert!(!format!("{body:?}").contains("hunter2"));
}
