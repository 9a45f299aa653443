//! Typed settings, room by room.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use crate::admin::limits::AdminLimits;
use crate::api::limits::ApiLimits;
use crate::domain::address::{BaseUrl, Scheme};
use crate::domain::catalog::Rules;
use crate::domain::endpoint::{HostLabels, NamePlan};
use crate::domain::environment::PerEnvironment;
use crate::domain::key_proof::{IntakeRules, ProofDemand};
use crate::domain::network::{self, NetworkRules};
use crate::domain::seen::SeenLimits;
use crate::gateway::limits::GatewayLimits;
use crate::gateway::server::WorkerModel;
use crate::outbound::limits::OutboundLimits;
use crate::pki::authority;
use crate::pki::secret::Secret;
use crate::refresh::limits::RefreshLimits;
use crate::settings::error::InvalidSettings;
use crate::settings::given::{Entry, Given, Value, shortened, wrong};
use crate::settings::key;
use crate::telemetry::access::AccessTarget;
use crate::telemetry::log::{LogFilter, LogFormat};
use crate::trust::limits::TrustLimits;

/// Everything that was configured.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The data directory.
    pub data_dir: PathBuf,
    /// Where the master key comes from.
    pub master_key: MasterKeySource,
    /// The rules of the catalog, host names included.
    pub rules: Rules,
    /// What is asked of certificates before they become anchors.
    pub intake: IntakeRules,
    /// More names of the admin listener.
    pub admin_names: Vec<String>,
    /// Who listens where.
    pub listeners: Listeners,
    /// Who may connect to which gateway, and who speaks for others.
    pub network: Arc<NetworkRules>,
    /// How many threads serve the gateways; 0: one for each processor.
    pub workers: usize,
    /// How they share the work.
    pub worker_model: WorkerModel,
    /// Networks that outgoing connections may lead to although they would be refused otherwise.
    pub outgoing_networks_allowed: Vec<IpNet>,
    /// The log.
    pub log: LogSettings,
    /// The access log.
    pub access_log: AccessLogTarget,
    /// How many refusals are kept for each realm.
    pub refusals_per_realm_max: u64,
    /// How many clients are kept for each realm, and how long.
    pub clients_seen: SeenLimits,
    /// The gateways' limits.
    pub gateway: GatewayLimits,
    /// How long after its full handshake a TLS session can be resumed; zero: not at all.
    pub resumption: Duration,
    /// The limits of client certificates.
    pub trust: TrustLimits,
    /// The limits of outgoing connections.
    pub outbound: OutboundLimits,
    /// How revocation lists are kept fresh.
    pub refresh: RefreshLimits,
    /// The limits of the admin listener.
    pub admin: AdminLimits,
    /// The limits of the admin API.
    pub api: ApiLimits,
}

/// Where the master key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MasterKeySource {
    /// The environment: the key itself, as hex or base64.
    Given(Secret),
    /// A file that somebody else looks after, such as a systemd credential; never made by us.
    Credential(PathBuf),
    /// A file of our own; made at the first start.
    File(PathBuf),
}

/// Who listens where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listeners {
    /// The admin API.
    pub admin: SocketAddr,
    /// The mtls gateway.
    pub mtls: Vec<SocketAddr>,
    /// The external gateway.
    pub external: Vec<SocketAddr>,
    /// The internal gateway.
    pub internal: Vec<SocketAddr>,
}

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// What is logged.
    pub filter: LogFilter,
    /// How the lines look.
    pub format: LogFormat,
}

/// Where the access log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessLogTarget {
    /// Nowhere.
    Off,
    /// There.
    To(AccessTarget),
}

/// The name of the systemd credential that holds the master key.
pub const CREDENTIAL_NAME: &str = "realmgate-master-key";
/// The master key's file in the data directory.
pub const MASTER_KEY_FILE: &str = "master.key";

/// The operator token's file in the data directory.
pub const OPERATOR_TOKEN_FILE: &str = "operator.token";
/// The file of the CA that vouches for the admin listener, in the data directory.
pub const ADMIN_CA_FILE: &str = "admin-ca.pem";
/// The file of the CA that vouches for the gateways' generated identities, in the data directory.
pub const SERVER_CA_FILE: &str = "server-ca.pem";
/// The file that holds the admin API's address, in the data directory.
pub const ADMIN_URL_FILE: &str = "admin.url";

