//! A case: what a realm trusts, what a client sends, and what is to come of it.

use realmgate::trust::reason::Reason;

use crate::foundry::certificate::Certificate;
use crate::foundry::crl::Crl;
use crate::foundry::key::Key;

/// What is to come of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The client's call is answered.
    Accepted,
    /// The handshake fails for this reason.
    Refused(Reason),
    /// The manifest is refused, with this in its sentence.
    NotInstalled(&'static str),
}

/// One case.
pub struct Case {
    /// What it is about, in a sentence; no two have the same.
    pub name: &'static str,
    /// Where RFC 5280 (unless it says another) decides it.
    pub clause: &'static str,
    /// What is to come of it.
    pub expected: Expected,
    /// Certificates as the client sends them, in DER.
    pub sent: Vec<Vec<u8>>,
    /// With what the client signs.
    pub key: Key,
    /// The realm's anchors, in DER.
    pub anchors: Vec<Vec<u8>>,
    /// The realm's helpers, in DER.
    pub helpers: Vec<Vec<u8>>,
    /// The realm's revocation lists, in DER, in the order in which they are given.
    pub crls: Vec<Vec<u8>>,
    /// `revocation` of the realm's trust policy.
    pub revocation: Option<&'static str>,
    /// `crl-out-of-date` of the realm's trust policy, in TOML.
    pub out_of_date: Option<&'static str>,
    /// `pins` of the realm's trust policy.
    pub pins: Vec<String>,
}

/// A client that sends `sent`, the first being its own.
pub fn case(name: &'static str, clause: &'static str, sent: &[&Certificate]) -> Case {
    let own = sent.first().expect("a client has a certificate");
    Case {
        name,
        clause,
        expected: Expected::Accepted,
        sent: sent.iter().map(|one| one.der().to_vec()).collect(),
        key: own.own_key().clone(),
        anchors: Vec::new(),
        helpers: Vec::new(),
        crls: Vec::new(),
        revocation: None,
        out_of_date: None,
        pins: Vec::new(),
    }
}

impl Case {
    /// The realm trusts this CA.
    pub fn trusting(mut self, anchor: &Certificate) -> Self {
        self.anchors.push(anchor.der().to_vec());
        self
    }

    /// The realm has this helper, and does not trust it by itself.
    pub fn helped_by(mut self, helper: &Certificate) -> Self {
        self.helpers.push(helper.der().to_vec());
        self
    }

    /// The realm has this revocation list, after those that it has.
    pub fn given(mut self, crl: &Crl) -> Self {
        self.crls.push(crl.der());
        self
    }

    /// The realm looks up the client's certificate in its lists.
    pub fn looking_up_the_leaf(mut self) -> Self {
        self.revocation = Some("leaf");
        self
    }

    /// The realm looks up all certificates but the anchor in its lists.
    pub fn looking_up_the_chain(mut self) -> Self {
        self.revocation = Some("chain");
        self
    }

    /// How the realm takes lists that are out of date, in TOML.
    pub fn out_of_date(mut self, policy: &'static str) -> Self {
        self.out_of_date = Some(policy);
        self
    }

    /// The realm lets only such clients in.
    pub fn pinning(mut self, pin: String) -> Self {
        self.pins.push(pin);
        self
    }

    /// The client signs with another key than its certificate's.
    pub fn proving_with(mut self, key: &Key) -> Self {
        self.key = key.clone();
        self
    }

    /// Another clause decides it.
    pub fn with_clause(self, clause: &'static str) -> Self {
        Self { clause, ..self }
    }

    /// The client is let in.
    pub fn accepted(self) -> Self {
        self.expecting(Expected::Accepted)
    }

    /// The client is refused.
    pub fn refused(self, reason: Reason) -> Self {
        self.expecting(Expected::Refused(reason))
    }

    /// The realm cannot be made like this, and is told why.
    pub fn not_installed(self, told: &'static str) -> Self {
        self.expecting(Expected::NotInstalled(told))
    }

    fn expecting(self, expected: Expected) -> Self {
        Self { expected, ..self }
    }

    /// Whether the realm's trust policy is other than the default.
    pub fn has_policy(&self) -> bool {
        self.revocation.is_some()
            || self.out_of_date.is_some()
            || !self.pins.is_empty()
            || !self.crls.is_empty()
    }
}
