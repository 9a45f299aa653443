//! Crashes: what was acknowledged is there after a `kill -9`, whatever the moment.

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
