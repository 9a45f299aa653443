//! What is told: installations as an operator reviews them, accounts without their secrets, endpoint sheets to paste.

use std::net::IpAddr;
use std::process::Command as Process;

use realmgate::control::address::{Addresses, Reach};
use realmgate::control::view::call::{Calls, Example, ServerCa};
use realmgate::domain::command::Command;
use realmgate::domain::environment::Environment;
use realmgate::domain::name::AccountName;
use realmgate::domain::trigger::Method;
use serde_json::{Value, json};

use crate::control::bench::{Bench, acme, ca, operator, realm};

fn account() -> AccountName {
    AccountName::parse("dgb-mtls-acme").unwrap()
}

fn installation(bench: &Bench) -> Value {
    let sheet =
        bench
            .control
            .installation(&operator(), &realm("acme"), Environment::Prod, &account());
    serde_json::to_value(sheet.unwrap()).unwrap()
}

fn endpoints(bench: &Bench) -> Vec<Value> {
    let sheets = bench
        .control
        .endpoints(&operator(), &realm("acme"), None)
        .unwrap();
    sheets
        .into_iter()
        .map(|sheet| serde_json::to_value(sheet).unwrap())
        .collect()
}

#[test]
fn a_new_request_is_shown_with_its_difference_to_what_is_installed() {
    let (_place, bench) = Bench::start();
    let (first, second) = (ca("Acme CA"), ca("Acme CA 2"));
    bench.apply(&acme(&first));
    let installed = installation(&bench);
    assert_eq!(installed["state"], "installed");
    assert_eq!(installed["difference"], Value::Null);
    let requested = acme(&second).replace(
        "environment = \"prod\"\n",
        "environment = \"prod\"\nstate = \"requested\"\n",
    );
    bench.apply(&requested);
    let sheet = installation(&bench);
    assert_eq!(
        (&sheet["state"], &sheet["accountRevision"]),
        (&json!("requested"), &json!(2))
    );
    assert_eq!(sheet["certificates"][0]["subject"], "CN=Acme CA 2");
    assert_eq!(sheet["certificates"][0]["ca"], true);
    assert_eq!(
        sheet["difference"]["added"][0]["fingerprint"],
        second.certificate.fingerprint().to_string()
    );
    assert_eq!(
        sheet["difference"]["removed"][0]["fingerprint"],
        first.certificate.fingerprint().to_string()
    );
    let (realm, environment, account, reason) = (
        realm("acme"),
        Environment::Prod,
        account(),
        "not yours".to_owned(),
    );
    bench
        .execute(&[Command::RejectInstallation {
            realm,
            environment,
            account,
            reason,
        }])
        .unwrap();
    let sheet = installation(&bench);
    assert_eq!(sheet["state"], "installed");
    let history: Vec<&Value> = sheet["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["state"])
        .collect();
    assert_eq!(history, ["rejected", "installed"]);
    assert_eq!(sheet["history"][0]["reason"], "not yours");
}

#[test]
fn an_account_is_told_without_its_secrets() {
    let (_place, bench) = Bench::start();
    bench.apply(
        "[[realm]]\nname = 'acme'\n\
         [[realm.account]]\nname = 'a'\ntype = 'basic'\nprod = { username = 'u', password = 'hunter2' }\n\
         [[realm.account]]\nname = 'b'\ntype = 'secret-key'\ntest.key = 'hunter2'\n",
    );
    let told = |name: &str| {
        let name = AccountName::parse(name).unwrap();
        serde_json::to_value(
            bench
                .control
                .account(&operator(), &realm("acme"), &name)
                .unwrap(),
        )
        .unwrap()
    };
    assert_eq!(told("a")["prod"], json!({"username": "u", "secret": true}));
    assert_eq!(
        (&told("b")["test"], &told("b")["prod"]),
        (&json!({"secret": true}), &Value::Null)
    );
    let audit =
        serde_json::to_string(&bench.control.audit(&operator(), None, None, 100).unwrap()).unwrap();
    assert!(!audit.contains("hunter2") && !told("a").to_string().contains("hunter2"));
}

#[test]
fn an_endpoint_sheet_has_urls_certificate_and_calls_once_there_is_an_installation() {
    let (_place, bench) = Bench::start();
    bench.apply(&acme(&ca("Acme CA")));
    let loopback: IpAddr = "127.0.0.1".parse().unwrap();
    let reach = |port| {
        Some(Reach {
            address: loopback,
            port,
        })
    };
    bench.control.announce(Addresses {
        external: reach(443),
        internal: None,
        mtls: reach(9443),
    });
    let sheets = endpoints(&bench);
    let [test, prod] = sheets.as_slice() else {
        panic!("{sheets:?}")
    };
    assert_eq!(
        (&test["mtls"], &test["calls"], &test["mtlsHost"]),
        (&json!(false), &Value::Null, &Value::Null)
    );
    assert!(
        test["note"]
            .as_str()
            .unwrap()
            .contains("mTLS is off in test"),
        "{test}"
    );
    assert_eq!(prod["mtls"], true);
    let pipeline = &prod["pipelines"][0];
    let path = "/pipeline/acme/v1/hello";
    assert_eq!(
        pipeline["mtlsUrl"],
        format!("https://acme.api2.gate.localhost:9443{path}")
    );
    assert_eq!(
        pipeline["sharedMtlsUrl"],
        format!("https://api2.gate.localhost:9443{path}")
    );
    assert_eq!(
        pipeline["externalUrl"],
        format!("https://api.gate.localhost{path}")
    );
    assert_eq!(
        pipeline["internalUrl"],
        format!("https://api-internal.gate.localhost{path}")
    );
    assert_eq!(
        prod["resolveFlag"],
        "--resolve acme.api2.gate.localhost:9443:127.0.0.1"
    );
    assert_eq!(
        prod["hostsFileLine"],
        "127.0.0.1 acme.api2.gate.localhost api2.gate.localhost"
    );
    assert_eq!(
        prod["addresses"],
        json!({"mtls": "127.0.0.1:9443", "external": "127.0.0.1:443", "internal": null})
    );
    let shown = prod["serverCertificate"]["fingerprintColons"]
        .as_str()
        .unwrap();
    assert_eq!(shown.len(), 95, "{shown}");
    assert_eq!(prod["serverCaPem"], bench.control.server_ca_pem().unwrap());
    for (tool, call) in prod["calls"].as_object().unwrap() {
        let call = call.as_str().unwrap();
        assert!(
            call.contains("acme.api2.gate.localhost") && call.contains("127.0.0.1"),
            "{tool}: {call}"
        );
        assert!(
            call.contains(path) && call.contains("server-ca.pem"),
            "{tool}: {call}"
        );
    }
}

#[test]
fn the_calls_are_well_formed_programs() {
    let directory = tempfile::tempdir().unwrap();
    let address = ["127.0.0.1", "::1"].map(|address| address.parse::<IpAddr>().unwrap());
    let mut number = 0;
    for method in Method::ALL {
        for server_trust in [ServerCa::Own, ServerCa::Provided] {
            for address in address {
                let calls = Calls::of(&Example {
                    host: "acme.api2.gate.localhost".to_owned(),
                    port: 9443,
                    path: "/pipeline/acme/v1/hello".to_owned(),
                    method,
                    address,
                    server_trust,
                });
                number += 1;
                let all = serde_json::to_value(&calls).unwrap();
                for (tool, call) in all.as_object().unwrap() {
                    let ca = match server_trust {
                        ServerCa::Own => "server-ca.pem",
                        ServerCa::Provided => "YOUR-CA.pem",
                    };
                    let call = call.as_str().unwrap();
                    let named = call
                        .lines()
                        .any(|line| line.contains(ca) && !line.starts_with(['#', '/']));
                    assert!(
                        named && call.contains("then its intermediates"),
                        "{tool}: {call}"
                    );
                }
                let check = |name: String, text: &str, program: &[&str]| {
                    let file = directory.path().join(name);
                    std::fs::write(&file, text).unwrap();
                    let output = Process::new(program[0])
                        .args(&program[1..])
                        .arg(&file)
                        .output()
                        .unwrap();
                    let told = String::from_utf8_lossy(&output.stderr).into_owned();
                    assert!(output.status.success(), "{program:?}: {told}\n{text}");
                };
                check(format!("curl-{number}.sh"), &calls.curl, &["bash", "-n"]);
                check(
                    format!("openssl-{number}.sh"),
                    &calls.openssl,
                    &["bash", "-n"],
                );
                check(
                    format!("call-{number}.py"),
                    &calls.python,
                    &["python3", "-m", "py_compile"],
                );
                check(
                    format!("call-{number}.js"),
                    &calls.node,
                    &["node", "--check"],
                );
                for text in [&calls.java, &calls.go, &calls.dotnet] {
                    assert_eq!(
                        text.matches(['{', '(']).count(),
                        text.matches(['}', ')']).count(),
                        "{text}"
                    );
                }
            }
        }
    }
}