/// What the environment says of the master key.
#[derive(Clone, Debug, Default)]
pub struct MasterKeyHints {
    /// `REALMGATE_MASTER_KEY`.
    pub given: Option<Secret>,
    /// `CREDENTIALS_DIRECTORY`, which systemd sets.
    pub credentials_directory: Option<PathBuf>,
}

impl Settings {
    /// Makes typed settings of what was written.
    ///
    /// # Errors
    /// [`InvalidSettings`] for addresses, networks and names that cannot be, and for settings that contradict one another.
    pub fn settle(given: &Given, hints: MasterKeyHints) -> Result<Self, InvalidSettings> {
        let data_dir = PathBuf::from(text(given, "data_dir")?);
        let settings = Self {
            master_key: master_key(given, &data_dir, hints)?,
            data_dir,
            rules: rules(given)?,
            intake: IntakeRules {
                ca_key_proof: ProofDemand::parse(text(given, "ca_key_proof")?).ok_or(
                    InvalidSettings::NotInTable {
                        name: "ca_key_proof",
                    },
                )?,
                prod_handshakes_required: number(given, "prod_handshakes_required")?,
            },
            admin_names: admin_names(given)?,
            listeners: Listeners {
                admin: address(
                    "admin_listen",
                    given.entry("admin_listen")?,
                    text(given, "admin_listen")?,
                )?,
                mtls: addresses(given, "mtls_listen")?,
                external: addresses(given, "external_listen")?,
                internal: addresses(given, "internal_listen")?,
            },
            network: Arc::new(NetworkRules::new(
                networks(given, "internal_networks")?,
                networks(given, "trusted_proxies")?,
            )),
            workers: size(given, "workers")?,
            worker_model: match text(given, "worker_model")? {
                "shared" => WorkerModel::Shared,
                _ => WorkerModel::PerCore,
            },
            outgoing_networks_allowed: networks(given, "outgoing_networks_allowed")?,
            log: log(given)?,
            access_log: access_log(given)?,
            refusals_per_realm_max: number(given, "refusals_per_realm_max")?,
            clients_seen: SeenLimits {
                per_realm_max: number(given, "clients_seen_per_realm_max")?,
                days: small(given, "clients_seen_days")?,
            },
            gateway: GatewayLimits {
                handshake_timeout_ms: small(given, "handshake_timeout_ms")?,
                header_timeout_ms: small(given, "header_timeout_ms")?,
                header_bytes_max: small(given, "header_bytes_max")?,
                header_fields_max: tiny(given, "header_fields_max")?,
                idle_timeout_ms: small(given, "idle_timeout_ms")?,
                body_idle_timeout_ms: small(given, "body_idle_timeout_ms")?,
                linger_ms: small(given, "linger_ms")?,
                linger_bytes: small(given, "linger_bytes")?,
                connections_max: small(given, "connections_max")?,
                connections_per_address_max: small(given, "connections_per_address_max")?,
                streams_max: small(given, "streams_max")?,
                tls_buffer_bytes_max: small(given, "tls_buffer_bytes_max")?,
                tls_bulk_bytes_max: small(given, "tls_bulk_bytes_max")?,
                tls_bulk_total_bytes_max: number(given, "tls_bulk_total_bytes_max")?,
                cut_grace_ms: small(given, "cut_grace_ms")?,
                shutdown_grace_ms: small(given, "shutdown_grace_ms")?,
                gather_timeout_ms: small(given, "gather_timeout_ms")?,
                gathered_bytes_max: number(given, "gathered_bytes_max")?,
            },
            resumption: Duration::from_millis(number(given, "resumption_ms")?),
            trust: TrustLimits {
                chain_certificates_max: size(given, "chain_certificates_max")?,
                chain_bytes_max: size(given, "chain_bytes_max")?,
                rsa_bits_min: small(given, "rsa_bits_min")?,
                rsa_bits_max: small(given, "rsa_bits_max")?,
                path_intermediates_max: size(given, "path_intermediates_max")?,
                sans_max: size(given, "sans_max")?,
                signature_checks_max: small(given, "signature_checks_max")?,
                signature_checks_per_owner_max: small(given, "signature_checks_per_realm_max")?,
                verdicts_max: size(given, "trust_verdicts_max")?,
                verdict_life_ms: number(given, "trust_verdict_life_ms")?,
            },
            outbound: OutboundLimits {
                connections_max: size(given, "outgoing_connections_max")?,
                connections_per_target_max: size(given, "outgoing_connections_per_target_max")?,
                waiting_calls_max: size(given, "outgoing_waiting_calls_max")?,
                wait_timeout_ms: small(given, "outgoing_wait_timeout_ms")?,
                addresses_max: size(given, "outgoing_addresses_max")?,
            },
            refresh: refresh(given)?,
            admin: AdminLimits {
                connections_max: size(given, "admin_connections_max")?,
                handshake_timeout_ms: small(given, "handshake_timeout_ms")?,
                header_timeout_ms: small(given, "header_timeout_ms")?,
                header_bytes_max: small(given, "header_bytes_max")?,
                streams_max: small(given, "admin_streams_max")?,
                idle_timeout_ms: small(given, "idle_timeout_ms")?,
                shutdown_grace_ms: small(given, "shutdown_grace_ms")?,
                ..AdminLimits::default()
            },
            api: ApiLimits {
                apply_bytes_max: size(given, "admin_body_mb_max")?.saturating_mul(1_048_576),
                body_idle_timeout_ms: small(given, "body_idle_timeout_ms")?,
            },
        };
        settings.check()?;
        Ok(settings)
    }

