//! Secret values as documents give them.

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use crate::pki::secret::Secret;

/// The word that leaves a stored secret as it is.
pub const KEEP: &str = "keep";

/// A secret value of a document: a new one, or the word `keep`.
#[derive(Clone, Debug, PartialEq)]
pub enum GivenSecret {
    /// What is stored stays.
    Keep,
    /// What is stored is replaced.
    New(Secret),
}

impl GivenSecret {
    /// A secret as it was written.
    pub fn from_text(text: String) -> Self {
        if text == KEEP {
            Self::Keep
        } else {
            Self::New(Secret::new(text))
        }
    }
}

impl<'de> Deserialize<'de> for GivenSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from_text)
    }
}

impl Serialize for GivenSecret {
    /// Only the command line does this, to send a manifest to the server over TLS; what the server tells of an account
    /// has no such field.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Keep => serializer.serialize_str(KEEP),
            Self::New(secret) => serializer.serialize_str(secret.expose_str().unwrap_or_default()),
        }
    }
}
