//! `realmgate installation challenge` and `prove-key`: showing that one holds the key of a CA.

use std::fs;
use std::path::Path as FilePath;

use serde_json::{Value, json};

use crate::cli::error::CliError;
use crate::cli::files;
use crate::cli::installation::{Proof, Which, command};
use crate::cli::session::{Asking, Session};
use crate::cli::show;
use crate::cli::table::plain;
use crate::manifest::key_proof::KeyProofBody;
use crate::manifest::text::Text;
use crate::pki::fingerprint::Fingerprint;

/// Shows what has to be proven and how, and writes the texts to be signed where that is asked for.
///
/// # Errors
/// [`CliError`].
pub fn challenge(which: &Which, out: Option<&FilePath>, asking: &Asking) -> Result<(), CliError> {
    let session = Session::open(asking)?;
    let answer = session.post(&which.path(Some("challenge")), &json!({}))?;
    if let Some(directory) = out {
        let failed = |path: &FilePath, source| CliError::Write {
            path: path.to_owned(),
            source,
        };
        fs::create_dir_all(directory).map_err(|source| failed(directory, source))?;
        for anchor in show::items(&answer, "/anchors") {
            let path = directory.join(file_name(anchor));
            fs::write(&path, show::text(anchor, "/text"))
                .map_err(|source| failed(&path, source))?;
        }
    }
    session.print(&answer, |answer| in_words(answer, which, out))
}

/// Brings a proof.
///
/// # Errors
/// [`CliError`].
pub fn prove(
    which: &Which,
    proof: &Proof,
    ca: Option<Fingerprint>,
    asking: &Asking,
) -> Result<(), CliError> {
    let session = Session::open(asking)?;
    let mut body = match (&proof.signature, &proof.certificate) {
        (Some(file), _) => KeyProofBody::of_signature(&files::bytes(file)?),
        (None, Some(file)) => KeyProofBody::of_certificate(&files::bytes(file)?),
        (None, None) => KeyProofBody::default(),
    };
    body.ca = ca.map(Text);
    let body = serde_json::to_value(&body).map_err(|source| CliError::Encode { source })?;
    let answer = session.post(&which.path(Some("key-proofs")), &body)?;
    session.print_change(&answer, &format!("the key is proven, for {}", which.told()))
}

/// The file of the text that one CA's key has to sign.
fn file_name(anchor: &Value) -> String {
    let fingerprint = show::text(anchor, "/fingerprint");
    let short = fingerprint.get(..16).unwrap_or(&fingerprint);
    format!("challenge-{short}.txt")
}

fn in_words(answer: &Value, which: &Which, out: Option<&FilePath>) -> String {
    let mut text = format!(
        "To prove: that you hold the key of each CA of {}, revision {}. {}\n",
        which.told(),
        show::text(answer, "/accountRevision"),
        if answer.get("demanded") == Some(&Value::Bool(true)) {
            "Without that it is not installed here (setting ca_key_proof)."
        } else {
            "It is installed here without that too (setting ca_key_proof)."
        }
    );
    let directory = out.map_or_else(|| ".".to_owned(), |out| out.display().to_string());
    for anchor in show::items(answer, "/anchors") {
        text.push_str(&format!(
            "\n{} ({})\n  SHA-256 {}\n",
            plain(&show::text(anchor, "/subject")),
            plain(&show::text(anchor, "/key")),
            show::text(anchor, "/fingerprint")
        ));
        if let Some(at) = show::some_text(anchor, "/proven/at") {
            text.push_str(&format!(
                "  Proven at {at} by {}, with a {}.\n",
                plain(&show::text(anchor, "/proven/by")),
                show::text(anchor, "/proven/way")
            ));
        } else {
            text.push_str(&steps(anchor, which, out.is_some(), &directory));
        }
    }
    text
}

/// The two ways for one CA, to paste. 'ca.key' and 'ca.pem' stand for the CA's own files.
fn steps(anchor: &Value, which: &Which, written: bool, directory: &str) -> String {
    let file = FilePath::new(directory).join(file_name(anchor));
    let file = file.display();
    let (key, token) = (show::text(anchor, "/key"), show::text(anchor, "/token"));
    let sign = if key == "Ed25519" {
        format!("openssl pkeyutl -sign -rawin -inkey ca.key -in {file} -out proof.sig")
    } else {
        format!("openssl dgst -sha256 -sign ca.key -out proof.sig {file}")
    };
    let fetch = if written {
        String::new()
    } else {
        format!("    {}\n", command(which, "challenge --out ."))
    };
    let fingerprint = show::text(anchor, "/fingerprint");
    let signature = command(
        which,
        &format!("prove-key --ca {fingerprint} --signature proof.sig"),
    );
    let certificate = command(
        which,
        &format!("prove-key --ca {fingerprint} --certificate proof.pem"),
    );
    format!(
        "  Either sign the challenge with the CA's key (ca.key):\n\
         {fetch}    {sign}\n    {signature}\n  \
         or issue a certificate over it with your usual tools: its common name (CN) is the token below, or one of its\n  \
         alternative names is URI:urn:realmgate:challenge:TOKEN; it is no CA's. For example:\n    \
         openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout proof.key -subj /CN={token} -out proof.csr\n    \
         printf 'basicConstraints=CA:FALSE\\nextendedKeyUsage=codeSigning\\n' > proof.ext\n    \
         openssl x509 -req -in proof.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 1 -extfile proof.ext -out proof.pem\n    \
         {certificate}\n  Token: {token}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_key_is_told_how_it_signs() {
        let which = Which::of("acme", "prod", "dgb-mtls-a");
        for (key, expect) in [
            ("RSA 2048", "openssl dgst -sha256 -sign ca.key"),
            ("EC P-256", "openssl dgst -sha256 -sign ca.key"),
            ("Ed25519", "openssl pkeyutl -sign -rawin -inkey ca.key"),
        ] {
            let answer = json!({
                "accountRevision": 3, "demanded": true,
                "anchors": [{"subject": "CN=Root", "fingerprint": "0123456789abcdef01", "key": key, "text": "t",
                             "token": "77", "proven": null}]
            });
            let words = in_words(&answer, &which, None);
            assert!(words.contains(expect), "{words}");
            assert!(words.contains("challenge-0123456789abcdef.txt"), "{words}");
            assert!(words.contains("-subj /CN=77 "), "{words}");
        }
    }
}
