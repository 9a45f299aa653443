//! Whether a name lies within a subtree (RFC 5280, 4.2.1.10).
//!
//! Names and bases are prepared once, and then compared at no cost but that of reading them. What cannot be compared
//! with certainty is neither inside nor outside: [`Place::Unclear`].

use std::net::Ipv4Addr;

use crate::pki::general_name::GeneralName;
use crate::pki::name;

/// A name of a certificate, prepared to be compared.
#[derive(Debug)]
pub struct Name(NameForm);

/// The base of a subtree, prepared to be compared.
#[derive(Debug)]
pub struct Base(BaseForm);

/// Whether a subtree lets names in or keeps them out. The two differ where a name stands for many: a wildcard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// All that the name stands for has to lie within.
    Permitted,
    /// Nothing that the name stands for may lie within.
    Excluded,
}

/// Where a name lies, as seen from a subtree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The subtree is of another kind of names and says nothing of this one.
    OtherKind,
    /// Within.
    Inside,
    /// Not within.
    Outside,
    /// One of the two cannot be compared.
    Unclear,
}

/// `None` marks what is of the kind, and not in a form that can be compared.
#[derive(Debug)]
enum NameForm {
    Email(Option<Mailbox>),
    Dns(Option<Host>),
    /// The host of the URI.
    Uri(Option<String>),
    Ip(Vec<u8>),
    Directory(Option<Vec<Vec<u8>>>),
    Other(u8),
}

#[derive(Debug)]
enum BaseForm {
    Email(Option<EmailBase>),
    Dns(Option<HostBase>),
    Uri(Option<HostBase>),
    Ip(Vec<u8>),
    Directory(Option<Vec<Vec<u8>>>),
    Other(u8),
}

#[derive(Debug, PartialEq, Eq)]
struct Mailbox {
    local: String,
    host: String,
}

/// A DNS name in lower case; with a wildcard, what follows the wildcard's label.
#[derive(Debug, PartialEq, Eq)]
struct Host {
    wildcard: bool,
    name: String,
}

#[derive(Debug)]
enum EmailBase {
    Mailbox(Mailbox),
    Hosts(HostBase),
}

#[derive(Debug)]
enum HostBase {
    Everything,
    /// This name itself; for DNS names also what is below it.
    Name(String),
    /// Only what is below the name; written with a `.` before it.
    Below(String),
}

impl Name {
    /// Prepares an alternative name.
    pub fn of(name: &GeneralName) -> Self {
        Self(match name {
            GeneralName::Email(text) => NameForm::Email(mailbox(text)),
            GeneralName::Dns(text) => NameForm::Dns(host(text)),
            GeneralName::Uri(text) => NameForm::Uri(uri_host(text)),
            GeneralName::Ip(octets) => NameForm::Ip(octets.clone()),
            GeneralName::Directory(raw) => return Self::directory(raw),
            GeneralName::Other(kind, _) => NameForm::Other(*kind),
        })
    }

    /// Prepares the DER of a Name.
    pub fn directory(raw: &[u8]) -> Self {
        // A control could hide from an exclusion what other readers see.
        let parts = name::normal_sets(raw).ok();
        Self(NameForm::Directory(
            parts.filter(|_| !name::has_controls(raw)),
        ))
    }

    /// Prepares a mail address of a subject; `None` stands for a value that is no text.
    pub fn email(text: Option<&str>) -> Self {
        Self(NameForm::Email(text.and_then(mailbox)))
    }

    /// Prepares a common name, if it looks like a DNS name: two labels or more, and no IPv4 address.
    pub fn common_name(text: &str) -> Option<Self> {
        let host = host(text).filter(|host| host.wildcard || host.name.contains('.'))?;
        if text.parse::<Ipv4Addr>().is_ok() {
            return None;
        }
        Some(Self(NameForm::Dns(Some(host))))
    }
}

impl Base {
    /// Prepares the base of a subtree.
    pub fn of(base: &GeneralName) -> Self {
        Self(match base {
            GeneralName::Email(text) => BaseForm::Email(email_base(text)),
            GeneralName::Dns(text) => BaseForm::Dns(host_base(text)),
            GeneralName::Uri(text) => BaseForm::Uri(host_base(text)),
            GeneralName::Ip(octets) => BaseForm::Ip(octets.clone()),
            GeneralName::Directory(raw) => BaseForm::Directory(name::normal_sets(raw).ok()),
            GeneralName::Other(kind, _) => BaseForm::Other(*kind),
        })
    }

    /// Where a name lies.
    pub fn place(&self, side: Side, name: &Name) -> Place {
        let inside = match (&name.0, &self.0) {
            (NameForm::Email(name), BaseForm::Email(base)) => {
                both(name, base, |name, base| match base {
                    EmailBase::Mailbox(base) => name == base,
                    EmailBase::Hosts(base) => is_of_hosts(&name.host, base),
                })
            }
            (NameForm::Dns(name), BaseForm::Dns(base)) => {
                both(name, base, |name, base| is_of_dns(name, base, side))
            }
            (NameForm::Uri(name), BaseForm::Uri(base)) => {
                both(name, base, |name, base| is_of_hosts(name, base))
            }
            (NameForm::Ip(name), BaseForm::Ip(base)) => Some(is_of_network(name, base)),
            (NameForm::Directory(name), BaseForm::Directory(base)) => {
                both(name, base, |name, base| name.starts_with(base))
            }
            (NameForm::Other(name), BaseForm::Other(base)) if name == base => None,
            _ => return Place::OtherKind,
        };
        match inside {
            Some(true) => Place::Inside,
            Some(false) => Place::Outside,
            None => Place::Unclear,
        }
    }
}

