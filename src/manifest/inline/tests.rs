use super::*;
use crate::manifest::read;
use crate::manifest::testing::authority;

fn fetch(file: &str) -> Result<Vec<u8>, std::io::Error> {
    let authority = authority("Acme CA");
    match file {
        "ca.pem" => Ok(authority.certificate.to_pem().into_bytes()),
        "ca.der" => Ok(authority.certificate.der().to_vec()),
        "one-line" => Ok(b"hunter2\r\n".to_vec()),
        "two-lines" => Ok(b"a\nb\n".to_vec()),
        "bytes" => Ok(vec![0xff, 0xfe]),
        _ => Err(std::io::ErrorKind::NotFound.into()),
    }
}

fn inlined(values: &str) -> Result<ValuesDocument, String> {
    let manifest = format!(
        "[[realm]]\nname = 'acme'\n[[realm.account]]\nname = 'a'\ntype = 'basic'\nprod = {{ {values} }}"
    );
    let mut document = read::toml(&manifest).unwrap();
    files(&mut document, fetch).map_err(|error| error.to_string())?;
    Ok(document.realm[0].account[0].prod.clone().unwrap())
}

fn secret(given: Option<&GivenSecret>) -> String {
    match given {
        Some(GivenSecret::New(secret)) => secret.expose_str().unwrap().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn certificates_become_pem_or_base64_and_texts_lose_the_end_of_their_one_line() {
    let values =
        inlined("chain-file = 'ca.pem', helpers-file = 'ca.der', password-file = 'one-line'")
            .unwrap();
    assert!(secret(values.chain.as_ref()).starts_with("-----BEGIN CERTIFICATE-----"));
    assert!(values.helpers.is_none() && values.helpers_base64.is_some());
    assert_eq!(secret(values.password.as_ref()), "hunter2");
    assert_eq!(
        (values.chain_file, values.helpers_file, values.password_file),
        (None, None, None)
    );
    let values = inlined("chain-file = 'ca.der', key-file = 'two-lines'").unwrap();
    assert!(values.chain.is_none() && values.chain_base64.is_some());
    assert_eq!(secret(values.key.as_ref()), "a\nb\n");
    for key in ["header-value", "token", "api-key", "passphrase"] {
        assert!(
            inlined(&format!("{key}-file = 'one-line'")).is_ok(),
            "{key}"
        );
    }
}

#[test]
fn says_which_file_cannot_be_put_in() {
    let place = "realm acme, account a, prod, ";
    let cases = [
        ("chain-file = 'nowhere'", "'chain-file': entity not found"),
        (
            "chain-file = 'ca.pem', chain = 'x'",
            "both 'chain' and 'chain-file' are given",
        ),
        (
            "helpers-file = 'ca.pem', helpers-base64 = 'x'",
            "both 'helpers' and 'helpers-file' are given",
        ),
        (
            "token-file = 'bytes'",
            "'token-file': the file holds no UTF-8 text",
        ),
    ];
    for (values, expect) in cases {
        let error = inlined(values).unwrap_err();
        assert!(
            error.starts_with(place) && error.contains(expect),
            "{values}\n→ {error}"
        );
    }
}
