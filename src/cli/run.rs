//! The beginning and the end of the process.

use std::process::ExitCode;

use clap::Parser;

use crate::cli::args::{Arguments, Command};
use crate::cli::error::CliError;
use crate::cli::{
    account, apply, audit, client, config, connection, crl, demo, deny, deployment, endpoint,
    impact, installation, pipeline, prove, realm, refusals, serve, server_identity, status,
    test_certificate, token, trust,
};
use crate::clock::Clock;
use crate::flaw;

/// Reads the command line and carries it out. Exit status 0 for success, 1 for failure, 2 for wrong usage; `prove`
/// and `test-certificate` have their own meanings for 1 and 2.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(warning) = flaw::warning() {
        eprintln!("realmgate: {warning}");
    }
    if let Command::Prove(flags) = &arguments.command {
        return prove::main(flags);
    }
    if let Command::Impact(flags) = &arguments.command {
        return impact::main(flags);
    }
    if let Command::TestCertificate(flags) = &arguments.command {
        return test_certificate::main(flags);
    }
    match run(&arguments.command, &Clock::system()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("realmgate: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command, clock: &Clock) -> Result<(), CliError> {
    match command {
        Command::Demo(flags) => demo::run(flags, clock),
        Command::Serve(flags) => serve::run(flags, clock),
        Command::Config(verb) => config::run(verb),
        Command::Apply(flags) => apply::run(flags),
        Command::Realm(verb) => realm::run(verb),
        Command::Account(verb) => account::run(verb),
        Command::Installation(verb) => installation::run(verb),
        Command::Trust(verb) => trust::run(verb),
        Command::Crl(verb) => crl::run(verb),
        Command::Deny(verb) => deny::run(verb, clock),
        Command::Pipeline(verb) => pipeline::run(verb),
        Command::Deployment(verb) => deployment::run(verb),
        Command::Endpoint(verb) => endpoint::run(verb),
        Command::Connection(verb) => connection::run(verb),
        Command::Token(verb) => token::run(verb, clock),
        Command::Audit(flags) => audit::run(flags),
        Command::Refusals(flags) => refusals::run(flags),
        Command::ServerIdentity(verb) => server_identity::run(verb),
        Command::Status(flags) => status::run(flags),
        // Its exit status says more: see above.
        Command::Prove(_) => Ok(()),
        // So does its.
        Command::TestCertificate(_) => Ok(()),
        Command::Impact(_) => Ok(()),
        Command::Client(verb) => client::run(verb),
    }
}
