//! Refused calls: why, and what the caller is told.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use crate::domain::name::RealmName;
use crate::gateway::authority::WrongAuthority;
use crate::gateway::explained::Explained;
use crate::gateway::path::AmbiguousPath;
use crate::gateway::reply::InvalidAnswer;
use crate::gateway::request_id::RequestId;
use crate::trust::judge::Distrust;
use crate::trust::reason::Reason;

/// Why a call was refused.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// It is not addressed to the host of its connection, or not clearly addressed at all.
    Authority(WrongAuthority),
    /// Its path can be read in two ways.
    Path(AmbiguousPath),
    /// There is nothing at its path, for anybody or on this gateway.
    NotFound,
    /// On a realm's own host, its path does not lead into that realm.
    ForeignPath,
    /// On a shared host, the realm in its path does not trust the client.
    OtherRealm {
        /// That realm.
        realm: RealmName,
        /// Why it does not.
        distrust: Arc<Distrust>,
    },
    /// On a realm's own host, the realm does not trust the client any more.
    Distrusted(Arc<Distrust>),
    /// On a realm's own host that explains refusals, the client was refused in the handshake.
    Explained(Arc<Explained>),
    /// On a realm's own host, the realm was switched off or is gone.
    RealmClosed,
    /// The trigger's client rule keeps the client out.
    ClientRule {
        /// One sentence that names client and rule; for the realm's people, not for the client.
        detail: Arc<str>,
    },
    /// The trigger does not admit its method.
    MethodNotAllowed {
        /// The value of `Allow`.
        allow: HeaderValue,
    },
    /// The trigger does not admit its content type.
    UnsupportedMediaType {
        /// The value of `Accept`.
        accept: Option<HeaderValue>,
    },
    /// Its body is larger than the trigger admits.
    BodyTooLarge,
    /// The request's head has more bytes than the setting admits.
    HeadTooLarge,
    /// Its body stopped coming.
    BodyStalled,
    /// Its body broke off or is not framed as HTTP frames bodies.
    BodyBroken,
    /// The handler's answer took longer than the trigger's timeout.
    Timeout,
    /// The upstream could not be reached within the connection's timeout.
    UpstreamConnectTimeout,
    /// The upstream could not be reached.
    UpstreamConnect,
    /// No TLS could be agreed on with the upstream.
    UpstreamTls,
    /// The upstream broke off before its answer's head was whole.
    UpstreamBroke,
    /// There is no connection to spare for the upstream, or no memory for the body.
    Overload,
    /// The handler's answer cannot be sent.
    Answer(InvalidAnswer),
}

/// What the caller is told.
struct Told {
    status: StatusCode,
    reason: Reason,
    message: Message,
}

enum Message {
    /// What the reason's advice says.
    Advice,
    /// Something more precise.
    Said(String),
    /// A body of fixed form.
    Fixed(&'static [u8]),
    /// No body.
    Nothing,
}

/// The body of a 413, as the specification fixes it.
const TOO_LARGE: &[u8] = br#"{"message": "Request size limit exceeded"}"#;

impl Refusal {
    /// What the caller is told; the one place that decides on statuses.
    fn told(&self) -> Told {
        use Message::{Advice, Fixed, Nothing, Said};
        let told = |status, reason, message| Told {
            status,
            reason,
            message,
        };
        match self {
            Self::Authority(wrong) => match wrong {
                WrongAuthority::Misdirected => told(
                    StatusCode::MISDIRECTED_REQUEST,
                    Reason::Misdirected,
                    Said(wrong.to_string()),
                ),
                WrongAuthority::Missing
                | WrongAuthority::SeveralHosts
                | WrongAuthority::Contradiction
                | WrongAuthority::Malformed => told(
                    StatusCode::BAD_REQUEST,
                    Reason::AmbiguousRequest,
                    Said(wrong.to_string()),
                ),
            },
            Self::Path(ambiguous) => told(
                StatusCode::BAD_REQUEST,
                Reason::AmbiguousRequest,
                Said(ambiguous.to_string()),
            ),
            // Alike to the byte: nobody learns which realms there are.
            Self::NotFound | Self::ForeignPath | Self::OtherRealm { .. } => {
                told(StatusCode::NOT_FOUND, Reason::NotFound, Advice)
            }
            Self::Distrusted(distrust) => told(StatusCode::FORBIDDEN, distrust.reason, Advice),
            Self::Explained(explained) => told(
                StatusCode::FORBIDDEN,
                explained.reason,
                Said(explained.message.clone()),
            ),
            Self::RealmClosed => told(StatusCode::FORBIDDEN, Reason::RealmClosed, Advice),
            Self::ClientRule { .. } => told(StatusCode::FORBIDDEN, Reason::ClientRule, Advice),
            Self::MethodNotAllowed { .. } => told(
                StatusCode::METHOD_NOT_ALLOWED,
                Reason::MethodNotAllowed,
                Advice,
            ),
            Self::UnsupportedMediaType { .. } => told(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                Reason::UnsupportedMediaType,
                Advice,
            ),
            Self::BodyTooLarge => told(
                StatusCode::PAYLOAD_TOO_LARGE,
                Reason::BodyTooLarge,
                Fixed(TOO_LARGE),
            ),
            Self::HeadTooLarge => told(
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                Reason::Limit,
                Said(
                    "The head of the request is too large: send fewer or shorter headers."
                        .to_owned(),
                ),
            ),
            Self::BodyBroken => told(StatusCode::BAD_REQUEST, Reason::AmbiguousRequest, Advice),
            Self::BodyStalled | Self::Timeout => {
                told(StatusCode::INTERNAL_SERVER_ERROR, Reason::Timeout, Nothing)
            }
            Self::UpstreamConnectTimeout => {
                told(StatusCode::GATEWAY_TIMEOUT, Reason::UpstreamConnect, Advice)
            }
            Self::UpstreamConnect => told(StatusCode::BAD_GATEWAY, Reason::UpstreamConnect, Advice),
            Self::UpstreamTls => told(StatusCode::BAD_GATEWAY, Reason::UpstreamTls, Advice),
            Self::UpstreamBroke => told(StatusCode::BAD_GATEWAY, Reason::UpstreamBroke, Advice),
            Self::Overload => told(StatusCode::SERVICE_UNAVAILABLE, Reason::Overload, Advice),
            Self::Answer(invalid) => told(
                StatusCode::INTERNAL_SERVER_ERROR,
                Reason::UpstreamBroke,
                Said(invalid.to_string()),
            ),
        }
    }

