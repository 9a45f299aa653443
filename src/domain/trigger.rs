//! Triggers: how a pipeline is called.

use std::collections::BTreeSet;
use std::fmt;

use crate::domain::environment::Gateway;
use crate::domain::media_type::{InvalidMediaRange, MediaRange};
use crate::domain::template::TextTemplate;
use crate::rule::client_rule::ClientRule;
use crate::rule::invalid::InvalidClientRule;

/// A request method that a trigger can admit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// POST.
    Post,
    /// PUT.
    Put,
    /// GET; HEAD is admitted with it (RFC 9110 §9.3.2).
    Get,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
    /// OPTIONS.
    Options,
}

impl Method {
    /// All of them, in the order of the specification.
    pub const ALL: [Self; 6] = [
        Self::Post,
        Self::Put,
        Self::Get,
        Self::Patch,
        Self::Delete,
        Self::Options,
    ];

    /// The token of the HTTP request line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Get => "GET",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }

    /// Reads the method's token, in capitals.
    ///
    /// # Errors
    /// [`InvalidTrigger::Method`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidTrigger> {
        Self::ALL
            .into_iter()
            .find(|method| method.as_str() == text)
            .ok_or_else(|| InvalidTrigger::Method {
                text: shortened(text),
            })
    }
}

/// A set of methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodSet(u8);

impl MethodSet {
    /// Every method.
    pub const ALL: Self = Self(0b11_1111);

    /// The set of the methods given.
    ///
    /// # Errors
    /// [`InvalidTrigger::NoMethods`] where there are none.
    pub fn of(methods: impl IntoIterator<Item = Method>) -> Result<Self, InvalidTrigger> {
        let bits = methods
            .into_iter()
            .fold(0, |bits, method| bits | (1 << method as u8));
        if bits == 0 {
            Err(InvalidTrigger::NoMethods)
        } else {
            Ok(Self(bits))
        }
    }

    /// Whether the set has `method`.
    pub const fn contains(self, method: Method) -> bool {
        self.0 & (1 << method as u8) != 0
    }

    /// The methods in it.
    pub fn iter(self) -> impl Iterator<Item = Method> {
        Method::ALL
            .into_iter()
            .filter(move |method| self.contains(*method))
    }
}

/// The gateways that a pipeline is published on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publication {
    /// *External API*.
    pub external: bool,
    /// *Internal API*.
    pub internal: bool,
    /// *mTLS enabled API*.
    pub mtls: bool,
}

impl Publication {
    /// Whether the pipeline is published on `gateway`.
    pub const fn on(self, gateway: Gateway) -> bool {
        match gateway {
            Gateway::External => self.external,
            Gateway::Internal => self.internal,
            Gateway::Mtls => self.mtls,
        }
    }
}

/// The longest that an answer's head may take: 15 minutes, in milliseconds.
pub const TIMEOUT_MS_MAX: u32 = 900_000;
/// How long an answer's head may take unless stated, in milliseconds.
pub const TIMEOUT_MS_DEFAULT: u32 = 30_000;
/// The largest request body unless stated, in MB of 1,048,576 bytes.
pub const REQUEST_MB_DEFAULT: u32 = 5;

/// How long the answer's head may take, in milliseconds: 1 to [`TIMEOUT_MS_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeoutMs(u32);

impl TimeoutMs {
    /// Checks the bounds.
    ///
    /// # Errors
    /// [`InvalidTrigger::Timeout`] outside of them.
    pub const fn new(millis: u32) -> Result<Self, InvalidTrigger> {
        if millis == 0 || millis > TIMEOUT_MS_MAX {
            Err(InvalidTrigger::Timeout { millis })
        } else {
            Ok(Self(millis))
        }
    }

    /// Milliseconds.
    pub const fn millis(self) -> u32 {
        self.0
    }
}

/// The largest request body, in MB of 1,048,576 bytes; at least 1. The ceiling is a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestSizeMb(u32);

