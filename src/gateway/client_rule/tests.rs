use http::Request;
use http_body_util::Full;
use serde_json::json;

use super::*;
use crate::clock::Moment;
use crate::domain::command::Command;
use crate::domain::deployment::DeploymentKey;
use crate::domain::environment::Environment;
use crate::domain::pipeline::Handler;
use crate::gateway::testing::{House, Like, Pki, key, mock, realm, verified};
use crate::pki::authority::{ClientRequest, Leaf};
use crate::pki::fingerprint::Fingerprint;
use crate::pki::key::KeyChoice;
use crate::rule::client_rule::ClientRule;
use crate::snapshot::admission::Answers;
use crate::trust::identity::ClientIdentity;

const PATH: &str = "/pipeline/acme/v1/orders";

fn ruled(rule: &'static str) -> Like {
    let mut like = Like::everywhere(mock(json!({"hello": "{{ message.client.subject }}"})));
    like.client_rule = Some(ClientRule::parse(rule).unwrap());
    like
}

#[tokio::test]
async fn a_rule_lets_in_whom_it_names_and_nobody_else_on_both_hosts_and_versions() {
    let mut house = House::new();
    house.pipeline(
        "acme",
        "orders",
        ruled("client.cn == ['client-1'] && 'DNS:client-1.acme.example' in client.sans"),
    );
    house.pipeline("acme", "others", ruled("client.cn == ['client-2']"));
    house.pipeline(
        "acme",
        "broken",
        ruled("client.organizational_units[0] == 'x'"),
    );
    for visit in [
        house.acme_at_home(),
        house.at_the_shared_host(&house.acme),
        house.acme_at_home().over_http2(),
        house.at_the_shared_host(&house.acme).over_http2(),
    ] {
        for _ in 0..2 {
            let told = visit.get(PATH).await;
            assert_eq!(told.status, 200, "{told:?}");
            for refused in ["/pipeline/acme/v1/others", "/pipeline/acme/v1/broken"] {
                let told = visit.get(refused).await;
                assert_eq!(
                    (told.status.as_u16(), told.reason().as_str()),
                    (403, "client-rule")
                );
                assert!(!told.text().contains("client-1"), "{}", told.text());
            }
        }
    }
    let journal = house.journal();
    assert_eq!(journal.len(), 16, "{journal:?}");
    for (realm, reason, sentence) in &journal {
        assert_eq!((realm.as_str(), reason.as_str()), ("acme", "client-rule"));
        assert!(
            sentence.contains("the client CN=client-1,O=Acme"),
            "{sentence}"
        );
        let others = sentence.contains("rule of others v1 does not admit");
        let broken = sentence.contains("rule of broken v1 has no answer")
            && sentence.contains("no such item");
        assert!(others || broken, "{sentence}");
    }
    let records = house.records();
    let refused = records
        .iter()
        .filter(|record| record["reason"] == "client-rule");
    assert_eq!(refused.count(), 16);
}

#[test]
fn an_answer_is_remembered_for_one_certificate_anchor_and_account() {
    let client = verified(&Pki::new());
    let rule = |text| ClientRule::parse(text).unwrap();
    let (yes, no) = (rule("true"), rule("false"));
    let answers = Answers::default();
    let admits = |rule, client: &Verified| {
        let objection = answers.objection(rule, &key("orders"), client);
        objection.is_none()
    };
    assert!(admits(&yes, &client));
    assert!(admits(&no, &client), "it was asked again");
    let changes: [fn(&mut ClientIdentity); 3] = [
        |identity| identity.fingerprint = Fingerprint::of(b"another certificate"),
        |identity| identity.anchor = Fingerprint::of(b"another anchor"),
        |identity| identity.account = "dgb-mtls-another".into(),
    ];
    for (place, change) in changes.into_iter().enumerate() {
        let mut other = client.clone();
        change(Arc::make_mut(&mut other.identity));
        assert!(!admits(&no, &other), "change {place} went unnoticed");
        assert!(!admits(&yes, &other), "a refusal is remembered as well");
    }
}

#[tokio::test]
async fn a_rule_is_asked_after_the_method_and_on_the_mtls_gateway_only() {
    let mut house = House::new();
    let mut like = ruled("false");
    like.trigger = |trigger| {
        trigger.methods =
            crate::domain::trigger::MethodSet::of([crate::domain::trigger::Method::Get]).unwrap();
    };
    house.pipeline("acme", "orders", like);
    assert_eq!(house.outside().get(PATH).await.status, 200);
    let visit = house.acme_at_home();
    assert_eq!(visit.get(PATH).await.status, 403);
    let put = Request::put(PATH).body(Full::default()).unwrap();
    assert_eq!(visit.ask(put).await.status, 405);
}

