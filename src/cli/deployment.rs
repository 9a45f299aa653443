//! `realmgate deployment …`

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::error::CliError;
use crate::cli::flag;
use crate::cli::session::{Asking, Session};
use crate::cli::show;
use crate::cli::table::Table;
use crate::client::path::Path;

/// What to do with deployments.
#[derive(Clone, Debug, Subcommand)]
pub enum DeploymentVerb {
    /// List what a realm has deployed, and how it is called
    List {
        /// Whose
        #[arg(long, value_parser = flag::realm)]
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
    #[arg(value_parser = flag::pipeline)]
    name: String,
    /// The pipeline's major version
    #[arg(long, default_value_t = 1)]
    major: u16,
    /// Whose
    #[arg(long, value_parser = flag::realm)]
    realm: String,
    /// Where
    #[arg(long, value_parser = ["test", "prod"])]
    environment: String,
}

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
            session.print(&answer, in_words)
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

fn in_words(answer: &Value) -> String {
    let mut table = Table::new(&[
        "ENVIRONMENT",
        "PIPELINE",
        "MAJOR",
        "REVISION",
        "SINCE",
        "BY",
        "CALLS",
    ]);
    for item in show::items(answer, "/deployments") {
        let cells =
            ["/environment", "/pipeline", "/major"].map(|pointer| show::text(item, pointer));
        let facts = [
            revision(item),
            show::text(item, "/at"),
            show::text(item, "/by"),
            calls(item),
        ];
        table.push(cells.into_iter().chain(facts));
    }
    if table.is_empty() {
        return "Nothing is deployed: 'realmgate deployment create NAME' puts a pipeline to work.\n".to_owned();
    }
    table.to_text()
}

/// The revision that serves, and the one that was saved since.
fn revision(deployment: &Value) -> String {
    let serves = show::text(deployment, "/revision");
    match show::some_text(deployment, "/savedRevision") {
        Some(saved) if saved != serves => format!("{serves} (saved: {saved})"),
        Some(_) | None => serves,
    }
}

/// How many calls there were of each class of status, where there were any.
fn calls(deployment: &Value) -> String {
    let classes = deployment
        .get("calls")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let there = classes
        .filter(|(_, count)| count.as_u64() != Some(0))
        .map(|(class, count)| format!("{count} x {class}"));
    let told = there.collect::<Vec<_>>().join(", ");
    if told.is_empty() {
        "none".to_owned()
    } else {
        told
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