impl RequestSizeMb {
    /// Checks that it is not zero.
    ///
    /// # Errors
    /// [`InvalidTrigger::RequestSize`] for zero.
    pub const fn new(megabytes: u32) -> Result<Self, InvalidTrigger> {
        if megabytes == 0 {
            Err(InvalidTrigger::RequestSize)
        } else {
            Ok(Self(megabytes))
        }
    }

    /// MB of 1,048,576 bytes.
    pub const fn megabytes(self) -> u32 {
        self.0
    }

    /// Bytes.
    pub const fn bytes(self) -> u64 {
        (self.0 as u64) << 20
    }
}

/// An additional route, such as `/products/:id`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoutePattern(String);

impl RoutePattern {
    /// Reads a route: it begins with `/`, has no empty segments, does not begin with a parameter, names each
    /// parameter once, and has at most 16 segments.
    ///
    /// # Errors
    /// [`InvalidTrigger::Route`], which says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, InvalidTrigger> {
        let wrong = |rule| {
            Err(InvalidTrigger::Route {
                route: shortened(text),
                rule,
            })
        };
        let Some(rest) = text.strip_prefix('/') else {
            return wrong("it must begin with '/'");
        };
        if text.len() > 512 || rest.split('/').count() > 16 {
            return wrong("it may have at most 16 segments and 512 characters");
        }
        let mut parameters = BTreeSet::new();
        for (position, segment) in rest.split('/').enumerate() {
            if let Some(parameter) = segment.strip_prefix(':') {
                if position == 0 {
                    return wrong("it must not start with a parameter");
                }
                let named_well = parameter
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'_');
                if parameter.is_empty() || parameter.len() > 64 || !named_well {
                    return wrong("a parameter is ':' and 1 to 64 of a-z, A-Z, 0-9 and '_'");
                }
                if !parameters.insert(parameter) {
                    return wrong("it names a parameter twice");
                }
            } else if segment.is_empty() || segment == "." || segment == ".." {
                return wrong("it must not have empty segments, '.' or '..'");
            } else if !segment
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~'))
            {
                return wrong(
                    "a segment is made of a-z, A-Z, 0-9, '-', '_', '.' and '~', or is a parameter ':name'",
                );
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The route as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The route with every parameter's name left out: two routes with one shape cannot stand side by side.
    pub fn shape(&self) -> String {
        let segments = self.0.split('/').map(|segment| {
            if segment.starts_with(':') {
                ":"
            } else {
                segment
            }
        });
        segments.collect::<Vec<_>>().join("/")
    }
}

impl fmt::Display for RoutePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A header that is added to every answer of the handler.
#[derive(Clone, Debug, PartialEq)]
pub struct ResponseHeader {
    /// Its name, in lower case.
    pub name: String,
    /// Its value, which may hold `{{ … }}` expressions.
    pub value: TextTemplate,
}

/// Header names that an answer's framing or the gateway itself decides.
const RESERVED_HEADERS: [&str; 9] = [
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

impl ResponseHeader {
    /// Reads a header's name and value.
    ///
    /// # Errors
    /// [`InvalidTrigger`] where the name is no header name or is not the trigger's to set, or the value is no template.
    pub fn parse(name: &str, value: &str) -> Result<Self, InvalidTrigger> {
        let lower = name.to_ascii_lowercase();
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if lower.is_empty() || lower.len() > 128 || !lower.bytes().all(token) {
            return Err(InvalidTrigger::HeaderName {
                name: shortened(name),
            });
        }
        if RESERVED_HEADERS.contains(&lower.as_str()) {
            return Err(InvalidTrigger::HeaderReserved { name: lower });
        }
        if value.len() > 4096 || value.chars().any(char::is_control) {
            return Err(InvalidTrigger::HeaderValue { name: lower });
        }
        let value =
            TextTemplate::parse(value).map_err(|source| InvalidTrigger::HeaderTemplate {
                name: lower.clone(),
                source,
            })?;
        Ok(Self { name: lower, value })
    }
}

/// The content types that an `http` trigger admits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentTypes {
    /// Of requests that bring a body; others get 415. All of them where there are none.
    pub requests: Vec<MediaRange>,
    /// Of the handler's answers; others become a 500.
    pub responses: Vec<MediaRange>,
}

/// A trigger's kind, with the parameters that no other kind has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TriggerKind {
    /// Takes and gives whatever content there is.
    Rest,
    /// Holds requests and answers to content types.
    Http(ContentTypes),
}

