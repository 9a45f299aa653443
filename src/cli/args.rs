//! The grammar: `realmgate <noun> <verb> [NAME] …`

use clap::{Parser, Subcommand};

use crate::cli::account::AccountVerb;
use crate::cli::apply::Apply;
use crate::cli::audit::Audit;
use crate::cli::client::ClientVerb;
use crate::cli::config::ConfigVerb;
use crate::cli::connection::ConnectionVerb;
use crate::cli::crl::CrlVerb;
use crate::cli::demo::DemoFlags;
use crate::cli::deny::DenyVerb;
use crate::cli::deployment::DeploymentVerb;
use crate::cli::endpoint::EndpointVerb;
use crate::cli::impact::Impact;
use crate::cli::installation::InstallationVerb;
use crate::cli::pipeline::PipelineVerb;
use crate::cli::prove::Prove;
use crate::cli::realm::RealmVerb;
use crate::cli::refusals::Refusals;
use crate::cli::serve::Serve;
use crate::cli::server_identity::ServerIdentityVerb;
use crate::cli::status::Status;
use crate::cli::test_certificate::TestCertificate;
use crate::cli::token::TokenVerb;
use crate::cli::trust::TrustVerb;
use crate::flaw;

/// Publishes HTTP APIs over mutual TLS, for many tenants, on one host
#[derive(Clone, Debug, Parser)]
#[command(
    name = "realmgate",
    version = flaw::VERSION,
    max_term_width = 100,
    arg_required_else_help = true
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The nouns.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Try it out: a server with two realms, certificates and pipelines, all made up, until Ctrl-C
    Demo(DemoFlags),
    /// Run the server
    Serve(Box<Serve>),
    /// Check or print the configuration
    #[command(subcommand)]
    Config(Box<ConfigVerb>),
    /// Bring the running server to the state of manifests
    Apply(Apply),
    /// Tenants
    #[command(subcommand)]
    Realm(RealmVerb),
    /// Named credentials of a realm
    #[command(subcommand)]
    Account(AccountVerb),
    /// Putting an account's certificates to work as trust anchors
    #[command(subcommand)]
    Installation(InstallationVerb),
    /// What a realm asks of its clients: revocation, pins, signatures
    #[command(subcommand)]
    Trust(TrustVerb),
    /// The revocation lists of a realm
    #[command(subcommand)]
    Crl(CrlVerb),
    /// What would come of a client with a chain: now, at another moment, after a change
    TestCertificate(Box<TestCertificate>),
    /// The deny list of a realm: what is let in no more
    #[command(subcommand)]
    Deny(DenyVerb),
    /// The published APIs of a realm
    #[command(subcommand)]
    Pipeline(PipelineVerb),
    /// Pipelines put to work
    #[command(subcommand)]
    Deployment(DeploymentVerb),
    /// The URLs of a realm, and how to call them
    #[command(subcommand)]
    Endpoint(EndpointVerb),
    /// The outgoing targets of a realm
    #[command(subcommand)]
    Connection(ConnectionVerb),
    /// Access tokens of the people who use this
    #[command(subcommand)]
    Token(Box<TokenVerb>),
    /// Who changed what, newest first
    Audit(Audit),
    /// Which clients were let in, and who is connected
    #[command(subcommand)]
    Client(ClientVerb),
    /// Whom a change of trust would cut, before it is made
    Impact(Impact),
    /// Which clients were refused, and why, newest first
    Refusals(Refusals),
    /// The certificates that our listeners show
    #[command(subcommand)]
    ServerIdentity(ServerIdentityVerb),
    /// How the server is
    Status(Status),
    /// Have the running server attack itself, and tell whether it held
    Prove(Prove),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_grammar_holds_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_noun_is_understood() {
        let lines = [
            "realm list --json",
            "realm create acme",
            "realm suspend acme --yes",
            "realm delete acme -y --data-dir /d",
            "account save dgb-mtls-a --realm acme --environment prod --environment test --chain ca.pem",
            "account save b --realm acme --environment prod --type basic --username u --password-file -",
            "installation request --realm acme --environment prod --account dgb-mtls-a",
            "installation show --realm acme --environment prod --account dgb-mtls-a --json",
            "installation install --realm acme --environment prod --account dgb-mtls-a --revision 3",
            "installation reject --realm acme --environment prod --account dgb-mtls-a --reason why",
            "installation remove --realm acme --environment prod --account dgb-mtls-a --yes",
            "installation list --realm acme --state requested",
            "trust show --realm acme --environment prod",
            "trust set --realm acme --environment prod --revocation leaf --crl-out-of-date 24h",
            "trust set --realm acme --environment prod --pin key:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad --signatures strict --ca-names true",
            "trust set --realm acme --environment prod --clear-pins --yes",
            "trust set --realm acme --environment prod --anchor ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad --revocation off",
            "crl add a.crl b.crl --realm acme --environment prod",
            "crl list --realm acme --environment prod --json",
            "crl source add root --url http://pki.example/root.crl --realm acme --environment prod",
            "crl source list --realm acme --environment prod",
            "crl source remove root --realm acme --environment prod --yes",
            "crl source fetch root --realm acme --environment prod --json",
            "crl coverage --realm acme --environment prod",
            "crl remove --realm acme --environment prod --sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad --yes",
            "test-certificate --realm acme --environment prod chain.pem",
            "test-certificate --realm acme --environment test --at 2027-01-31 --after-install dgb-mtls-a --json -",
            "test-certificate --realm acme --environment test --after-change m.toml c.pem",
            "test-certificate --realm acme --environment prod --refusal 17",
            "deny list --realm acme --environment prod --json",
            "deny add --realm acme --environment prod --subject CN=a --reason lost --until 30d",
            "deny add --realm acme --environment prod --certificate-file a.pem --by key --reason lost -y",
            "deny remove --realm acme --environment prod --id ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad --yes",
            "pipeline save hello --realm acme --handler echo --mtls --external false --route /a --route /b",
            "pipeline save hello --realm acme --file p.toml --major 2",
            "pipeline save hello --realm acme --mtls=false --timeout-ms 7",
            "pipeline delete hello --realm acme --major 2 --yes",
            "deployment create hello --realm acme --environment prod",
            "endpoint show --realm acme --environment prod",
            "connection save c --realm acme --base-url http://127.0.0.1:1",
            "connection save c --realm acme --base-url-test http://127.0.0.1:1 --trust-account backend-ca",
            "token create --role auditor --expires 30d",
            "token create people --role realm-admin --realm acme --out t",
            "token recover --config r.toml",
            "token delete people --yes",
            "audit --realm acme --limit 5",
            "audit list --realm acme",
            "refusals --realm acme",
            "client list --realm acme --environment prod --anchor ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad --since 2027-01-31 --limit 5",
            "client connections --realm acme --json",
            "impact --realm acme --environment prod --remove dgb-mtls-a --install dgb-mtls-b --manifest m.toml --days 7",
            "refusals list --realm acme --before 17",
            "server-identity save mtls-prod --chain c.pem --key-file k.pem",
            "status",
            "prove --class names --class paths --all --json",
            "apply a.toml b.toml --dry-run --prune",
            "config check --config r.toml",
            "config print",
            "serve --config r.toml --data-dir /d --ready-file r.json",
            "demo --dir d --port-base 0 --ready-file r.json",
        ];
        for line in lines {
            let words = std::iter::once("realmgate").chain(line.split(' '));
            if let Err(error) = Arguments::try_parse_from(words) {
                panic!("{line}: {error}");
            }
        }
    }

    #[test]
    fn what_is_missing_or_made_up_is_a_usage_error() {
        let lines = [
            "",
            "realm",
            "realm rename acme",
            "account save a --realm acme --chain c.pem",
            "installation install --realm acme --environment prod --account a",
            "installation show --realm acme --environment staging --account a",
            "trust set --realm acme --environment prod",
            "trust set --realm acme --environment prod --revocation all",
            "trust set --realm acme --environment prod --crl-out-of-date 0h",
            "trust set --realm acme --environment prod --pin ba78",
            "trust set --realm acme --environment prod --anchor ba78 --revocation off",
            "crl add --realm acme --environment prod",
            "client list",
            "impact --realm acme --environment prod",
            "impact --realm acme --environment prod --remove a --days 0",
            "crl source add root --url ldap://pki.example/ --realm acme --environment prod",
            "crl remove --realm acme --environment prod",
            "test-certificate --realm acme --environment prod",
            "test-certificate --realm acme --environment prod --at yesterday c.pem",
            "test-certificate --realm acme --environment prod --refusal 17 c.pem",
            "test-certificate --realm acme --environment prod --after-install a --after-remove b c.pem",
            "pipeline save p --realm acme --handler echo --file f",
            "pipeline save p --realm acme --methods get",
            "pipeline save p --realm acme --route products",
            "pipeline save p --realm acme --timeout-ms 0",
            "server-identity save mtls --chain c.pem --key-file k.pem",
            "pipeline save p --realm acme --major 0",
            "account show a --realm Acme",
            "account save a --realm acme --environment prod --type chain",
            "connection save c --realm acme --base-url ftp://a",
            "token create --role realm-admin",
            "token create --role root",
            "apply",
            "serve --colour red",
        ];
        for line in lines {
            let words =
                std::iter::once("realmgate").chain(line.split(' ').filter(|word| !word.is_empty()));
            let error = Arguments::try_parse_from(words).expect_err(line);
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }
}
