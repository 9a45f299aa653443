//! What the tests of this room work with: catalogs with everything in them, and disks that misbehave.

use std::io;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::time::Duration;

use redb::StorageBackend;

use crate::clock::Moment;
use crate::domain::account::{AccountType, AccountValues};
use crate::domain::audit::AuditFact;
use crate::domain::catalog::{Catalog, Circumstances, Rules};
use crate::domain::change::Touched;
use crate::domain::command::{Command, ValueChange};
use crate::domain::endpoint::{HostLabels, NamePlan};
use crate::domain::environment::PerEnvironment;
use crate::domain::name::{AccountName, RealmName};
use crate::domain::token::Actor;
use crate::pki::authority::{Authority, AuthorityRequest, Leaf, ServerRequest};
use crate::pki::certificate::Certificate;
use crate::pki::key::KeyChoice;
use crate::store::db::Store;
use crate::store::error::StoreError;
use crate::store::master_key::MasterKey;

/// The master key of the tests.
pub(crate) fn master_key() -> MasterKey {
    MasterKey::from_bytes([0x5a; 32])
}

/// The moment at which the tests take place.
pub(crate) fn now() -> Moment {
    Moment::from_unix_seconds(1_800_000_000)
}

pub(crate) fn realm(name: &str) -> RealmName {
    RealmName::parse(name).unwrap()
}

pub(crate) fn account(name: &str) -> AccountName {
    AccountName::parse(name).unwrap()
}

/// A few authorities to trust.
pub(crate) static AUTHORITIES: LazyLock<Vec<Authority>> = LazyLock::new(|| {
    (0..4)
        .map(|number| authority(&format!("Root {number}")))
        .collect()
});

/// A server certificate with its key.
pub(crate) static SERVER: LazyLock<Leaf> = LazyLock::new(|| server(KeyChoice::EcP256));
/// Another one, of another kind of key.
pub(crate) static SERVER_RSA: LazyLock<Leaf> = LazyLock::new(|| server(KeyChoice::Rsa2048));

pub(crate) fn authority(common_name: &str) -> Authority {
    Authority::self_signed(&AuthorityRequest {
        common_name: common_name.to_owned(),
        organization: None,
        not_before: now().minus(Duration::from_secs(86_400)),
        not_after: now().plus(Duration::from_secs(900 * 86_400)),
        path_length: None,
        key: KeyChoice::EcP256,
    })
    .unwrap()
}

fn server(key: KeyChoice) -> Leaf {
    let request = ServerRequest {
        names: vec!["api.gate.localhost".to_owned()],
        not_before: now().minus(Duration::from_secs(86_400)),
        not_after: now().plus(Duration::from_secs(90 * 86_400)),
        key,
    };
    AUTHORITIES[0].issue_server_for(&request).unwrap()
}

pub(crate) fn trust_source(certificates: &[Certificate]) -> AccountValues {
    AccountValues::CertificateChain {
        certificates: certificates.to_vec(),
        helpers: Vec::new(),
        key: None,
    }
}

/// Saves an account's values for `prod`.
pub(crate) fn save_account(of: &str, name: &str, values: AccountValues) -> Command {
    let account_type: AccountType = values.account_type();
    let values = PerEnvironment {
        test: ValueChange::Keep,
        prod: ValueChange::Set(values),
    };
    Command::SaveAccount {
        realm: realm(of),
        name: account(name),
        account_type,
        values,
    }
}

/// A catalog, and what the commands since the last commit did to it.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) catalog: Catalog,
    pub(crate) touched: Vec<Touched>,
    pub(crate) facts: Vec<AuditFact>,
    rules: Rules,
}

impl Draft {
    pub(crate) fn of(catalog: Catalog) -> Self {
        let rules = Rules {
            external_port: None,
            trust_account_prefix: "dgb-mtls-".to_owned(),
            request_mb_max: 1024,
            names: NamePlan::new("gate.localhost", &HostLabels::default()).unwrap(),
        };
        Self {
            catalog,
            touched: Vec::new(),
            facts: Vec::new(),
            rules,
        }
    }

    /// Carries out a command, unless it is rejected.
    pub(crate) fn try_apply(&mut self, command: &Command) -> bool {
        let actor = Actor::system();
        let around = Circumstances {
            actor: &actor,
            now: now(),
            rules: &self.rules,
        };
        let mut next = self.catalog.clone();
        match next.apply(command, around) {
            Ok(change) => {
                self.catalog = next;
                self.touched.extend(change.touched);
                self.facts.extend(change.audit);
                true
            }
            Err(_) => false,
        }
    }

