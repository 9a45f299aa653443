use serde_json::json;

use super::*;
use crate::domain::environment::Gateway;
use crate::domain::name::PipelineName;
use crate::domain::trigger::Method;
use crate::manifest::testing::now;

fn read(body: &str) -> Result<(Trigger, Handler), InvalidPipeline> {
    let body: PipelineBody = toml::from_str(body).unwrap_or_else(|error| panic!("{error}\n{body}"));
    saved(&body)
}

fn saved(body: &PipelineBody) -> Result<(Trigger, Handler), InvalidPipeline> {
    let key = PipelineKey {
        name: PipelineName::parse("orders").unwrap(),
        major: 1,
    };
    let made = command(&RealmName::parse("acme").unwrap(), &key, body)?;
    let Command::SavePipeline {
        trigger, handler, ..
    } = made
    else {
        panic!("{made:?}")
    };
    Ok((trigger, handler))
}

#[test]
fn what_is_left_out_has_the_defaults_of_the_specification() {
    let (trigger, handler) = read("trigger.type = 'rest'\nhandler.type = 'echo'").unwrap();
    assert_eq!(trigger.methods, MethodSet::ALL);
    assert_eq!(
        (trigger.timeout.millis(), trigger.request_size.megabytes()),
        (30_000, 5)
    );
    assert_eq!(
        Gateway::ALL.map(|gateway| trigger.publication.on(gateway)),
        [true, false, false]
    );
    assert!(trigger.routes.is_empty() && trigger.response_headers.is_empty());
    assert_eq!(handler, Handler::Echo);
}

#[test]
fn every_parameter_is_read() {
    let (trigger, handler) = read(
        r#"
        [trigger]
        type = "rest"
        methods = ["GET", "POST"]
        timeout-ms = 1000
        request-size-mb = 7
        external = false
        internal = true
        mtls = true
        client-rule = "client.cn == ['a']"
        routes = ["/products", "/products/:id"]
        response-headers = { "X-Served-By" = "{{ metadata.pipeline.name }}" }
        [handler]
        type = "upstream"
        connection = "backend"
        readable-identity-headers = true
        "#,
    )
    .unwrap();
    assert_eq!(
        trigger.methods.iter().collect::<Vec<_>>(),
        [Method::Post, Method::Get]
    );
    assert_eq!(
        (trigger.timeout.millis(), trigger.request_size.megabytes()),
        (1000, 7)
    );
    assert_eq!(
        Gateway::ALL.map(|gateway| trigger.publication.on(gateway)),
        [false, true, true]
    );
    assert_eq!(trigger.routes.len(), 2);
    assert_eq!(trigger.client_rule.unwrap().as_str(), "client.cn == ['a']");
    assert_eq!(trigger.response_headers[0].name, "x-served-by");
    let Handler::Upstream {
        connection,
        identity_headers,
    } = handler
    else {
        panic!("{handler:?}")
    };
    assert_eq!(connection.as_str(), "backend");
    assert!(identity_headers.readable && !identity_headers.forwarded_client_cert);
}

#[test]
fn a_mock_document_is_any_value_of_toml_or_json() {
    let cases = [
        ("document = 'text'", json!("text")),
        (
            "document = { a = [1, 2.5, true], b = { c = '{{ message.body }}' } }",
            json!({"a": [1, 2.5, true], "b": {"c": "{{ message.body }}"}}),
        ),
        (
            "document = { day = 2030-01-31, at = [2030-01-31T12:00:00Z] }",
            json!({"day": "2030-01-31", "at": ["2030-01-31T12:00:00Z"]}),
        ),
        ("document-json = '[null, 1]'", json!([null, 1])),
    ];
    for (document, expect) in cases {
        let body = format!("trigger.type = 'rest'\n[handler]\ntype = 'mock'\n{document}");
        let (_, handler) = read(&body).unwrap();
        assert_eq!(
            handler,
            Handler::Mock(JsonTemplate::parse(expect).unwrap()),
            "{document}"
        );
    }
    let null: PipelineBody = serde_json::from_value(
        json!({"trigger": {"type": "rest"}, "handler": {"type": "mock", "document": null}}),
    )
    .unwrap();
    assert_eq!(
        saved(&null).unwrap().1,
        Handler::Mock(JsonTemplate::parse(json!(null)).unwrap())
    );
}

