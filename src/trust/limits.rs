//! What one judgement may cost, how long a chain and how large a key may be, and how many verdicts are kept.

/// Limits of judgements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustLimits {
    /// Most certificates that a client may present.
    pub chain_certificates_max: usize,
    /// Most bytes of all presented certificates together.
    pub chain_bytes_max: usize,
    /// Shortest RSA modulus, in bits. Under 2048 no signature is verified, whatever is set here.
    pub rsa_bits_min: u32,
    /// Longest RSA modulus, in bits. Over 8192 no signature is verified, whatever is set here.
    pub rsa_bits_max: u32,
    /// Most intermediate certificates between the client's and the trust anchor.
    pub path_intermediates_max: usize,
    /// Most alternative names of a certificate of the path.
    pub sans_max: usize,
    /// Most signature checks of one judgement; one that is repeated is not done, and not counted, again.
    pub signature_checks_max: u32,
    /// Most signature checks with keys that one owner brought (a realm, on a shared host).
    pub signature_checks_per_owner_max: u32,
    /// Most verdicts that are remembered; 0 remembers none.
    pub verdicts_max: usize,
    /// How long a verdict is remembered, in milliseconds, where nothing else ends it before.
    pub verdict_life_ms: u64,
}

impl Default for TrustLimits {
    fn default() -> Self {
        Self {
            chain_certificates_max: 10,
            chain_bytes_max: 64 * 1024,
            rsa_bits_min: 2048,
            rsa_bits_max: 8192,
            path_intermediates_max: 9,
            sans_max: 1000,
            signature_checks_max: 32,
            signature_checks_per_owner_max: 4,
            verdicts_max: 4096,
            verdict_life_ms: 3_600_000,
        }
    }
}