    /// A file of the data directory.
    pub fn data_file(&self, name: &str) -> PathBuf {
        self.data_dir.join(name)
    }

    /// Checks what depends on this machine, and can be checked without changing it.
    ///
    /// # Errors
    /// [`InvalidSettings::AccessLogDirectory`].
    pub fn check_places(&self) -> Result<(), InvalidSettings> {
        let AccessLogTarget::To(AccessTarget::File(path)) = &self.access_log else {
            return Ok(());
        };
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            Some(_) | None => return Ok(()),
        };
        if directory.is_dir() {
            Ok(())
        } else {
            Err(InvalidSettings::AccessLogDirectory {
                directory: directory.to_owned(),
            })
        }
    }

    fn check(&self) -> Result<(), InvalidSettings> {
        if self.trust.rsa_bits_min > self.trust.rsa_bits_max {
            return Err(InvalidSettings::Contradiction {
                smaller: "rsa_bits_min",
                least: self.trust.rsa_bits_min.into(),
                larger: "rsa_bits_max",
                most: self.trust.rsa_bits_max.into(),
            });
        }
        let listeners = &self.listeners;
        let gateways = [
            ("mtls_listen", &listeners.mtls),
            ("external_listen", &listeners.external),
            ("internal_listen", &listeners.internal),
        ];
        for (key, addresses) in gateways {
            if listeners.admin.port() != 0 && addresses.contains(&listeners.admin) {
                return Err(InvalidSettings::AdminShared {
                    key,
                    address: listeners.admin,
                });
            }
        }
        let admin = ("admin_listen", listeners.admin);
        let of_gateways = gateways
            .iter()
            .flat_map(|(key, addresses)| addresses.iter().map(|address| (*key, *address)));
        let all: Vec<(&'static str, SocketAddr)> = of_gateways.chain([admin]).collect();
        for (position, (left_key, left)) in all.iter().enumerate() {
            let others = all.iter().skip(position.saturating_add(1));
            if let Some((right_key, right)) =
                others.copied().find(|(_, right)| clash(*left, *right))
            {
                return Err(InvalidSettings::ListenersClash {
                    left_key,
                    left: *left,
                    right_key,
                    right,
                });
            }
        }
        Ok(())
    }
}

/// Whether the system refuses to listen on both: one of them means every address, `[::]` those of IPv4 too. Gateways
/// that name the very same address share it.
fn clash(left: SocketAddr, right: SocketAddr) -> bool {
    let covers = |one: SocketAddr, other: SocketAddr| {
        one.ip().is_unspecified() && (one.is_ipv6() || other.is_ipv4())
    };
    left.port() != 0
        && left.port() == right.port()
        && left != right
        && (covers(left, right) || covers(right, left))
}