    /// Carries out a command that cannot be rejected.
    pub(crate) fn apply(&mut self, command: &Command) {
        assert!(self.try_apply(command), "{command:?}");
    }

    /// Stores what was done since the last commit, as the next revision.
    pub(crate) fn commit(&mut self, store: &Store) -> Result<(), StoreError> {
        let mut next = self.catalog.clone();
        next.revision = next.revision.strict_add(1);
        store.commit(&next, &self.touched, &self.facts, &Actor::system(), now())?;
        self.catalog = next;
        self.touched.clear();
        self.facts.clear();
        Ok(())
    }
}

/// Holds two catalogs against each other, secrets included.
pub(crate) fn assert_same(left: &Catalog, right: &Catalog) {
    let (told, other) = (format!("{left:#?}"), format!("{right:#?}"));
    let mut lines = told.lines().zip(other.lines());
    let difference = lines.find(|(one, other)| one != other);
    assert!(told == other, "the catalogs differ: {difference:?}");
    assert_eq!(secrets(left), secrets(right));
}

/// All that `Debug` hides.
fn secrets(catalog: &Catalog) -> Vec<Vec<u8>> {
    let mut secrets = Vec::new();
    for realm in catalog.realms.values() {
        let values = realm
            .accounts
            .values()
            .flat_map(|account| account.values.iter());
        for values in values.filter_map(|(_, values)| values.as_ref()) {
            let of = match values {
                AccountValues::CertificateChain { key, .. } => {
                    key.iter().map(|key| key.pkcs8().to_vec()).collect()
                }
                AccountValues::Basic {
                    password: secret, ..
                }
                | AccountValues::CustomAuthHeader {
                    header_value: secret,
                    ..
                }
                | AccountValues::OauthBearer { token: secret }
                | AccountValues::ApiKey {
                    api_key: secret, ..
                }
                | AccountValues::SecretKey { key: secret } => vec![secret.expose().to_vec()],
                AccountValues::PrivateKey { key, passphrase } => {
                    vec![key.expose().to_vec(), passphrase.expose().to_vec()]
                }
                AccountValues::PublicKey { .. } => Vec::new(),
            };
            secrets.extend(of);
        }
    }
    let authority = catalog
        .server_authority
        .iter()
        .map(|authority| &authority.key);
    let identities = catalog.server_identities.values();
    let identities = identities
        .flat_map(|identity| &identity.certificates)
        .map(|of| &of.key);
    secrets.extend(authority.chain(identities).map(|key| key.pkcs8().to_vec()));
    for realm in catalog.realms.values() {
        let own = realm.server_identities.iter();
        let own = own.filter_map(|(_, own)| own.as_ref());
        let keys = own.flat_map(|own| &own.certificates).map(|of| &of.key);
        secrets.extend(keys.map(|key| key.pkcs8().to_vec()));
    }
    secrets
}

/// A disk in memory. It counts syncs, and misbehaves as it is told. Its clones are the same disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct SimulatedDisk(Arc<Mutex<Platter>>);

#[derive(Debug, Default)]
struct Platter {
    /// What a power cut leaves for certain.
    synced: Vec<u8>,
    /// What the operating system shows.
    shown: Vec<u8>,
    /// What happened since the last sync.
    since: Vec<Access>,
    syncs: u64,
    growths: u64,
    accesses: u64,
    misbehaviour: Misbehaviour,
}

#[derive(Clone, Debug)]
enum Access {
    Write(usize, Vec<u8>),
    SetLen(usize),
}

/// What a simulated disk does wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Misbehaviour {
    /// Nothing.
    #[default]
    None,
    /// Writes from this offset on find no space.
    Full(u64),
    /// All writes fail.
    ReadOnly,
    /// Reads and writes fail.
    Broken,
    /// Syncs fail.
    NoSync,
    /// The file cannot be made smaller.
    NoShrinking,
    /// The power goes at the access of this number, counted from the first one ever.
    PowerCut(u64),
}

impl SimulatedDisk {
    pub(crate) fn misbehave(&self, how: Misbehaviour) {
        self.platter().misbehaviour = how;
    }

    pub(crate) fn syncs(&self) -> u64 {
        self.platter().syncs
    }

