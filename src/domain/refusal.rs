//! Refused clients: what is kept of each refusal, for the realm's people and the operator to read.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::clock::Moment;
use crate::domain::environment::{Environment, Gateway};
use crate::domain::name::RealmName;

/// How many bytes of a refused client's chain are kept. Of a longer one its own certificate is, where that fits.
pub const CHAIN_BYTES_MAX: usize = 16 * 1024;
/// How many of a realm's latest refusals keep their chains: 4 MiB of them at most.
pub const CHAINS_PER_REALM_MAX: u64 = 256;

/// One refused handshake, or one refused call that is worth a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalRecord {
    /// When.
    pub at: Moment,
    /// Whose it is; `None` where it belongs to no realm and only operators read it.
    pub realm: Option<RealmName>,
    /// At which gateway.
    pub gateway: Gateway,
    /// In which environment, where that was known already.
    pub environment: Option<Environment>,
    /// Where the client called from.
    pub address: IpAddr,
    /// The server name that the client asked for; escaped, at most 255 characters.
    pub server_name: Option<String>,
    /// The stable reason code.
    pub reason: Cow<'static, str>,
    /// One sentence that says what happened, naming the certificate.
    pub sentence: String,
    /// The client certificate that was shown, decoded.
    pub certificate: Option<ShownCertificate>,
    /// The certificates that were shown, as they came, where they are known and kept still.
    pub chain: Option<PresentedChain>,
    /// How many refusals of this realm were left out just before this one, because there were too many.
    pub left_out: u64,
}

/// The certificates that a client showed, as they came: never none, and within [`CHAIN_BYTES_MAX`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentedChain {
    certificates: Vec<Box<[u8]>>,
    left_out: u32,
}

impl PresentedChain {
    /// Keeps what a client presented, its own certificate first; `None` where that is nothing, or too large.
    pub fn of<'a>(presented: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let presented: Vec<&[u8]> = presented.into_iter().collect();
        let bytes = presented
            .iter()
            .fold(0_usize, |sum, one| sum.saturating_add(one.len()));
        let kept = if bytes > CHAIN_BYTES_MAX {
            presented.get(..1)?
        } else {
            presented.as_slice()
        };
        let left_out = presented.len().saturating_sub(kept.len());
        let certificates = kept.iter().map(|one| Box::from(*one)).collect();
        Self::kept(certificates, u32::try_from(left_out).unwrap_or(u32::MAX))
    }

    /// What was kept of a chain before; `None` where that is nothing, or too large.
    pub fn kept(certificates: Vec<Box<[u8]>>, left_out: u32) -> Option<Self> {
        let chain = Self {
            certificates,
            left_out,
        };
        let fits = !chain.certificates.is_empty() && chain.bytes() <= CHAIN_BYTES_MAX;
        fits.then_some(chain)
    }

    /// The certificates, each as it came, the client's own first.
    pub fn certificates(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.certificates.iter().map(|one| &**one)
    }

    /// How many more there were.
    pub const fn left_out(&self) -> u32 {
        self.left_out
    }

    /// How many bytes the certificates have together.
    pub fn bytes(&self) -> usize {
        let lengths = self.certificates.iter().map(|one| one.len());
        lengths.fold(0, usize::saturating_add)
    }
}

/// A certificate that a refused client showed. All texts are escaped and bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownCertificate {
    /// Its subject.
    pub subject: String,
    /// Its issuer.
    pub issuer: String,
    /// Its serial number, lower-case hexadecimal.
    pub serial: String,
    /// SHA-256 of the certificate, lower-case hexadecimal.
    pub fingerprint: String,
    /// When it begins.
    pub not_before: Moment,
    /// When it ends.
    pub not_after: Moment,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(lengths: &[usize]) -> Option<(Vec<usize>, u32)> {
        let certificates: Vec<Vec<u8>> = lengths.iter().map(|length| vec![7; *length]).collect();
        let chain = PresentedChain::of(certificates.iter().map(Vec::as_slice))?;
        let lengths = chain.certificates().map(<[u8]>::len).collect();
        assert!(chain.bytes() <= CHAIN_BYTES_MAX);
        Some((lengths, chain.left_out()))
    }

    #[test]
    fn of_a_chain_that_is_too_long_the_clients_own_certificate_is_kept() {
        assert_eq!(kept(&[]), None);
        assert_eq!(kept(&[900, 800]), Some((vec![900, 800], 0)));
        assert_eq!(kept(&[16_384]), Some((vec![16_384], 0)));
        assert_eq!(kept(&[900, 16_384]), Some((vec![900], 1)));
        assert_eq!(kept(&[900, 9_000, 9_000]), Some((vec![900], 2)));
        assert_eq!(kept(&[16_385]), None);
    }
}
