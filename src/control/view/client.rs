//! Clients that were let in, those that are connected, and what a change would do to them, as they are told.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use crate::clock::Moment;
use crate::control::engine::Control;
use crate::control::error::ControlError;
use crate::control::impact::{Impact, WouldCut};
use crate::control::view::time::Time;
use crate::control::weighed::{CutClient, MovedClient, Weighable};
use crate::domain::environment::{Environment, InvalidWord};
use crate::domain::name::RealmName;
use crate::domain::realm::Realm;
use crate::domain::seen::SeenClient;
use crate::domain::token::Actor;
use crate::pki::fingerprint::Fingerprint;
use crate::store::seen::{SeenFilter, SeenPlace};
use crate::telemetry::open::OpenClient;
use crate::trust::scale::Voucher;

/// The most clients or connections that are told at a time.
pub const CLIENT_LIMIT_MAX: usize = 1000;

/// Which clients are wanted.
#[derive(Clone, Debug, Default)]
pub struct ClientFilter {
    /// Of one environment only.
    pub environment: Option<Environment>,
    /// Of one trust anchor only.
    pub anchor: Option<Fingerprint>,
    /// Those that were seen at this moment or later only.
    pub since: Option<Moment>,
    /// Those behind this place only.
    pub before: Option<ClientPlace>,
    /// How many at most.
    pub limit: usize,
}

/// A client's place in the list: when it was last seen, and which one it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientPlace(SeenPlace);

impl ClientPlace {
    /// Reads a place as [`ClientsView::next`] tells it, or a moment.
    ///
    /// # Errors
    /// [`InvalidWord`] where the text is neither.
    pub fn parse(text: &str) -> Result<Self, InvalidWord> {
        let invalid = || InvalidWord {
            what: "place in the list",
            allowed: "a time like 2027-01-31T12:00:00Z, or what 'next' of the page before says",
        };
        let mut parts = text.splitn(3, ' ');
        let last = Moment::parse(parts.next().unwrap_or_default()).map_err(|_| invalid())?;
        let client = match (parts.next(), parts.next()) {
            (None, _) => None,
            (Some(environment), Some(sha256)) => Some((
                Environment::parse(environment)?,
                Fingerprint::parse(sha256).map_err(|_| invalid())?,
            )),
            (Some(_), None) => return Err(invalid()),
        };
        Ok(Self(SeenPlace { last, client }))
    }

    fn told(client: &SeenClient) -> String {
        let SeenClient {
            last,
            environment,
            fingerprint,
            ..
        } = client;
        format!("{last} {environment} {fingerprint}")
    }
}

/// A page of clients, those that were seen last first.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientsView {
    /// The clients.
    pub clients: Vec<ClientView>,
    /// What `before` has to be for the page behind it; `null` where there is none.
    pub next: Option<String>,
}

/// A client that was let in.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientView {
    /// Where.
    pub environment: &'static str,
    /// SHA-256 of its certificate.
    pub fingerprint: String,
    /// Its subject.
    pub subject: String,
    /// Its alternative names, the first of them.
    pub sans: Vec<String>,
    /// Its issuer.
    pub issuer: String,
    /// Its serial number.
    pub serial: String,
    /// SHA-256 of its public key.
    pub key_sha256: String,
    /// The end of its certificate.
    pub not_after: Time,
    /// SHA-256 of the trust anchor that vouched for it last.
    pub anchor: String,
    /// That anchor's subject.
    pub anchor_subject: String,
    /// The account that brought it.
    pub account: String,
    /// When it was first seen.
    pub first: Time,
    /// When it was last seen.
    pub last: Time,
    /// How many handshakes it made.
    pub handshakes: u64,
    /// How many of them were full ones.
    pub full_handshakes: u64,
    /// Where it called from last.
    pub address: String,
    /// The version of TLS that it spoke last.
    pub tls: String,
    /// The protocol that it spoke last.
    pub protocol: String,
    /// How many connections of it are open now.
    pub connections: u64,
}

/// The connections that are open now, the oldest first.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionsView {
    /// The connections.
    pub connections: Vec<ClientConnectionView>,
    /// How many there are in all.
    pub count: usize,
}

/// An open connection of a client.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientConnectionView {
    /// Where.
    pub environment: &'static str,
    /// Whether it is on the realm's `own` host, or on the `shared` one and called the realm.
    pub host: &'static str,
    /// SHA-256 of the client's certificate.
    pub fingerprint: String,
    /// Its subject.
    pub subject: String,
    /// The account whose anchor vouches for it, where that is installed still.
    pub account: Option<String>,
    /// The end of its certificate.
    pub not_after: Time,
    /// Where it calls from.
    pub address: String,
    /// Since when it is open.
    pub since: Time,
    /// The protocol.
    pub protocol: &'static str,
}

