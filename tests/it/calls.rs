//! The calls of the endpoint sheet, run as they are pasted.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::demo::Demo;

fn run(directory: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {out}{err}"
    );
    out.into_owned()
}

#[test]
fn the_calls_of_the_endpoint_sheet_work_as_they_are_pasted() {
    let demo = Demo::start();
    let client = demo.client("acme", "prod", "accepted");
    let answer = demo.api(
        "GET",
        "/api/v1/realms/acme/endpoints?environment=prod",
        None,
    );
    let sheet: Value = answer.json()["endpoints"][0].clone();
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    std::fs::copy(&client.chain, here.join("client.crt")).unwrap();
    std::fs::copy(&client.key, here.join("client.key")).unwrap();
    std::fs::write(
        here.join("server-ca.pem"),
        sheet["serverCaPem"].as_str().unwrap(),
    )
    .unwrap();
    let call = |tool: &str| sheet["calls"][tool].as_str().unwrap().to_owned();

    for line in call("curl")
        .lines()
        .filter(|line| line.starts_with("curl "))
    {
        let told = run(here, "bash", &["-c", &line.replace("curl ", "curl -sS ")]);
        assert!(told.contains("\"subject\":\"CN="), "{line}: {told}");
    }
    let told = run(here, "bash", &["-c", &call("openssl")]);
    assert!(
        told.contains("200 OK") && told.contains("\"subject\":\"CN="),
        "{told}"
    );
    // Neither of the two knows names under .localhost: their forms for names that do not resolve.
    let python = call("python");
    let (_, python) = python
        .split_once("# Where the name does not resolve")
        .unwrap();
    let told = run(here, "python3", &["-c", &format!("#{python}")]);
    assert!(
        told.starts_with("200 ") && told.contains("\"subject\":\"CN="),
        "{told}"
    );
    let node = call("node").replace("// lookup:", "lookup:");
    let told = run(here, "node", &["-e", &node]);
    assert!(
        told.starts_with("200\n") && told.contains("\"subject\":\"CN="),
        "{told}"
    );
}