fn both<N, B>(
    name: &Option<N>,
    base: &Option<B>,
    inside: impl FnOnce(&N, &B) -> bool,
) -> Option<bool> {
    Some(inside(name.as_ref()?, base.as_ref()?))
}

fn is_of_dns(name: &Host, base: &HostBase, side: Side) -> bool {
    let name_or_below = |base: &str| name.name == base || is_below(&name.name, base);
    match base {
        HostBase::Everything => true,
        // Whatever stands for the wildcard's label is below the rest of the name.
        HostBase::Below(base) if name.wildcard => name_or_below(base),
        HostBase::Below(base) => is_below(&name.name, base),
        HostBase::Name(base) => {
            name_or_below(base)
                || (side == Side::Excluded && name.wildcard && is_child(base, &name.name))
        }
    }
}

/// URIs and mail addresses: a host is itself, unlike a DNS name.
fn is_of_hosts(host: &str, base: &HostBase) -> bool {
    match base {
        HostBase::Everything => true,
        HostBase::Name(base) => host == base,
        HostBase::Below(base) => is_below(host, base),
    }
}

fn is_below(name: &str, above: &str) -> bool {
    name.strip_suffix(above)
        .is_some_and(|labels| labels.len() > 1 && labels.ends_with('.'))
}

/// Whether `name` is one label below `above`.
fn is_child(name: &str, above: &str) -> bool {
    name.strip_suffix(above)
        .and_then(|labels| labels.strip_suffix('.'))
        .is_some_and(|label| !label.is_empty() && !label.contains('.'))
}

fn is_of_network(address: &[u8], base: &[u8]) -> bool {
    let Some((network, mask)) = base.split_at_checked(base.len() / 2) else {
        return false;
    };
    address.len() == network.len()
        && address
            .iter()
            .zip(network)
            .zip(mask)
            .all(|((address, network), mask)| (address ^ network) & mask == 0)
}

fn host(text: &str) -> Option<Host> {
    let (wildcard, name) = match text.strip_prefix("*.") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    Some(Host {
        wildcard,
        name: dns_name(name)?,
    })
}

/// The name in lower case, if it is labels of letters, digits, `-` and `_`, without a last dot.
fn dns_name(text: &str) -> Option<String> {
    const NAME_BYTES_MAX: usize = 253;
    const LABEL_BYTES_MAX: usize = 63;
    let is_label = |label: &str| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && label
                .bytes()
                .all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
    };
    (text.len() <= NAME_BYTES_MAX && text.split('.').all(is_label))
        .then(|| text.to_ascii_lowercase())
}

/// Local parts are compared octet for octet, so that those which can be written in several ways cannot be compared:
/// quoted ones. Address literals in place of a host cannot either.
fn mailbox(text: &str) -> Option<Mailbox> {
    let (local, host) = text.rsplit_once('@')?;
    let is_plain =
        |octet: u8| octet.is_ascii_alphanumeric() || b".!#$%&'*+-/=?^_`{|}~".contains(&octet);
    (!local.is_empty() && local.bytes().all(is_plain)).then_some(())?;
    Some(Mailbox {
        local: local.to_owned(),
        host: dns_name(host)?,
    })
}

/// The host of a URI with an authority, if it is a DNS name (RFC 3986, 3.2.2). Only for what is a URI in every octet:
/// readers who make do with less end its authority at different places, and find different hosts.
fn uri_host(text: &str) -> Option<String> {
    const RESERVED: &[u8] = b":/?#[]@!$&'()*+,;=";
    const SUB_DELIMITERS: &[u8] = b"!$&'()*+,;=";
    is_of_uri(text, RESERVED).then_some(())?;
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme
        .bytes()
        .all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(&octet))
        && scheme.starts_with(|first: char| first.is_ascii_alphabetic());
    let rest = rest.strip_prefix("//").filter(|_| is_scheme)?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let is_of_user = |part| is_of_uri(part, SUB_DELIMITERS);
    user.split(':').all(is_of_user).then_some(())?;
    let host = match host.split_once(':') {
        Some((host, port)) if port.bytes().all(|octet| octet.is_ascii_digit()) => host,
        Some(_) => return None,
        None => host,
    };
    // A host whose last label begins with a digit is or may be taken for an IPv4 address, in decimal or otherwise.
    let last = host.rsplit('.').next()?;
    if last
        .bytes()
        .next()
        .is_some_and(|octet| octet.is_ascii_digit())
    {
        return None;
    }
    dns_name(host)
}

/// Whether there are only the characters that are never reserved, those that are escaped, and these (RFC 3986, 2).
fn is_of_uri(text: &str, reserved: &[u8]) -> bool {
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        let mut is_digit = || octets.next().is_some_and(|digit| digit.is_ascii_hexdigit());
        let fits = match octet {
            b'%' => is_digit() && is_digit(),
            b'-' | b'.' | b'_' | b'~' => true,
            octet => octet.is_ascii_alphanumeric() || reserved.contains(&octet),
        };
        if !fits {
            return false;
        }
    }
    true
}

fn email_base(text: &str) -> Option<EmailBase> {
    if text.contains('@') {
        mailbox(text).map(EmailBase::Mailbox)
    } else {
        host_base(text).map(EmailBase::Hosts)
    }
}

fn host_base(text: &str) -> Option<HostBase> {
    if text.is_empty() {
        return Some(HostBase::Everything);
    }
    match text.strip_prefix('.') {
        Some(rest) => dns_name(rest).map(HostBase::Below),
        None => dns_name(text).map(HostBase::Name),
    }
}

#[cfg(test)]
mod tests;