fn rules(given: &Given) -> Result<Rules, InvalidSettings> {
    let label = |name| text(given, name).map(str::to_owned);
    let labels = HostLabels {
        external: PerEnvironment {
            test: label("host_label_external_test")?,
            prod: label("host_label_external_prod")?,
        },
        internal: PerEnvironment {
            test: label("host_label_internal_test")?,
            prod: label("host_label_internal_prod")?,
        },
        mtls: PerEnvironment {
            test: label("host_label_mtls_test")?,
            prod: label("host_label_mtls_prod")?,
        },
    };
    let names = NamePlan::new(text(given, "domain")?, &labels)
        .map_err(|source| InvalidSettings::Names { source })?;
    Ok(Rules {
        external_port: None,
        trust_account_prefix: text(given, "trust_account_prefix")?.to_owned(),
        request_mb_max: small(given, "request_mb_max")?,
        names,
    })
}

fn refresh(given: &Given) -> Result<RefreshLimits, InvalidSettings> {
    let ms = |name| number(given, name).map(Duration::from_millis);
    let folder = text(given, "crl_dir")?;
    Ok(RefreshLimits {
        every: ms("crl_refresh_ms")?,
        fetch_timeout: ms("crl_fetch_timeout_ms")?,
        stall: ms("crl_fetch_stall_ms")?,
        bytes_max: size(given, "crl_fetch_bytes_max")?,
        proxy: crl_proxy(given)?,
        folder: (!folder.is_empty()).then(|| folder.into()),
        folder_poll: ms("crl_dir_poll_ms")?,
        warn_before: ms("crl_warn_ms")?,
    })
}

fn crl_proxy(given: &Given) -> Result<Option<BaseUrl>, InvalidSettings> {
    let found = text(given, "crl_proxy")?;
    if found.is_empty() {
        return Ok(None);
    }
    let parsed = BaseUrl::parse(found)
        .ok()
        .filter(|url| url.scheme() == Scheme::Http && url.path().is_empty());
    match parsed {
        Some(proxy) => Ok(Some(proxy)),
        None => Err(InvalidSettings::Value {
            key: "crl_proxy",
            origin: given.entry("crl_proxy")?.origin.clone(),
            found: shortened(found),
            expected: "a URL like http://proxy.example:3128, without path, user name and password"
                .to_owned(),
        }),
    }
}

fn log(given: &Given) -> Result<LogSettings, InvalidSettings> {
    let entry = given.entry("log_level")?;
    let filter = LogFilter::parse(text(given, "log_level")?);
    let format = LogFormat::parse(text(given, "log_format")?);
    Ok(LogSettings {
        filter: filter.map_err(|source| InvalidSettings::LogFilter {
            origin: entry.origin.clone(),
            source,
        })?,
        format: format.ok_or(InvalidSettings::NotInTable { name: "log_format" })?,
    })
}

fn access_log(given: &Given) -> Result<AccessLogTarget, InvalidSettings> {
    Ok(match text(given, "access_log")? {
        "" => {
            return Err(InvalidSettings::AccessLogEmpty {
                origin: given.entry("access_log")?.origin.clone(),
            });
        }
        "off" => AccessLogTarget::Off,
        "stdout" => AccessLogTarget::To(AccessTarget::Stdout),
        path => AccessLogTarget::To(AccessTarget::File(path.into())),
    })
}

fn admin_names(given: &Given) -> Result<Vec<String>, InvalidSettings> {
    let names = list(given, "admin_names")?;
    let wrong = names.iter().find(|name| !authority::can_name(name));
    match wrong {
        None => Ok(names.to_vec()),
        Some(name) => Err(InvalidSettings::AdminName {
            origin: given.entry("admin_names")?.origin.clone(),
            found: shortened(name),
        }),
    }
}

fn master_key(
    given: &Given,
    data_dir: &Path,
    hints: MasterKeyHints,
) -> Result<MasterKeySource, InvalidSettings> {
    let file = text(given, "master_key_file")?;
    let credential = hints
        .credentials_directory
        .map(|directory| directory.join(CREDENTIAL_NAME));
    Ok(
        match (hints.given, credential.filter(|path| path.exists())) {
            (Some(key), _) => MasterKeySource::Given(key),
            (None, Some(path)) => MasterKeySource::Credential(path),
            (None, None) if file.is_empty() => {
                MasterKeySource::File(data_dir.join(MASTER_KEY_FILE))
            }
            (None, None) => MasterKeySource::File(file.into()),
        },
    )
}