impl TriggerKind {
    /// The word used everywhere: `rest` or `http`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Http(_) => "http",
        }
    }

    /// The content types that it admits, where it has a say in them.
    pub const fn content_types(&self) -> Option<&ContentTypes> {
        match self {
            Self::Rest => None,
            Self::Http(types) => Some(types),
        }
    }
}

/// The content type of answers unless others are stated.
pub const RESPONSE_TYPE_DEFAULT: &str = "application/json";

/// How a pipeline is called.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// Its kind.
    pub kind: TriggerKind,
    /// Admitted methods; others get 405.
    pub methods: MethodSet,
    /// From the last byte of the request to the answer's head.
    pub timeout: TimeoutMs,
    /// The largest request body; larger ones get 413.
    pub request_size: RequestSizeMb,
    /// Headers added to the answer.
    pub response_headers: Vec<ResponseHeader>,
    /// The gateways it is published on.
    pub publication: Publication,
    /// Additional routes below the pipeline's path.
    pub routes: Vec<RoutePattern>,
    /// Which verified clients may call on the mtls gateway, others getting 403; all of them where there is none.
    pub client_rule: Option<ClientRule>,
}

impl Trigger {
    /// Checks what concerns several parameters at once.
    ///
    /// # Errors
    /// [`InvalidTrigger`] where two routes have one shape, there are more than 100 routes or 50 headers or content types,
    /// no answer could have a content type that is admitted, or a client rule would be asked of nobody.
    pub fn check(&self) -> Result<(), InvalidTrigger> {
        if self.client_rule.is_some() && !self.publication.mtls {
            return Err(InvalidTrigger::ClientRuleWithoutMtls);
        }
        if self.routes.len() > 100 {
            return Err(InvalidTrigger::TooMany {
                what: "routes",
                most: 100,
            });
        }
        if self.response_headers.len() > 50 {
            return Err(InvalidTrigger::TooMany {
                what: "response headers",
                most: 50,
            });
        }
        if let Some(types) = self.kind.content_types() {
            if types.requests.len() > 50 || types.responses.len() > 50 {
                return Err(InvalidTrigger::TooMany {
                    what: "content types of a kind",
                    most: 50,
                });
            }
            if types.responses.is_empty() {
                return Err(InvalidTrigger::NoResponseTypes);
            }
        }
        let mut shapes = BTreeSet::new();
        for route in &self.routes {
            if !shapes.insert(route.shape()) {
                return Err(InvalidTrigger::RouteTwice {
                    route: route.as_str().to_owned(),
                });
            }
        }
        Ok(())
    }
}

