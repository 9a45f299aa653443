//! Decoded certificates in words.

use serde_json::Value;

use crate::cli::show;

/// Every certificate of a list, one after the other, numbered; nothing where there is none.
pub fn all_in_words(certificates: &[Value], what: &str, indent: usize) -> String {
    let margin = " ".repeat(indent);
    let count = certificates.len();
    let numbered = certificates
        .iter()
        .enumerate()
        .map(|(position, certificate)| {
            let number = position.saturating_add(1);
            format!(
                "{margin}{what} {number} of {count}\n{}",
                in_words(certificate, indent.saturating_add(2))
            )
        });
    numbered.collect()
}

/// One certificate, a fact a line.
pub fn in_words(certificate: &Value, indent: usize) -> String {
    let rows = [
        ("subject", "/subject"),
        ("issuer", "/issuer"),
        ("self-signed", "/selfSigned"),
        ("serial", "/serial"),
        ("valid from", "/notBefore"),
        ("valid until", "/notAfter"),
        ("key", "/key"),
        ("signature", "/signatureAlgorithm"),
        ("CA", "/ca"),
        ("path length", "/pathLength"),
        ("key usage", "/keyUsage"),
        ("extended usage", "/extendedKeyUsage"),
        ("other names", "/sans"),
        ("names permitted", "/nameConstraints/permitted"),
        ("names excluded", "/nameConstraints/excluded"),
        ("revocation lists", "/crlDistributionPoints"),
        ("unknown critical", "/unknownCritical"),
        ("SHA-256", "/fingerprintColons"),
        ("", "/fingerprint"),
    ];
    show::sheet(certificate, &rows, indent)
}