/// What a change would do to clients.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImpactView {
    /// Whose.
    pub realm: String,
    /// Where.
    pub environment: &'static str,
    /// The catalog's revision that it was thought through on.
    pub revision: u64,
    /// How far back clients were looked for, in days.
    pub days: u32,
    /// How many clients would be cut.
    pub cut_count: u64,
    /// They: connected ones first, then those seen last; at most 1,000.
    pub cut: Vec<CutView>,
    /// How many clients would be vouched for by another anchor or account.
    pub moved_count: u64,
    /// They; at most 1,000.
    pub moved: Vec<MovedView>,
    /// How many clients stay as they are.
    pub kept: u64,
    /// How many are not trusted now either.
    pub already_refused: u64,
    /// How many cannot be judged.
    pub unjudged: u64,
    /// How many open connections would end, or on a shared host lose this realm.
    pub connections_cut: u64,
    /// Whether the mTLS endpoint goes with its last anchor.
    pub endpoint_goes: bool,
    /// What there is to know about the change itself.
    pub warnings: Vec<String>,
}

/// A client that a change is about.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AffectedView {
    /// SHA-256 of its certificate.
    pub fingerprint: String,
    /// Its subject.
    pub subject: String,
    /// Its alternative names, the first of them.
    pub sans: Vec<String>,
    /// Its serial number.
    pub serial: String,
    /// The end of its certificate.
    pub not_after: Time,
    /// When it was last seen; `null` where it is only known to be connected.
    pub last: Option<Time>,
    /// How many connections of it are open now.
    pub connections: u64,
}

/// A client that would be cut.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CutView {
    /// Who.
    #[serde(flatten)]
    pub client: AffectedView,
    /// Who vouches for it now.
    #[serde(flatten)]
    pub by: VoucherView,
    /// Why it would be refused: the reason code.
    pub reason: &'static str,
    /// The same in a sentence.
    pub sentence: String,
}

/// A client that another anchor or account would vouch for.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MovedView {
    /// Who.
    #[serde(flatten)]
    pub client: AffectedView,
    /// Who vouches for it now.
    pub from: VoucherView,
    /// Who would.
    pub to: VoucherView,
}

/// Who vouches for a client.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VoucherView {
    /// SHA-256 of the anchor.
    pub anchor: String,
    /// Its subject.
    pub anchor_subject: String,
    /// The account that brought it.
    pub account: String,
}

/// Whom a refused change would have cut.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WouldCutView {
    /// How many clients: what `cut` has to be.
    pub count: u64,
    /// How many of their connections are open.
    pub connections: u64,
    /// The first of them.
    pub clients: Vec<CutView>,
}

impl Control {
    /// Clients that a realm let in, up to this moment. Blocks.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn clients(
        &self,
        actor: &Actor,
        realm: &RealmName,
        filter: &ClientFilter,
    ) -> Result<ClientsView, ControlError> {
        self.seen_realm(actor, realm)?;
        self.note_clients()?;
        let limit = filter.limit.min(CLIENT_LIMIT_MAX);
        let seen = self.store.clients_seen(
            realm,
            &SeenFilter {
                environment: filter.environment,
                anchor: filter.anchor,
                since: filter.since,
                before: filter.before.map(|place| place.0),
                limit,
            },
        )?;
        let full = seen.len() >= limit;
        let next = seen.last().filter(|_| full).map(ClientPlace::told);
        let mut open: HashMap<(Environment, Fingerprint), u64> = HashMap::new();
        for one in self.open_of(realm, filter.environment) {
            let key = (one.environment, one.verified.identity.fingerprint);
            let count = open.entry(key).or_default();
            *count = count.saturating_add(1);
        }
        let clients = seen
            .into_iter()
            .map(|client| {
                let connections = open.get(&(client.environment, client.fingerprint));
                client_view(client, connections.copied().unwrap_or_default())
            })
            .collect();
        Ok(ClientsView { clients, next })
    }

    /// The open connections of a realm's clients.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn client_connections(
        &self,
        actor: &Actor,
        realm: &RealmName,
        environment: Option<Environment>,
    ) -> Result<ConnectionsView, ControlError> {
        let realm = self.seen_realm(actor, realm)?;
        let mut open = self.open_of(&realm.name, environment);
        open.sort_by_key(|open| (open.since, open.id));
        let shown = open.iter().take(CLIENT_LIMIT_MAX);
        Ok(ConnectionsView {
            count: open.len(),
            connections: shown.map(|open| connection_view(open, &realm)).collect(),
        })
    }

    fn open_of(&self, realm: &RealmName, environment: Option<Environment>) -> Vec<Arc<OpenClient>> {
        let wanted = Environment::ALL.into_iter();
        wanted
            .filter(|one| environment.is_none_or(|wanted| wanted == *one))
            .flat_map(|one| self.open.of_environment(realm, one))
            .collect()
    }
}