fn text<'a>(given: &'a Given, name: &'static str) -> Result<&'a str, InvalidSettings> {
    match &given.entry(name)?.value {
        Value::Text(text) => Ok(text),
        Value::Count(_) | Value::List(_) => Err(InvalidSettings::NotInTable { name }),
    }
}

fn number(given: &Given, name: &'static str) -> Result<u64, InvalidSettings> {
    match &given.entry(name)?.value {
        Value::Count(number) => Ok(*number),
        Value::Text(_) | Value::List(_) => Err(InvalidSettings::NotInTable { name }),
    }
}

/// A number whose largest value, by the table, fits.
fn small(given: &Given, name: &'static str) -> Result<u32, InvalidSettings> {
    u32::try_from(number(given, name)?).map_err(|_| InvalidSettings::NotInTable { name })
}

fn tiny(given: &Given, name: &'static str) -> Result<u16, InvalidSettings> {
    u16::try_from(number(given, name)?).map_err(|_| InvalidSettings::NotInTable { name })
}

fn size(given: &Given, name: &'static str) -> Result<usize, InvalidSettings> {
    usize::try_from(number(given, name)?).map_err(|_| InvalidSettings::NotInTable { name })
}

fn list<'a>(given: &'a Given, name: &'static str) -> Result<&'a [String], InvalidSettings> {
    match &given.entry(name)?.value {
        Value::List(items) => Ok(items),
        Value::Text(_) | Value::Count(_) => Err(InvalidSettings::NotInTable { name }),
    }
}

fn addresses(given: &Given, name: &'static str) -> Result<Vec<SocketAddr>, InvalidSettings> {
    let entry = given.entry(name)?;
    list(given, name)?
        .iter()
        .map(|item| address(name, entry, item))
        .collect()
}

fn address(key: &'static str, entry: &Entry, found: &str) -> Result<SocketAddr, InvalidSettings> {
    found.parse().map_err(|source| InvalidSettings::Address {
        key,
        origin: entry.origin.clone(),
        found: shortened(found),
        source,
    })
}