    /// How often the file grew.
    pub(crate) fn growths(&self) -> u64 {
        self.platter().growths
    }

    /// How many writes, changes of the length and syncs there were.
    pub(crate) fn accesses(&self) -> u64 {
        self.platter().accesses
    }

    pub(crate) fn content(&self) -> Vec<u8> {
        self.platter().shown.clone()
    }

    pub(crate) fn of(content: Vec<u8>) -> Self {
        let platter = Platter {
            synced: content.clone(),
            shown: content,
            ..Platter::default()
        };
        Self(Arc::new(Mutex::new(platter)))
    }

    /// The disk after a power cut: of what was not synced, each sector of 512 bytes is there or not, as chance has it.
    pub(crate) fn after_power_cut(&self, chance: &mut Chance) -> Self {
        const SECTOR: usize = 512;
        let platter = self.platter();
        let mut content = platter.synced.clone();
        let all_or_none = chance.below(4);
        for access in &platter.since {
            match access {
                Access::SetLen(len) => {
                    if chance.below(2) == 0 || all_or_none == 0 {
                        content.resize(*len, 0);
                    }
                }
                Access::Write(offset, data) => {
                    for (number, sector) in data.chunks(SECTOR).enumerate() {
                        let start = offset.strict_add(number.strict_mul(SECTOR));
                        let kept = match all_or_none {
                            0 => true,
                            1 => false,
                            _ => chance.below(2) == 0,
                        };
                        let place = content.get_mut(start..start.strict_add(sector.len()));
                        if let Some(place) = place.filter(|_| kept) {
                            place.copy_from_slice(sector);
                        }
                    }
                }
            }
        }
        Self::of(content)
    }

    fn platter(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().unwrap()
    }
}

impl Platter {
    fn access(&mut self) -> io::Result<()> {
        self.accesses = self.accesses.strict_add(1);
        if let Misbehaviour::PowerCut(at) = self.misbehaviour
            && self.accesses >= at
        {
            return Err(io::Error::other("the power is out"));
        }
        Ok(())
    }
}

impl StorageBackend for SimulatedDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.platter().shown.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let platter = self.platter();
        if platter.misbehaviour == Misbehaviour::Broken {
            return Err(io::Error::other("the disk is broken"));
        }
        let start = offset as usize;
        let range = start..start.strict_add(out.len());
        let read = platter
            .shown
            .get(range)
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(read);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut platter = self.platter();
        platter.access()?;
        let shrinks = (len as usize) < platter.shown.len();
        let refused = match platter.misbehaviour {
            Misbehaviour::ReadOnly | Misbehaviour::Broken => true,
            Misbehaviour::NoShrinking => shrinks,
            Misbehaviour::None
            | Misbehaviour::Full(_)
            | Misbehaviour::NoSync
            | Misbehaviour::PowerCut(_) => false,
        };
        if refused {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        if len as usize > platter.shown.len() {
            platter.growths = platter.growths.strict_add(1);
        }
        platter.shown.resize(len as usize, 0);
        platter.since.push(Access::SetLen(len as usize));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut platter = self.platter();
        platter.access()?;
        if platter.misbehaviour == Misbehaviour::NoSync {
            return Err(io::Error::other("the disk is broken"));
        }
        platter.syncs = platter.syncs.strict_add(1);
        platter.synced = platter.shown.clone();
        platter.since.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut platter = self.platter();
        platter.access()?;
        match platter.misbehaviour {
            Misbehaviour::Full(end) if offset.strict_add(data.len() as u64) > end => {
                return Err(io::ErrorKind::StorageFull.into());
            }
            Misbehaviour::ReadOnly | Misbehaviour::Broken => {
                return Err(io::ErrorKind::ReadOnlyFilesystem.into());
            }
            Misbehaviour::None
            | Misbehaviour::Full(_)
            | Misbehaviour::NoSync
            | Misbehaviour::NoShrinking
            | Misbehaviour::PowerCut(_) => {}
        }
        let start = offset as usize;
        let place = platter.shown.get_mut(start..start.strict_add(data.len()));
        place
            .ok_or(io::ErrorKind::InvalidInput)?
            .copy_from_slice(data);
        platter.since.push(Access::Write(start, data.to_vec()));
        Ok(())
    }
}

/// Chance that can be repeated: SplitMix64.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    /// A number from 0 to `end`, exclusive.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).checked_rem(end).unwrap_or(0)
    }
}