    /// The reason as it is logged, counted and written to the journal. It can say more than the caller is told.
    pub fn reason(&self) -> Reason {
        match self {
            // Of an unknown issuer: the client's CA is just not one of that realm's.
            Self::OtherRealm { distrust, .. } => {
                let other = [
                    Reason::UnknownIssuer,
                    Reason::IncompleteChain,
                    Reason::AnchorRemoved,
                ];
                if other.contains(&distrust.reason) {
                    Reason::OtherRealm
                } else {
                    distrust.reason
                }
            }
            Self::ForeignPath => Reason::OtherRealm,
            Self::Authority(_)
            | Self::Path(_)
            | Self::NotFound
            | Self::Distrusted(_)
            | Self::Explained(_)
            | Self::RealmClosed
            | Self::ClientRule { .. }
            | Self::MethodNotAllowed { .. }
            | Self::UnsupportedMediaType { .. }
            | Self::BodyTooLarge
            | Self::HeadTooLarge
            | Self::BodyStalled
            | Self::BodyBroken
            | Self::Timeout
            | Self::UpstreamConnectTimeout
            | Self::UpstreamConnect
            | Self::UpstreamTls
            | Self::UpstreamBroke
            | Self::Overload
            | Self::Answer(_) => self.told().reason,
        }
    }

    /// Whether the client may not be on this connection at all any more.
    pub const fn ends_the_connection(&self) -> bool {
        matches!(self, Self::Distrusted(_) | Self::RealmClosed)
    }

