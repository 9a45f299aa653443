//! `realmgate deployment …`

use clap::Subcommand;
use serde_json::json;

use crate::cli::error::CliError;
use crate::cli::session::{Asking, Session};
use crate::cli::show::{self, Column};
use crate::client::path::Path;

/// What to do with deployments.
#[derive(Clone, Debug, Subcommand)]
pub enum DeploymentVerb {
    /// List what a realm has deployed, and how it is called
    List {
        /// Whose
        #[arg(long)]
        realm: String,
        /// Only those of this environment
        #[arg(long, value_parser = ["test", "prod"])]
        environment: Option<String>,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Put a pipeline to work as it is now
    Create {
        /// Which one.
        #[command(flatten)]
        which: Which,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Take a pipeline out of work
    Delete {
        /// Which one.
        #[command(flatten)]
        which: Which,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
}

/// A pipeline in an environment.
#[derive(Clone, Debug, clap::Args)]
pub struct Which {
    /// The pipeline's name
    name: String,
    /// The pipeline's major version
    #[arg(long, default_value_t = 1)]
    major: u16,
    /// Whose
    #[arg(long)]
    realm: String,
    /// Where
    #[arg(long, value_parser = ["test", "prod"])]
    environment: String,
}

const COLUMNS: &[Column] = &[
    ("ENVIRONMENT", "/environment"),
    ("PIPELINE", "/pipeline"),
    ("MAJOR", "/major"),
    ("REVISION", "/revision"),
    ("SINCE", "/at"),
    ("BY", "/by"),
    ("CALLS", "/calls"),
];

/// Carries it out.
///
/// # Errors
/// [`CliError`].
pub fn run(verb: &DeploymentVerb) -> Result<(), CliError> {
    match verb {
        DeploymentVerb::List {
            realm,
            environment,
            asking,
        } => {
            let session = Session::open(asking)?;
            let path = Path::of(&["realms", realm, "deployments"])
                .with("environment", environment.as_deref());
            let answer = session.get(&path)?;
            let empty =
                "Nothing is deployed: 'realmgate deployment create NAME' puts a pipeline to work.";
            session.print(&answer, |answer| {
                show::list(show::items(answer, "/deployments"), COLUMNS, empty)
            })
        }
        DeploymentVerb::Create { which, asking } => {
            let session = Session::open(asking)?;
            let answer = session.put(&which.path(), &json!({}))?;
            session.print_change(&answer, &format!("{} is deployed", which.told()))
        }
        DeploymentVerb::Delete { which, asking } => {
            let session = Session::open(asking)?;
            asking
                .yes
                .confirm(&format!("take {} out of work at once", which.told()), &[])?;
            let answer = session.delete(&which.path())?;
            session.print_change(&answer, &format!("{} is out of work", which.told()))
        }
    }
}

impl Which {
    fn path(&self) -> Path {
        let major = format!("v{}", self.major);
        Path::of(&[
            "realms",
            &self.realm,
            "deployments",
            &self.environment,
            &self.name,
            &major,
        ])
    }

    fn told(&self) -> String {
        format!(
            "pipeline {} v{} of realm {} in {}",
            self.name, self.major, self.realm, self.environment
        )
    }
}
