//! Environments, gateways, and values kept per environment.

use std::fmt;

/// `test` or `prod`. Everything that a client can reach exists per environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Environment {
    /// For trying things out.
    Test,
    /// For real traffic.
    Prod,
}

impl Environment {
    /// Both environments, `test` first.
    pub const ALL: [Self; 2] = [Self::Test, Self::Prod];

    /// The word used everywhere: `test` or `prod`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Prod => "prod",
        }
    }

    /// Reads `test` or `prod`.
    ///
    /// # Errors
    /// [`InvalidWord`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidWord> {
        match text {
            "test" => Ok(Self::Test),
            "prod" => Ok(Self::Prod),
            _ => Err(InvalidWord {
                what: "environment",
                allowed: "test or prod",
            }),
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gateway {
    /// Regular TLS, from the internet.
    External,
    /// Regular TLS, from VPN and LAN only.
    Internal,
    /// Mutual TLS, from the internet only.
    Mtls,
}

impl Gateway {
    /// All gateways.
    pub const ALL: [Self; 3] = [Self::External, Self::Internal, Self::Mtls];

    /// The word used everywhere: `external`, `internal` or `mtls`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::External => "external",
            Self::Internal => "internal",
            Self::Mtls => "mtls",
        }
    }

    /// Reads `external`, `internal` or `mtls`.
    ///
    /// # Errors
    /// [`InvalidWord`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidWord> {
        match text {
            "external" => Ok(Self::External),
            "internal" => Ok(Self::Internal),
            "mtls" => Ok(Self::Mtls),
            _ => Err(InvalidWord {
                what: "gateway",
                allowed: "external, internal or mtls",
            }),
        }
    }
}

impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is not one of the few allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such {what}: write {allowed}")]
pub struct InvalidWord {
    /// What kind of word was expected.
    pub what: &'static str,
    /// The words that are allowed.
    pub allowed: &'static str,
}

/// One value for each environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PerEnvironment<T> {
    /// The value in `test`.
    pub test: T,
    /// The value in `prod`.
    pub prod: T,
}

impl<T> PerEnvironment<T> {
    /// Makes the value of each environment with `make`.
    pub fn build(mut make: impl FnMut(Environment) -> T) -> Self {
        Self {
            test: make(Environment::Test),
            prod: make(Environment::Prod),
        }
    }

    /// The value of one environment.
    pub const fn get(&self, environment: Environment) -> &T {
        match environment {
            Environment::Test => &self.test,
            Environment::Prod => &self.prod,
        }
    }

    /// The value of one environment, to change it.
    pub const fn get_mut(&mut self, environment: Environment) -> &mut T {
        match environment {
            Environment::Test => &mut self.test,
            Environment::Prod => &mut self.prod,
        }
    }

    /// Both values, `test` first.
    pub fn iter(&self) -> impl Iterator<Item = (Environment, &T)> {
        Environment::ALL
            .into_iter()
            .map(|environment| (environment, self.get(environment)))
    }
}