#[test]
fn says_what_is_wrong() {
    let cases = [
        (
            "trigger.mtls = true\nhandler.type = 'echo'",
            "'trigger.external' must be stated",
        ),
        (
            "trigger.methods = []\nhandler.type = 'echo'",
            "at least one method",
        ),
        (
            "trigger.timeout-ms = 0\nhandler.type = 'echo'",
            "a timeout of 0 ms",
        ),
        (
            "trigger.timeout-ms = 900001\nhandler.type = 'echo'",
            "a timeout of 900001 ms",
        ),
        ("trigger.request-size-mb = 0\nhandler.type = 'echo'", "0 MB"),
        (
            "trigger.response-headers = { 'a b' = '' }\nhandler.type = 'echo'",
            "no header name",
        ),
        (
            "trigger.response-headers = { Date = 'x' }\nhandler.type = 'echo'",
            "set by the gateway itself",
        ),
        (
            "handler = { type = 'mock' }",
            "a handler of type mock needs 'document'",
        ),
        (
            "handler = { type = 'mock', document = 1, document-json = '1' }",
            "both 'document' and 'document-json'",
        ),
        (
            "handler = { type = 'mock', document-json = \"{\\n x\" }",
            "no JSON: line 2, column 2",
        ),
        (
            "handler = { type = 'mock', document = '{{ other }}' }",
            "no expression",
        ),
        (
            "handler = { type = 'mock', document = 1, connection = 'c' }",
            "'connection' is no key of a handler of type mock",
        ),
        (
            "handler = { type = 'echo', document = 1 }",
            "'document' is no key of a handler of type echo",
        ),
        (
            "handler = { type = 'echo', x-forwarded-client-cert = true }",
            "'x-forwarded-client-cert' is no key",
        ),
        (
            "handler = { type = 'upstream' }",
            "a handler of type upstream needs 'connection'",
        ),
        (
            "handler = { type = 'upstream', connection = 'c', document-json = '1' }",
            "'document-json' is no key",
        ),
    ];
    for (body, expect) in cases {
        let error = read(&format!("trigger.type = 'rest'\n{body}"))
            .unwrap_err()
            .to_string();
        assert!(error.contains(expect), "{body}\n→ {error}");
    }
}

#[test]
fn a_pipeline_told_as_a_document_reads_as_the_same_pipeline() {
    let handlers = [
        json!({"type": "echo"}),
        json!({"type": "mock", "document": {"a": ["{{ message.path }}", null]}}),
        json!({"type": "upstream", "connection": "c", "x-forwarded-client-cert": true}),
    ];
    for handler in handlers {
        let body = json!({
            "trigger": {"type": "rest", "mtls": true, "external": true, "methods": ["PUT"], "routes": ["/a/:b"], "response-headers": {"x-a": "{{ message.path }}"}},
            "handler": handler,
        });
        let (trigger, handler) = saved(&serde_json::from_value(body).unwrap()).unwrap();
        let pipeline = Pipeline {
            key: PipelineKey {
                name: PipelineName::parse("orders").unwrap(),
                major: 1,
            },
            revision: 1,
            trigger: trigger.clone(),
            handler: handler.clone(),
            updated: now(),
        };
        let written = serde_json::to_string(&document(&pipeline)).unwrap();
        assert_eq!(
            saved(&serde_json::from_str(&written).unwrap()),
            Ok((trigger, handler)),
            "{written}"
        );
    }
}

#[test]
fn an_http_trigger_has_content_types_and_defaults_of_its_own() {
    let (trigger, _) = read("trigger.type = 'http'\nhandler.type = 'echo'").unwrap();
    let types = trigger.kind.content_types().unwrap();
    assert!(types.requests.is_empty());
    let admitted: Vec<&str> = types.responses.iter().map(MediaRange::as_str).collect();
    assert_eq!(admitted, ["application/json"]);
    let (trigger, _) = read(
        "trigger.type = 'http'\nhandler.type = 'echo'\ntrigger.request-content-types = ['Text/XML', 'image/*']\n\
         trigger.response-content-types = ['*/*']",
    )
    .unwrap();
    let types = trigger.kind.content_types().unwrap();
    let admitted: Vec<&str> = types.requests.iter().map(MediaRange::as_str).collect();
    assert_eq!(admitted, ["text/xml", "image/*"]);
    assert_eq!(types.responses, [MediaRange::parse("*/*").unwrap()]);
}

#[test]
fn content_types_are_no_parameters_of_a_rest_trigger() {
    for key in ["request-content-types", "response-content-types"] {
        let body = format!("trigger.type = 'rest'\nhandler.type = 'echo'\ntrigger.{key} = ['a/b']");
        let wrong = read(&body).unwrap_err();
        assert_eq!(wrong, InvalidPipeline::TriggerKey { kind: "rest", key });
    }
}

#[test]
fn an_http_trigger_is_written_as_it_is_read() {
    for types in [
        "",
        "trigger.request-content-types = ['a/b']",
        "trigger.response-content-types = ['a/b', 'c/*']",
    ] {
        let (trigger, handler) = read(&format!(
            "trigger.type = 'http'\nhandler.type = 'echo'\n{types}"
        ))
        .unwrap();
        let pipeline = Pipeline {
            key: PipelineKey {
                name: PipelineName::parse("orders").unwrap(),
                major: 1,
            },
            revision: 1,
            trigger,
            handler,
            updated: now(),
        };
        let (again, _) = saved(&document(&pipeline)).unwrap();
        assert_eq!(again, pipeline.trigger);
    }
}
