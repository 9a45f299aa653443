//! What a rule is told of a client.

/// The facts of one verified client. Texts are escaped and bounded; one that was cut ends in `…`, and of a list that was
/// cut the last item begins with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts<'a> {
    /// Subject, as RFC 4514 text.
    pub subject: &'a str,
    /// Alternative names, such as `DNS:client-1.acme.example`.
    pub sans: &'a [String],
    /// Issuer, as RFC 4514 text.
    pub issuer: &'a str,
    /// Serial number, lower-case hexadecimal.
    pub serial: &'a str,
    /// SHA-256 of the certificate, lower-case hexadecimal.
    pub fingerprint: &'a str,
    /// SHA-256 of the trust anchor, lower-case hexadecimal.
    pub anchor: &'a str,
    /// The trust anchor's subject, as RFC 4514 text.
    pub anchor_subject: &'a str,
    /// The account that brought the anchor.
    pub account: &'a str,
    /// What was read out of the certificate's names one by one.
    pub names: &'a Names,
}

/// The single names in a certificate: no text has to be taken apart to compare them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Common names of the subject, in their order.
    pub common_names: Vec<String>,
    /// Organisations of the subject.
    pub organizations: Vec<String>,
    /// Organisational units of the subject.
    pub organizational_units: Vec<String>,
    /// DNS names among the alternative names, in lower case.
    pub dns: Vec<String>,
    /// Mail addresses among the alternative names.
    pub emails: Vec<String>,
    /// URIs among the alternative names.
    pub uris: Vec<String>,
}

/// One fact, as rules name it: `client.subject`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// `client.subject`.
    Subject,
    /// `client.sans`.
    Sans,
    /// `client.issuer`.
    Issuer,
    /// `client.serial`.
    Serial,
    /// `client.fingerprint`.
    Fingerprint,
    /// `client.anchor`.
    Anchor,
    /// `client.anchor_subject`.
    AnchorSubject,
    /// `client.account`.
    Account,
    /// `client.cn`.
    CommonNames,
    /// `client.organizations`.
    Organizations,
    /// `client.organizational_units`.
    OrganizationalUnits,
    /// `client.dns`.
    Dns,
    /// `client.emails`.
    Emails,
    /// `client.uris`.
    Uris,
}

/// The value of a fact.
pub(crate) enum FactValue<'a> {
    Text(&'a str),
    List(&'a [String]),
}

impl Fact {
    /// All facts, in the order of the documentation.
    pub const ALL: [Self; 14] = [
        Self::Subject,
        Self::Sans,
        Self::Issuer,
        Self::Serial,
        Self::Fingerprint,
        Self::Anchor,
        Self::AnchorSubject,
        Self::Account,
        Self::CommonNames,
        Self::Organizations,
        Self::OrganizationalUnits,
        Self::Dns,
        Self::Emails,
        Self::Uris,
    ];

    /// How a rule names it, after `client.`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Sans => "sans",
            Self::Issuer => "issuer",
            Self::Serial => "serial",
            Self::Fingerprint => "fingerprint",
            Self::Anchor => "anchor",
            Self::AnchorSubject => "anchor_subject",
            Self::Account => "account",
            Self::CommonNames => "cn",
            Self::Organizations => "organizations",
            Self::OrganizationalUnits => "organizational_units",
            Self::Dns => "dns",
            Self::Emails => "emails",
            Self::Uris => "uris",
        }
    }

    /// The fact of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fact| fact.as_str() == name)
    }

    /// Whether it is a list of texts; else it is one text.
    pub const fn is_list(self) -> bool {
        match self {
            Self::Subject
            | Self::Issuer
            | Self::Serial
            | Self::Fingerprint
            | Self::Anchor
            | Self::AnchorSubject
            | Self::Account => false,
            Self::Sans
            | Self::CommonNames
            | Self::Organizations
            | Self::OrganizationalUnits
            | Self::Dns
            | Self::Emails
            | Self::Uris => true,
        }
    }

    pub(crate) const fn of<'a>(self, facts: &Facts<'a>) -> FactValue<'a> {
        let names = facts.names;
        match self {
            Self::Subject => FactValue::Text(facts.subject),
            Self::Sans => FactValue::List(facts.sans),
            Self::Issuer => FactValue::Text(facts.issuer),
            Self::Serial => FactValue::Text(facts.serial),
            Self::Fingerprint => FactValue::Text(facts.fingerprint),
            Self::Anchor => FactValue::Text(facts.anchor),
            Self::AnchorSubject => FactValue::Text(facts.anchor_subject),
            Self::Account => FactValue::Text(facts.account),
            Self::CommonNames => FactValue::List(names.common_names.as_slice()),
            Self::Organizations => FactValue::List(names.organizations.as_slice()),
            Self::OrganizationalUnits => FactValue::List(names.organizational_units.as_slice()),
            Self::Dns => FactValue::List(names.dns.as_slice()),
            Self::Emails => FactValue::List(names.emails.as_slice()),
            Self::Uris => FactValue::List(names.uris.as_slice()),
        }
    }
}

impl FactValue<'_> {
    /// Whether something of it was left out, so that a rule could be fooled by what it does not see.
    pub(crate) fn is_cut(&self) -> bool {
        match self {
            Self::Text(text) => text.ends_with('…'),
            Self::List(items) => items
                .iter()
                .any(|item| item.ends_with('…') || item.starts_with('…')),
        }
    }

    /// Items of a list; 1 for a text.
    pub(crate) const fn items(&self) -> usize {
        match self {
            Self::Text(_) => 1,
            Self::List(items) => items.len(),
        }
    }

    /// Bytes in all.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::List(items) => items.iter().map(String::len).fold(0, usize::saturating_add),
        }
    }
}