impl ImpactView {
    /// What would come of a change of `realm` in `environment`.
    pub fn of(realm: &RealmName, environment: Environment, impact: Impact) -> Self {
        let weighed = impact.weighed;
        Self {
            realm: realm.to_string(),
            environment: environment.as_str(),
            revision: impact.revision,
            days: impact.days,
            cut_count: weighed.cut_count,
            cut: weighed.cut.into_iter().map(CutView::of).collect(),
            moved_count: weighed.moved_count,
            moved: weighed.moved.into_iter().map(moved_view).collect(),
            kept: weighed.kept,
            already_refused: weighed.already_refused,
            unjudged: weighed.unjudged,
            connections_cut: weighed.connections_cut,
            endpoint_goes: weighed.endpoint_goes,
            warnings: impact.warnings.iter().map(ToString::to_string).collect(),
        }
    }
}

impl WouldCutView {
    /// Whom a refused change would have cut.
    pub fn of(cut: &WouldCut) -> Self {
        Self {
            count: cut.count,
            connections: cut.connections,
            clients: cut.clients.iter().cloned().map(CutView::of).collect(),
        }
    }
}

impl CutView {
    fn of(cut: CutClient) -> Self {
        Self {
            client: affected(cut.client),
            by: voucher(&cut.by),
            reason: cut.reason.as_str(),
            sentence: cut.sentence,
        }
    }
}

fn moved_view(moved: MovedClient) -> MovedView {
    MovedView {
        client: affected(moved.client),
        from: voucher(&moved.from),
        to: voucher(&moved.to),
    }
}

fn affected(client: Weighable) -> AffectedView {
    AffectedView {
        fingerprint: client.fingerprint.to_string(),
        subject: client.subject,
        sans: client.sans,
        serial: client.serial,
        not_after: Time(client.not_after),
        last: client.last.map(Time),
        connections: client.connections,
    }
}

fn voucher(of: &Voucher) -> VoucherView {
    VoucherView {
        anchor: of.anchor.to_string(),
        anchor_subject: of.anchor_subject.clone(),
        account: of.account.to_string(),
    }
}

fn client_view(client: SeenClient, connections: u64) -> ClientView {
    ClientView {
        environment: client.environment.as_str(),
        fingerprint: client.fingerprint.to_string(),
        subject: client.subject,
        sans: client.sans,
        issuer: client.issuer,
        serial: client.serial,
        key_sha256: client.spki_sha256.to_string(),
        not_after: Time(client.not_after),
        anchor: client.anchor.to_string(),
        anchor_subject: client.anchor_subject,
        account: client.account,
        first: Time(client.first),
        last: Time(client.last),
        handshakes: client.handshakes,
        full_handshakes: client.full_handshakes,
        address: client.address.to_string(),
        tls: client.tls,
        protocol: client.protocol,
        connections,
    }
}

fn connection_view(open: &OpenClient, realm: &Realm) -> ClientConnectionView {
    let identity = &open.verified.identity;
    let mut installed = realm.installed(open.environment);
    let account = installed.find(|one| {
        let mut anchors = one.certificates.iter();
        anchors.any(|anchor| anchor.fingerprint() == identity.anchor)
    });
    ClientConnectionView {
        environment: open.environment.as_str(),
        host: if open.realm.is_some() {
            "own"
        } else {
            "shared"
        },
        fingerprint: identity.fingerprint.to_string(),
        subject: identity.subject.clone(),
        account: account.map(|one| one.account.to_string()),
        not_after: Time(identity.not_after),
        address: open.address.to_string(),
        since: Time(open.since),
        protocol: open.protocol,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_list_is_a_time_or_what_a_page_told() {
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let read = |text: &str| ClientPlace::parse(text).map(|place| place.0).ok();
        let last = Moment::parse("2027-01-31T12:00:00.123Z").unwrap();
        let client = Some((Environment::Test, Fingerprint::parse(sha256).unwrap()));
        assert_eq!(
            read("2027-01-31T12:00:00.123Z"),
            Some(SeenPlace { last, client: None })
        );
        assert_eq!(
            read(&format!("2027-01-31T12:00:00.123Z test {sha256}")),
            Some(SeenPlace { last, client })
        );
        for bad in [
            "",
            "17",
            "2027-01-31 test",
            "2027-01-31 x y",
            "2027-01-31 test 00",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