fn networks(given: &Given, name: &'static str) -> Result<Vec<IpNet>, InvalidSettings> {
    let entry = given.entry(name)?;
    let key = key::find(name).ok_or(InvalidSettings::NotInTable { name })?;
    let parse =
        |item: &String| network::parse(item).ok_or_else(|| wrong(key, entry.origin.clone(), item));
    list(given, name)?.iter().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(variables: &[(&str, &str)]) -> Result<Settings, InvalidSettings> {
        let variables = variables
            .iter()
            .map(|(name, value)| (name.into(), value.into()));
        Settings::settle(
            &Given::gather(None, variables, &[])?,
            MasterKeyHints::default(),
        )
    }

    #[test]
    fn the_defaults_settle() {
        let settings = settle(&[]).unwrap();
        assert_eq!(settings.rules.names.domain(), "gate.localhost");
        assert_eq!(settings.gateway, GatewayLimits::default());
        assert_eq!(settings.outbound, OutboundLimits::default());
        assert_eq!(settings.admin, AdminLimits::default());
        assert_eq!(settings.api, ApiLimits::default());
        assert_eq!(settings.listeners.mtls, settings.listeners.external);
        assert_eq!(
            settings.master_key,
            MasterKeySource::File("/var/lib/realmgate/master.key".into())
        );
        assert_eq!(
            settings.access_log,
            AccessLogTarget::To(AccessTarget::Stdout)
        );
        assert_eq!(settings.trust, TrustLimits::default());
        assert_eq!(settings.resumption, Duration::from_secs(3600));
    }

    #[test]
    fn what_cannot_be_is_told_with_its_origin() {
        let cases: [(&[(&str, &str)], &str); 12] = [
            (
                &[("REALMGATE_ADMIN_LISTEN", "localhost:7443")],
                "'admin_listen' in the environment (REALMGATE_ADMIN_LISTEN) cannot be 'localhost:7443': write an address (not a name) and a port, like 127.0.0.1:7443 or [::1]:7443",
            ),
            (
                &[("REALMGATE_MTLS_LISTEN", "0.0.0.0:8443,8444")],
                "'mtls_listen' in the environment (REALMGATE_MTLS_LISTEN) cannot be '8444': write an address (not a name) and a port, like 127.0.0.1:7443 or [::1]:7443",
            ),
            (
                &[("REALMGATE_OUTGOING_NETWORKS_ALLOWED", "10.0.0.0/33")],
                "'outgoing_networks_allowed' in the environment (REALMGATE_OUTGOING_NETWORKS_ALLOWED) cannot be '10.0.0.0/33': write a list of networks, like [\"127.0.0.0/8\", \"fd00::/8\"]",
            ),
            (
                &[("REALMGATE_DOMAIN", "gate_way")],
                "the domain 'gate_way' is no DNS name: write it like gate.example.com (keys domain and host_label_…)",
            ),
            (
                &[("REALMGATE_HOST_LABEL_MTLS_PROD", "api")],
                "two gateways would have the host 'api.gate.localhost': give each label once (keys domain and host_label_…)",
            ),
            (
                &[
                    ("REALMGATE_RSA_BITS_MIN", "8192"),
                    ("REALMGATE_RSA_BITS_MAX", "4096"),
                ],
                "'rsa_bits_min' (8192) is above 'rsa_bits_max' (4096): no value could pass both",
            ),
            (
                &[("REALMGATE_ADMIN_LISTEN", "0.0.0.0:8443")],
                "'admin_listen' and 'mtls_listen' are both 0.0.0.0:8443: give the admin API an address of its own",
            ),
            (
                &[("REALMGATE_ADMIN_LISTEN", "127.0.0.1:8443")],
                "0.0.0.0:8443 ('mtls_listen') and 127.0.0.1:8443 ('admin_listen') are one address to the system, since a listener on 0.0.0.0:8443 takes the port on every address: give one of them another port, or list single addresses",
            ),
            (
                &[("REALMGATE_MTLS_LISTEN", "[::]:8444")],
                "[::]:8444 ('mtls_listen') and 127.0.0.1:8444 ('internal_listen') are one address to the system, since a listener on [::]:8444 takes the port on every address: give one of them another port, or list single addresses",
            ),
            (
                &[("REALMGATE_ADMIN_NAMES", "a.example,not a name")],
                "'admin_names' in the environment (REALMGATE_ADMIN_NAMES) cannot hold 'not a name': write DNS names and addresses, like [\"gate.example.com\", \"10.0.0.5\"]",
            ),
            (
                &[("REALMGATE_ACCESS_LOG", "")],
                "'access_log' in the environment (REALMGATE_ACCESS_LOG) is empty: write stdout, off or the path of a file",
            ),
            (
                &[("REALMGATE_LOG_LEVEL", "loud")],
                "'log_level' in the environment (REALMGATE_LOG_LEVEL): 'loud' is no log filter: write error, warn, info, debug or trace, or a list such as info,realmgate::gateway=debug",
            ),
        ];
        for (variables, expect) in cases {
            assert_eq!(settle(variables).unwrap_err().to_string(), expect);
        }
    }

    #[test]
    fn the_master_key_is_looked_for_in_the_environment_then_the_credential_then_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let given = Given::gather(
            None,
            [("REALMGATE_MASTER_KEY_FILE".into(), "/k".into())],
            &[],
        )
        .unwrap();
        let source = |hints| Settings::settle(&given, hints).unwrap().master_key;
        let directory = Some(folder.path().to_owned());
        let secret = Secret::new("00".to_owned());
        assert_eq!(
            source(MasterKeyHints {
                given: None,
                credentials_directory: directory.clone()
            }),
            MasterKeySource::File("/k".into())
        );
        let credential = folder.path().join(CREDENTIAL_NAME);
        std::fs::write(&credential, "00").unwrap();
        let hints = MasterKeyHints {
            given: None,
            credentials_directory: directory.clone(),
        };
        assert_eq!(source(hints), MasterKeySource::Credential(credential));
        let hints = MasterKeyHints {
            given: Some(secret.clone()),
            credentials_directory: directory,
        };
        assert_eq!(source(hints), MasterKeySource::Given(secret));
    }
}
