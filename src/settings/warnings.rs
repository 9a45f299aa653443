//! Settings that can be used, and probably are not meant.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use crate::settings::settled::Settings;

/// What somebody should look at, a sentence each.
pub fn of(settings: &Settings) -> Vec<String> {
    let (listeners, network) = (&settings.listeners, &settings.network);
    let mut warnings = Vec::new();
    if network.internal().is_empty()
        && !(listeners.mtls.is_empty() && listeners.internal.is_empty())
    {
        warnings.push(
            "'internal_networks' is empty, so that the mtls and internal gateways take connections from everywhere: \
             list the networks of VPN and LAN"
                .to_owned(),
        );
    }
    let everybody = |network: &&IpNet| network.prefix_len() == 0;
    if let Some(network) = network.proxies().iter().find(everybody) {
        warnings.push(format!(
            "'trusted_proxies' holds {network}, so that every client can claim to come from any address: list the load \
             balancers alone"
        ));
    }
    // Its own callers are all on this machine.
    let shut = |address: &SocketAddr| loopback(*address).is_some_and(|ip| network.is_internal(ip));
    let relayed = |address: &SocketAddr| loopback(*address).is_some_and(|ip| network.is_proxy(ip));
    if let Some(address) = listeners.mtls.iter().find(|at| shut(at) && !relayed(at)) {
        warnings.push(format!(
            "the mtls gateway listens on {address}, which only this machine reaches, and 'internal_networks' holds this \
             machine, so that nobody gets in there: list a load balancer of this machine in 'trusted_proxies', or listen \
             on another address"
        ));
    }
    warnings
}

/// The address of a listener that only this machine reaches.
fn loopback(listener: SocketAddr) -> Option<IpAddr> {
    let address = listener.ip().to_canonical();
    address.is_loopback().then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::given::Given;
    use crate::settings::settled::MasterKeyHints;

    /// Its name without the prefix, and its value.
    type Variable = (&'static str, &'static str);

    #[test]
    fn what_is_probably_not_meant_is_told() {
        let cases: [(&[Variable], &[&str]); 9] = [
            (&[], &["'internal_networks' is empty"]),
            (&[("INTERNAL_NETWORKS", "10.0.0.0/8")], &[]),
            (&[("MTLS_LISTEN", ""), ("INTERNAL_LISTEN", "")], &[]),
            (&[("MTLS_LISTEN", "")], &["'internal_networks' is empty"]),
            (
                &[
                    ("INTERNAL_NETWORKS", "10.0.0.0/8"),
                    ("TRUSTED_PROXIES", "10.0.0.5, ::ffff:0:0/96"),
                ],
                &["'trusted_proxies' holds 0.0.0.0/0"],
            ),
            (
                &[
                    ("INTERNAL_NETWORKS", "127.0.0.0/8"),
                    ("MTLS_LISTEN", "127.0.0.1:9443"),
                ],
                &["the mtls gateway listens on 127.0.0.1:9443, which only this machine reaches"],
            ),
            (
                &[
                    ("INTERNAL_NETWORKS", "::ffff:127.0.0.1"),
                    ("MTLS_LISTEN", "127.0.0.1:9443"),
                    ("TRUSTED_PROXIES", "127.0.0.1"),
                ],
                &[],
            ),
            (
                &[
                    ("INTERNAL_NETWORKS", "127.0.0.0/8"),
                    ("MTLS_LISTEN", "[::1]:9443"),
                ],
                &[],
            ),
            (&[("INTERNAL_NETWORKS", "127.0.0.0/8")], &[]),
        ];
        for (variables, expect) in cases {
            let given = variables
                .iter()
                .map(|(name, value)| (format!("REALMGATE_{name}").into(), (*value).into()));
            let given = Given::gather(None, given, &[]).unwrap();
            let settings = Settings::settle(&given, MasterKeyHints::default()).unwrap();
            let warnings = of(&settings);
            assert_eq!(warnings.len(), expect.len(), "{variables:?}: {warnings:?}");
            for (warning, beginning) in warnings.iter().zip(expect) {
                assert!(warning.starts_with(beginning), "{warning}");
            }
        }
    }
}
