//! Deployed pipelines and the table that finds them by path.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use http::{HeaderName, HeaderValue};
use matchit::Router;

use crate::domain::environment::Environment;
use crate::domain::name::RealmName;
use crate::domain::pipeline::{IdentityHeaders, PipelineKey};
use crate::domain::template::{JsonTemplate, TextTemplate};
use crate::domain::trigger::{ResponseHeader, Trigger};
use crate::snapshot::admission::Answers;
use crate::snapshot::client_tls::Target;

/// A deployed pipeline, compiled.
pub struct Deployed {
    /// Whose.
    pub realm: RealmName,
    /// Where.
    pub environment: Environment,
    /// Which.
    pub key: PipelineKey,
    /// The pipeline's revision that was deployed.
    pub revision: u64,
    /// `/pipeline/{realm}/v{major}/{pipeline}`.
    pub base_path: String,
    /// How it is called.
    pub trigger: Trigger,
    /// What its client rule, where it has one, said of clients.
    pub rule_answers: Answers,
    /// The value of `Allow` in a 405.
    pub allow: HeaderValue,
    /// The value of `Accept` in a 415, where not every content type is admitted.
    pub accept: Option<HeaderValue>,
    /// Headers that are added to the handler's answers.
    pub response_headers: Vec<AddedHeader>,
    /// What answers.
    pub handler: CompiledHandler,
    /// Its calls, counted; the same counters whatever is deployed under this key.
    pub counters: Arc<CallCounters>,
}

/// A header that is added to answers, compiled.
pub struct AddedHeader {
    /// Its name.
    pub name: HeaderName,
    /// Its value.
    pub value: AddedValue,
}

/// The value of an added header.
pub enum AddedValue {
    /// It is always the same.
    Fixed(HeaderValue),
    /// It holds expressions.
    Rendered(TextTemplate),
}

impl AddedHeader {
    /// Compiles a header; `None` where name or value cannot stand in HTTP, which parsing it has ruled out.
    pub fn compile(header: &ResponseHeader) -> Option<Self> {
        let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
        let value = match header.value.fixed() {
            Some(fixed) => AddedValue::Fixed(HeaderValue::from_bytes(fixed.as_bytes()).ok()?),
            None => AddedValue::Rendered(header.value.clone()),
        };
        Some(Self { name, value })
    }
}

/// A handler, compiled.
pub enum CompiledHandler {
    /// Answers with the message.
    Echo,
    /// Answers with a document.
    Mock(JsonTemplate),
    /// Passes the call on.
    Upstream {
        /// Where to.
        target: Arc<Target>,
        /// Which identity headers it gets besides the standard ones.
        identity_headers: IdentityHeaders,
    },
}

/// The calls of one deployed pipeline.
#[derive(Debug, Default)]
pub struct CallCounters {
    classes: [AtomicU64; 5],
}

impl CallCounters {
    /// Counts one answered call by its status.
    pub fn count(&self, status: u16) {
        let class = usize::from(status / 100).saturating_sub(1);
        if let Some(counter) = self.classes.get(class) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many calls were answered with 1xx, 2xx, 3xx, 4xx and 5xx.
    pub fn by_class(&self) -> [u64; 5] {
        let mut counts = [0; 5];
        for (count, counter) in counts.iter_mut().zip(&self.classes) {
            *count = counter.load(Ordering::Relaxed);
        }
        counts
    }
}

/// Finds a deployed pipeline by its canonical path, in time that does not grow with the number of routes.
#[derive(Clone, Default)]
pub struct RouteTable {
    router: Router<Arc<Deployed>>,
    deployed: Vec<Arc<Deployed>>,
}

/// A route that was found.
pub struct Found<'t, 'p> {
    /// The pipeline.
    pub deployed: &'t Arc<Deployed>,
    /// The route's parameters, still as they stand in the canonical path.
    pub parameters: matchit::Params<'t, 'p>,
}

impl RouteTable {
    /// The table without routes: one for all who have none.
    pub fn none() -> Arc<Self> {
        static NONE: LazyLock<Arc<RouteTable>> = LazyLock::new(Arc::default);
        Arc::clone(&NONE)
    }

    /// Adds a pipeline with its base path and all of its additional routes.
    ///
    /// # Errors
    /// [`RouteConflict`] where a route stands against one that is there already.
    pub fn add(&mut self, deployed: &Arc<Deployed>) -> Result<(), RouteConflict> {
        let base = deployed.base_path.as_str();
        self.insert(base.to_owned(), deployed)?;
        for route in &deployed.trigger.routes {
            let segments =
                route
                    .as_str()
                    .split('/')
                    .map(|segment| match segment.strip_prefix(':') {
                        Some(parameter) => format!("{{{parameter}}}"),
                        None => segment.to_owned(),
                    });
            self.insert(
                format!("{base}{}", segments.collect::<Vec<_>>().join("/")),
                deployed,
            )?;
        }
        self.deployed.push(Arc::clone(deployed));
        Ok(())
    }

    /// The pipeline whose route `path`, canonical and without query, takes.
    pub fn find<'t, 'p>(&'t self, path: &'p str) -> Option<Found<'t, 'p>> {
        let found = self.router.at(path).ok()?;
        Some(Found {
            deployed: found.value,
            parameters: found.params,
        })
    }

    /// All deployed pipelines.
    pub fn deployed(&self) -> &[Arc<Deployed>] {
        &self.deployed
    }

    fn insert(&mut self, pattern: String, deployed: &Arc<Deployed>) -> Result<(), RouteConflict> {
        let added = self.router.insert(pattern.clone(), Arc::clone(deployed));
        added.map_err(|_| RouteConflict {
            route: pattern,
            pipeline: deployed.key.clone(),
        })
    }
}

/// Two routes that cannot stand side by side.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the route {route} of {pipeline} conflicts with one that is deployed already")]
pub struct RouteConflict {
    /// The route.
    pub route: String,
    /// The pipeline that could not be added.
    pub pipeline: PipelineKey,
}
