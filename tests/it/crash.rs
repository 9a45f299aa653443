//! Crashes: what was acknowledged is there after a `kill -9`, whatever the moment.

use redb::ReadableTable;
use serde_json::json;

use crate::support::clients::Call;
use crate::support::demo::Demo;

#[test]
fn nothing_acknowledged_is_lost_by_kill_9() {
    let mut demo = Demo::start();
    let mut acknowledged: Vec<String> = Vec::new();
    for round in 0..6_u64 {
        let stop = std::sync::atomic::AtomicBool::new(false);
        let fresh: Vec<String> = std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let mut done = Vec::new();
                for number in 0..10_000 {
                    if stop.load(std::sync::atomic::Ordering::SeqCst) {
                        break;
                    }
                    let name = format!("r{round}-{number}");
                    let reply = demo.api(
                        "PUT",
                        &format!("/api/v1/realms/{name}"),
                        Some(&serde_json::json!({})),
                    );
                    if reply.status == 200 || reply.status == 201 {
                        done.push(name);
                    } else {
                        break;
                    }
                }
                done
            });
            // The moment of the crash differs from round to round.
            std::thread::sleep(std::time::Duration::from_millis(150 + 137 * round));
            // SIGKILL: no handler runs, nothing is flushed.
            let killed = std::process::Command::new("kill")
                .args(["-9", &demo.pid().to_string()])
                .status()
                .unwrap();
            assert!(killed.success());
            stop.store(true, std::sync::atomic::Ordering::SeqCst);
            writer.join().unwrap()
        });
        assert!(!fresh.is_empty(), "round {round} acknowledged nothing");
        acknowledged.extend(fresh);
        demo.kill_and_restart();
        let names = realms(&demo);
        let lost: Vec<&String> = acknowledged
            .iter()
            .filter(|name| !names.contains(*name))
            .collect();
        assert!(lost.is_empty(), "round {round}: lost {lost:?}");
        let audited = audited(&demo);
        let silent: Vec<&String> = acknowledged
            .iter()
            .filter(|name| !audited.contains(*name))
            .collect();
        assert!(
            silent.is_empty(),
            "round {round}: not in the audit: {silent:?}"
        );
    }
}

fn realms(demo: &Demo) -> Vec<String> {
    let body = demo.api("GET", "/api/v1/realms", None).json();
    let realms = body["realms"]
        .as_array()
        .or_else(|| body.as_array())
        .unwrap();
    realms
        .iter()
        .map(|realm| realm["name"].as_str().unwrap().to_owned())
        .collect()
}

fn audited(demo: &Demo) -> Vec<String> {
    let mut objects = Vec::new();
    let mut before = String::new();
    loop {
        let page = demo
            .api("GET", &format!("/api/v1/audit?limit=1000{before}"), None)
            .json();
        let records = page["records"].as_array().unwrap();
        let created = records
            .iter()
            .filter(|record| record["action"] == "realm.create");
        objects.extend(created.map(|record| record["object"].as_str().unwrap().to_owned()));
        match records.last() {
            Some(last) if records.len() == 1000 => before = format!("&before={}", last["sequence"]),
            _ => return objects,
        }
    }
}

#[test]
fn a_damaged_row_of_trust_closes_its_realm_and_no_other_and_says_so() {
    let mut demo = Demo::start();
    let chain = std::fs::read_to_string(demo.text("acme", "prod", "caCert")).unwrap();
    let account = "dgb-mtls-demo";
    let initech = json!({ "documents": [{ "realm": [{
        "name": "initech",
        "account": [{ "name": account, "type": "certificate-chain", "prod": { "chain": chain } }],
        "installation": [{ "account": account, "environment": "prod", "state": "installed" }],
        "pipeline": [{
            "name": "hello", "major": 1, "trigger": { "type": "rest", "external": true, "mtls": true },
            "handler": { "type": "echo" },
        }],
        "deployment": [{ "pipeline": "hello", "major": 1, "environments": ["prod"] }],
    }] }] });
    let applied = demo.api("POST", "/api/v1/apply", Some(&initech));
    assert_eq!(applied.status, 200, "{applied:?}");
    let client = demo.client("acme", "prod", "accepted");
    let shared = demo.text("acme", "prod", "sharedMtlsHost");
    let call = |demo: &Demo, host: &str, realm: &str| {
        Call::new(demo, "mtls", host, &Demo::path(realm, "hello"))
            .by(&client)
            .send()
    };
    let (acme, initech) = ("acme.api2.gate.localhost", "initech.api2.gate.localhost");
    assert_eq!(call(&demo, initech, "initech").status, 200);
    demo.kill_and_restart_after(|data| {
        let database = redb::Database::open(data.join("realmgate.redb")).unwrap();
        let transaction = database.begin_write().unwrap();
        let installations: redb::TableDefinition<'_, (&str, u64), &[u8]> =
            redb::TableDefinition::new("installations");
        let mut table = transaction.open_table(installations).unwrap();
        let mut row = table.get(("initech", 1)).unwrap().unwrap().value().to_vec();
        *row.last_mut().unwrap() ^= 1;
        table.insert(("initech", 1), row.as_slice()).unwrap();
        drop(table);
        transaction.commit().unwrap();
    });
    let closed = call(&demo, initech, "initech");
    assert_ne!(closed.exit, 0, "{closed:?}");
    assert_eq!(call(&demo, &shared, "initech").status, 404);
    assert_eq!(call(&demo, &shared, "acme").status, 200);
    assert_eq!(call(&demo, acme, "acme").status, 200);
    let outside = demo.text("acme", "prod", "externalHost");
    let external = Call::new(&demo, "external", &outside, &Demo::path("initech", "hello")).send();
    assert_eq!(external.status, 404, "{external:?}");
    let shown = demo.api("GET", "/api/v1/realms/initech", None).text();
    assert!(shown.contains("initech/1 of installations"), "{shown}");
    let log = std::fs::read_to_string(demo.directory().join("log.txt")).unwrap();
    let line = log
        .lines()
        .find(|line| line.contains("initech/1 of installations"));
    assert!(line.is_some_and(|line| line.contains("ERROR")), "{log}");
    for change in [
        ["realm", "suspend", "initech", "--yes"],
        ["realm", "delete", "initech", "--yes"],
    ] {
        let told = demo.cli(&change);
        let text = String::from_utf8_lossy(&told.stderr).into_owned();
        assert!(!told.status.success() && text.contains("backup"), "{text}");
    }
}
