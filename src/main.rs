//! The executable.

use std::process::ExitCode;

fn main() -> ExitCode {
    realmgate::cli::run::main()
}