#[tokio::test]
async fn the_rule_that_is_deployed_decides_on_connections_that_are_open_too() {
    let mut house = House::new();
    house.pipeline("acme", "orders", ruled("client.cn == ['client-1']"));
    let visit = house.acme_at_home();
    assert_eq!(visit.get(PATH).await.status, 200);
    let snapshot = house.worker.live.load_full();
    let deployed = snapshot.realm("acme", Environment::Prod).unwrap();
    let trigger = deployed.routes.deployed()[0].trigger.clone();
    drop(snapshot);
    // Saved, and not deployed yet.
    let save = |rule: &str| Command::SavePipeline {
        realm: realm("acme"),
        key: key("orders"),
        trigger: crate::domain::trigger::Trigger {
            kind: crate::domain::trigger::TriggerKind::Rest,
            client_rule: Some(ClientRule::parse(rule).unwrap()),
            ..trigger.clone()
        },
        handler: Handler::Echo,
    };
    let deploy = Command::Deploy {
        realm: realm("acme"),
        key: DeploymentKey {
            environment: Environment::Prod,
            pipeline: key("orders"),
        },
    };
    house.change(&save("client.cn == ['client-2']"));
    assert_eq!(visit.get(PATH).await.status, 200);
    house.change(&deploy);
    assert_eq!(visit.get(PATH).await.status, 403);
    house.change(&save("client.cn == ['client-1']"));
    house.change(&deploy);
    assert_eq!(visit.get(PATH).await.status, 200);
    // A realm's own change of trust asks again, of the same client.
    house.install_as("acme", "dgb-mtls-other", Pki::new().root.certificate);
    assert_eq!(visit.get(PATH).await.status, 200);
}

#[tokio::test]
async fn an_answer_is_kept_for_its_connection_pipeline_and_client_and_few_of_them() {
    let mut house = House::new();
    for name in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"] {
        house.pipeline("acme", name, ruled("client.cn == ['client-1']"));
    }
    let visit = house.acme_at_home();
    let kept = || visit.peer.answers().lock().unwrap().0.len();
    for name in ["a", "a", "b"] {
        assert_eq!(
            visit.get(&format!("/pipeline/acme/v1/{name}")).await.status,
            200
        );
    }
    assert_eq!(kept(), 2);
    for name in ["c", "d", "e", "f", "g", "h", "i", "j", "k", "a"] {
        assert_eq!(
            visit.get(&format!("/pipeline/acme/v1/{name}")).await.status,
            200
        );
    }
    assert_eq!(kept(), ANSWERS_MAX);
    // All that was deployed was compiled anew: what was kept of it goes with the next question.
    house.pipeline("acme", "l", ruled("true"));
    assert_eq!(visit.get("/pipeline/acme/v1/l").await.status, 200);
    assert_eq!(kept(), 1);
}

/// A client of that common name, by the same CA.
fn client_named(house: &House, common_name: &str) -> Leaf {
    let issuer = house.acme.intermediate.as_ref().unwrap();
    let request = ClientRequest {
        common_name: common_name.to_owned(),
        organization: Some("Acme".to_owned()),
        sans: vec![],
        not_before: Moment::parse("2027-01-01").unwrap(),
        not_after: Moment::parse("2028-01-01").unwrap(),
        key: KeyChoice::EcP256,
    };
    issuer.issue_client(&request).unwrap()
}

#[tokio::test]
async fn two_clients_of_one_ca_are_told_apart() {
    let mut house = House::new();
    house.pipeline(
        "acme",
        "orders",
        ruled("client.cn.exists(cn, cn.startsWith('svc-'))"),
    );
    for (common_name, status) in [
        ("svc-orders", 200),
        ("client-1,CN=svc-orders", 403),
        ("client-1\r\nsvc-orders", 403),
        ("\0svc-orders", 403),
        ("SVC-orders", 403),
    ] {
        let leaf = client_named(&house, common_name);
        let told = house.at_home("acme", &house.acme, &leaf).get(PATH).await;
        assert_eq!(told.status, status, "{common_name:?}");
    }
    for (_, _, sentence) in house.journal() {
        assert!(!sentence.contains(['\r', '\n', '\0']), "{sentence:?}");
    }
}