    /// The answer that tells the caller.
    pub fn answer(&self, id: RequestId) -> Response<Bytes> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body<'a> {
            message: &'a str,
            reason: &'static str,
            request_id: &'a str,
        }
        let Told {
            status,
            reason,
            message,
        } = self.told();
        let json = |message: &str| {
            let body = Body {
                message,
                reason: reason.as_str(),
                request_id: id.as_str(),
            };
            // Three texts can always be written as JSON.
            Bytes::from(serde_json::to_vec(&body).unwrap_or_default())
        };
        let body = match &message {
            Message::Advice => json(reason.advice()),
            Message::Said(said) => json(said),
            Message::Fixed(fixed) => Bytes::from_static(fixed),
            Message::Nothing => Bytes::new(),
        };
        let mut answer = Response::new(body);
        *answer.status_mut() = status;
        if !answer.body().is_empty() {
            answer.headers_mut().insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
        }
        if let Self::MethodNotAllowed { allow } = self {
            answer.headers_mut().insert(header::ALLOW, allow.clone());
        }
        if let Self::UnsupportedMediaType {
            accept: Some(accept),
        } = self
        {
            answer.headers_mut().insert(header::ACCEPT, accept.clone());
        }
        if matches!(self, Self::Overload) {
            answer
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::request_id::RequestIds;

    fn distrust(reason: Reason) -> Arc<Distrust> {
        Arc::new(Distrust {
            reason,
            detail: "The client certificate CN=secret is odd.".to_owned(),
            leaf: None,
        })
    }

    fn other_realm(reason: Reason) -> Refusal {
        Refusal::OtherRealm {
            realm: RealmName::parse("globex").unwrap(),
            distrust: distrust(reason),
        }
    }

    fn every_kind() -> Vec<(Refusal, u16, &'static str)> {
        vec![
            (
                Refusal::Authority(WrongAuthority::Misdirected),
                421,
                "misdirected",
            ),
            (
                Refusal::Authority(WrongAuthority::Missing),
                400,
                "ambiguous-request",
            ),
            (
                Refusal::Authority(WrongAuthority::SeveralHosts),
                400,
                "ambiguous-request",
            ),
            (
                Refusal::Authority(WrongAuthority::Contradiction),
                400,
                "ambiguous-request",
            ),
            (
                Refusal::Authority(WrongAuthority::Malformed),
                400,
                "ambiguous-request",
            ),
            (
                Refusal::Path(AmbiguousPath::DotSegment),
                400,
                "ambiguous-request",
            ),
            (Refusal::NotFound, 404, "not-found"),
            (Refusal::ForeignPath, 404, "not-found"),
            (other_realm(Reason::UnknownIssuer), 404, "not-found"),
            (other_realm(Reason::Expired), 404, "not-found"),
            (
                Refusal::Distrusted(distrust(Reason::AnchorRemoved)),
                403,
                "anchor-removed",
            ),
            (
                Refusal::Distrusted(distrust(Reason::Expired)),
                403,
                "expired",
            ),
            (
                Refusal::Explained(Arc::new(Explained {
                    reason: Reason::Expired,
                    message: "You showed an old certificate.".to_owned(),
                })),
                403,
                "expired",
            ),
            (Refusal::RealmClosed, 403, "realm-closed"),
            (
                Refusal::ClientRule {
                    detail: "The client CN=secret is odd.".into(),
                },
                403,
                "client-rule",
            ),
            (
                Refusal::MethodNotAllowed {
                    allow: HeaderValue::from_static("GET, HEAD"),
                },
                405,
                "method-not-allowed",
            ),
            (Refusal::BodyBroken, 400, "ambiguous-request"),
            (Refusal::UpstreamConnectTimeout, 504, "upstream-connect"),
            (Refusal::UpstreamConnect, 502, "upstream-connect"),
            (Refusal::UpstreamTls, 502, "upstream-tls"),
            (Refusal::UpstreamBroke, 502, "upstream-broke"),
            (Refusal::Overload, 503, "overload"),
            (Refusal::Answer(InvalidAnswer::Code), 500, "upstream-broke"),
        ]
    }

    #[test]
    fn each_refusal_has_its_status_and_tells_its_reason() {
        let ids = RequestIds::default();
        for (refusal, status, reason) in every_kind() {
            let id = ids.next();
            let answer = refusal.answer(id);
            let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
            assert_eq!(answer.status(), status, "{refusal:?}");
            assert_eq!(body["reason"], reason, "{refusal:?}");
            assert_eq!(body["requestId"], id.as_str());
            let message = body["message"].as_str().unwrap();
            assert!(
                !message.is_empty() && !message.contains("secret") && !message.contains("globex"),
                "{message}"
            );
            assert_eq!(answer.headers()["content-type"], "application/json");
        }
    }

    #[test]
    fn some_answers_have_a_fixed_form() {
        let id = RequestIds::default().next();
        assert_eq!(Refusal::BodyTooLarge.answer(id).status(), 413);
        assert_eq!(
            &Refusal::BodyTooLarge.answer(id).into_body()[..],
            br#"{"message": "Request size limit exceeded"}"#
        );
        for refusal in [Refusal::Timeout, Refusal::BodyStalled] {
            let answer = refusal.answer(id);
            assert_eq!((answer.status().as_u16(), answer.body().len()), (500, 0));
            assert_eq!(refusal.reason(), Reason::Timeout);
        }
        let allow = HeaderValue::from_static("GET, HEAD");
        assert_eq!(
            Refusal::MethodNotAllowed { allow }.answer(id).headers()["allow"],
            "GET, HEAD"
        );
    }

    #[test]
    fn a_realm_that_does_not_trust_the_client_answers_as_one_that_does_not_exist() {
        let id = RequestIds::default().next();
        let unknown = Refusal::NotFound.answer(id);
        for refusal in [
            other_realm(Reason::UnknownIssuer),
            other_realm(Reason::Expired),
            Refusal::ForeignPath,
        ] {
            let answer = refusal.answer(id);
            assert_eq!(answer.status(), unknown.status());
            assert_eq!(answer.headers(), unknown.headers());
            assert_eq!(answer.body(), unknown.body());
        }
    }

    #[test]
    fn the_log_can_say_more_than_the_caller_is_told() {
        assert_eq!(
            other_realm(Reason::UnknownIssuer).reason(),
            Reason::OtherRealm
        );
        assert_eq!(
            other_realm(Reason::AnchorRemoved).reason(),
            Reason::OtherRealm
        );
        assert_eq!(other_realm(Reason::Expired).reason(), Reason::Expired);
        assert_eq!(Refusal::ForeignPath.reason(), Reason::OtherRealm);
        assert_eq!(Refusal::NotFound.reason(), Reason::NotFound);
    }
}