/// Why a trigger cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTrigger {
    /// No method of that name can be admitted.
    #[error(
        "'{text}' is no method that a trigger can admit: write POST, PUT, GET, PATCH, DELETE or OPTIONS"
    )]
    Method {
        /// What was written.
        text: String,
    },
    /// The set of methods is empty.
    #[error("a trigger needs at least one method; leave 'methods' out to admit all")]
    NoMethods,
    /// The timeout is out of bounds.
    #[error("a timeout of {millis} ms cannot be: write 1 to 900000")]
    Timeout {
        /// What was written, in milliseconds.
        millis: u32,
    },
    /// The request size is zero.
    #[error("a maximum request size of 0 MB cannot be: write 1 or more")]
    RequestSize,
    /// A route breaks a rule.
    #[error("the route '{route}' cannot be: {rule}")]
    Route {
        /// The route.
        route: String,
        /// The rule.
        rule: &'static str,
    },
    /// Two routes differ in the names of parameters only.
    #[error(
        "the route '{route}' is there twice (names of parameters do not tell routes apart): leave one out"
    )]
    RouteTwice {
        /// The second of them.
        route: String,
    },
    /// Too many of something.
    #[error("a trigger has at most {most} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        most: usize,
    },
    /// Not a header name.
    #[error("'{name}' is no header name")]
    HeaderName {
        /// What was written.
        name: String,
    },
    /// A header that a trigger must not set.
    #[error("the response header '{name}' is set by the gateway itself: leave it out")]
    HeaderReserved {
        /// The name.
        name: String,
    },
    /// Not a header value.
    #[error(
        "the value of the response header '{name}' has control characters or more than 4096 bytes"
    )]
    HeaderValue {
        /// The header's name.
        name: String,
    },
    /// Not a media type.
    #[error(transparent)]
    MediaRange(#[from] InvalidMediaRange),
    /// No answer could be given.
    #[error(
        "a trigger that admits no content type of answers could answer nothing: leave 'response-content-types' out for application/json, or write '*/*' to admit all"
    )]
    NoResponseTypes,
    /// Not a client rule.
    #[error(transparent)]
    ClientRule(#[from] InvalidClientRule),
    /// A client rule where no client is verified.
    #[error(
        "a client rule has no effect without mTLS, since no client is verified on the other gateways: switch 'mtls' on, or leave 'client-rule' out"
    )]
    ClientRuleWithoutMtls,
    /// A value that is no template.
    #[error("the value of the response header '{name}' cannot be read: {source}")]
    HeaderTemplate {
        /// The header's name.
        name: String,
        /// Why.
        source: crate::domain::template::InvalidTemplate,
    },
}

fn shortened(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_read_by_their_rules() {
        for good in ["/products", "/products/:id", "/a/b/:c/d/:e_1", "/v1.2/~x"] {
            assert!(RoutePattern::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "", "products", "/", "//a", "/a/", "/:id", "/a/:", "/a/:i-d", "/a/:x/:x", "/a/..",
            "/a/{b}", "/a%2fb", "/a b",
        ] {
            assert!(RoutePattern::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn two_routes_of_one_shape_conflict() {
        let route = |text| RoutePattern::parse(text).unwrap();
        assert_eq!(route("/a/:id").shape(), route("/a/:name").shape());
        assert_ne!(route("/a/:id").shape(), route("/a/id").shape());
    }

    #[test]
    fn a_response_header_may_not_change_the_framing() {
        assert!(ResponseHeader::parse("X-Served-By", "{{ metadata.pipeline.name }}").is_ok());
        assert!(matches!(
            ResponseHeader::parse("Content-Length", "1"),
            Err(InvalidTrigger::HeaderReserved { .. })
        ));
        assert!(matches!(
            ResponseHeader::parse("a b", "1"),
            Err(InvalidTrigger::HeaderName { .. })
        ));
        assert!(matches!(
            ResponseHeader::parse("a", "1\r\nb: 2"),
            Err(InvalidTrigger::HeaderValue { .. })
        ));
    }

    #[test]
    fn a_client_rule_needs_clients_that_are_verified() {
        let mut trigger = Trigger {
            kind: TriggerKind::Rest,
            methods: MethodSet::ALL,
            timeout: TimeoutMs::new(1).unwrap(),
            request_size: RequestSizeMb::new(1).unwrap(),
            response_headers: vec![],
            publication: Publication {
                external: true,
                internal: true,
                mtls: false,
            },
            routes: vec![],
            client_rule: Some(ClientRule::parse("client.cn == ['a']").unwrap()),
        };
        assert_eq!(trigger.check(), Err(InvalidTrigger::ClientRuleWithoutMtls));
        trigger.publication.mtls = true;
        assert_eq!(trigger.check(), Ok(()));
    }

    #[test]
    fn a_megabyte_is_1048576_bytes() {
        assert_eq!(RequestSizeMb::new(5).unwrap().bytes(), 5 * 1_048_576);
    }
}
