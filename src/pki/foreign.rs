//! Files that are mistaken for certificates: what they are, and what to do with them.

/// Things that are mistaken for certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// A certificate signing request (PKCS#10).
    SigningRequest,
    /// A bare public key.
    PublicKey,
    /// A PKCS#7 (CMS) bundle.
    Pkcs7,
    /// A key in OpenSSH's own format.
    OpenSshKey,
    /// An OpenSSH public key line.
    SshPublicKey,
    /// OpenSSL's certificate with trust settings appended.
    TrustedCertificate,
    /// A Java key store (JKS or JCEKS).
    JavaKeyStore,
    /// Base64 without its BEGIN and END lines.
    BareBase64,
    /// A web page or other XML.
    Markup,
}

impl Foreign {
    /// What a text without any PEM block is, where that can be told.
    pub fn of_text(bytes: &[u8]) -> Option<Self> {
        let text = bytes.trim_ascii();
        let begins_with = |starts: &[&[u8]]| starts.iter().any(|start| text.starts_with(start));
        let is_base64 = |octet: &u8| octet.is_ascii_alphanumeric() || b"+/=\r\n ".contains(octet);
        if begins_with(&[b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce"]) {
            Some(Self::JavaKeyStore)
        } else if begins_with(&[b"<"]) {
            Some(Self::Markup)
        } else if begins_with(&[b"ssh-", b"ecdsa-sha2-", b"---- BEGIN SSH2 "]) {
            Some(Self::SshPublicKey)
        } else if begins_with(&[b"MI"]) && text.iter().all(is_base64) {
            Some(Self::BareBase64)
        } else {
            None
        }
    }

    /// What to do instead, as the second half of a sentence.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::SigningRequest => "send it to your CA, and give the certificate that it issues",
            Self::PublicKey => "give the certificate that holds it",
            Self::Pkcs7 => {
                "convert it with `openssl pkcs7 -print_certs -in FILE` (for DER add `-inform DER`)"
            }
            Self::OpenSshKey => "convert it with `ssh-keygen -p -m PKCS8 -f FILE`",
            Self::SshPublicKey => "give an X.509 certificate",
            Self::TrustedCertificate => "convert it with `openssl x509 -in FILE`",
            Self::JavaKeyStore => "convert it with `keytool -importkeystore -deststoretype PKCS12`",
            Self::BareBase64 => {
                "put it between the lines -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----"
            }
            Self::Markup => "download the certificate itself",
        }
    }
}

impl std::fmt::Display for Foreign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::SigningRequest => "a certificate signing request, not a certificate",
            Self::PublicKey => "a public key, not a certificate",
            Self::Pkcs7 => "a PKCS#7 bundle",
            Self::OpenSshKey => "a key in the format of OpenSSH",
            Self::SshPublicKey => "an SSH public key",
            Self::TrustedCertificate => "a certificate with OpenSSL's trust settings appended",
            Self::JavaKeyStore => "a Java key store",
            Self::BareBase64 => "base64 without its BEGIN and END lines",
            Self::Markup => "a web page or XML document",
        })
    }
}
