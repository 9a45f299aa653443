//! Revocation lists that keep themselves fresh, from a server that misbehaves in every way and from a folder: the last
//! good list stays in force, what happened is told, the process lives, and other sources go on.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::revocation::{House, OWN, Open, Person, REVOKED, SERVED, ca, crl};
use crate::support::server::Server;
use crate::support::wait;

const PLACE: &str = "--realm acme --environment prod";
const TLS: &str = "-tls1_3";
/// The longest document that is taken in these tests.
const BYTES_MAX: usize = 32 * 1024;
/// How long a server may be silent in these tests.
const STALL: Duration = Duration::from_millis(400);
/// How long one attempt may take in these tests.
const TIMEOUT: Duration = Duration::from_millis(1_200);

/// What a server does with a request.
#[derive(Clone)]
enum Answer {
    /// Gives a document, with an ETag where there is one; 304 where the condition says so.
    Document(Vec<u8>, Option<&'static str>),
    /// Sends these bytes, and closes.
    Raw(Vec<u8>),
    /// Sends these bytes, and then nothing, holding the connection.
    Silence(Vec<u8>),
    /// Sends these bytes, and then one more again and again, until the client goes.
    Drip(Vec<u8>, &'static [u8]),
}

/// An HTTP server that does what it is told to.
struct Misbehaving {
    address: SocketAddr,
    answers: Arc<Mutex<HashMap<String, Answer>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Misbehaving {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let this = Self {
            address: listener.local_addr().unwrap(),
            answers: Arc::default(),
            asked: Arc::default(),
        };
        let (answers, asked) = (Arc::clone(&this.answers), Arc::clone(&this.asked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (answers, asked) = (Arc::clone(&answers), Arc::clone(&asked));
                std::thread::spawn(move || serve(stream.unwrap(), &answers, &asked));
            }
        });
        this
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn does(&self, path: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    fn gives(&self, path: &str, list: &str) {
        self.does(path, Answer::Document(list.as_bytes().to_vec(), None));
    }

    /// The heads of the requests so far.
    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(
    mut stream: TcpStream,
    answers: &Mutex<HashMap<String, Answer>>,
    asked: &Mutex<Vec<String>>,
) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            Ok(_) | Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let target = head.split(' ').nth(1).unwrap().to_owned();
    asked.lock().unwrap().push(head.clone());
    let answer = answers.lock().unwrap().get(&target).cloned();
    // Clients that go away in the middle are what this is about.
    let _ = match answer {
        None => stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
        Some(Answer::Document(_, Some(etag)))
            if head
                .to_ascii_lowercase()
                .contains(&format!("if-none-match: {etag}")) =>
        {
            stream.write_all(b"HTTP/1.1 304 Not Modified\r\n\r\n")
        }
        Some(Answer::Document(body, etag)) => {
            let etag = etag.map_or_else(String::new, |etag| format!("ETag: {etag}\r\n"));
            let head = format!(
                "HTTP/1.1 200 OK\r\n{etag}Content-Length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(&[head.into_bytes(), body].concat())
        }
        Some(Answer::Raw(bytes)) => stream.write_all(&bytes),
        Some(Answer::Silence(bytes)) => stream
            .write_all(&bytes)
            .and_then(|()| stream.read(&mut byte).map(drop)),
        Some(Answer::Drip(bytes, more)) => stream.write_all(&bytes).and_then(|()| {
            loop {
                stream.write_all(more)?;
                sleep(Duration::from_millis(20));
            }
        }),
    };
}

fn redirect(to: &str) -> Answer {
    let head = format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
    Answer::Raw(head.into_bytes())
}

fn raw(text: &str) -> Answer {
    Answer::Raw(text.as_bytes().to_vec())
}

/// A server that fetches from loopback, and from no other forbidden address; by itself each hour.
fn patient(_: &Path) -> String {
    format!(
        "outgoing_networks_allowed = [\"127.0.0.1/32\"]\ncrl_fetch_bytes_max = {BYTES_MAX}\n\
         crl_fetch_stall_ms = {}\ncrl_fetch_timeout_ms = {}\n",
        STALL.as_millis(),
        TIMEOUT.as_millis()
    )
}

fn house(settings: impl FnOnce(&Path) -> String) -> House {
    let house = House::on(Server::start_with(settings));
    house.set("--revocation leaf");
    house
}

impl House {
    fn approve(&self, name: &str, url: &str) {
        let told = self
            .server
            .line(&format!("crl source add {name} --url {url} {PLACE}"));
        assert!(told.contains(url), "{told}");
    }

    /// Fetches, and answers with the state of the source.
    fn fetch(&self, name: &str) -> Value {
        self.server
            .json(&format!("crl source fetch {name} {PLACE}"))
    }

    fn source(&self, name: &str) -> Value {
        let listed = self.server.json(&format!("crl source list {PLACE}"));
        let sources = listed["sources"].as_array().unwrap();
        let found = sources.iter().find(|source| source["name"] == name);
        found.cloned().unwrap_or_default()
    }

    fn is_served(&self, person: &Person) {
        let told = self.call(OWN, TLS, person);
        assert!(told.contains(SERVED), "{told}");
    }

    fn is_revoked(&self, person: &Person) {
        let told = self.call(OWN, TLS, person);
        assert!(told.contains(REVOKED), "{told}");
    }

    /// The numbers of the lists that are there.
    fn numbers(&self) -> Vec<String> {
        let lists = self.lists();
        let numbers = lists.iter().map(|list| list["number"].as_str().unwrap());
        let mut numbers: Vec<String> = numbers.map(str::to_owned).collect();
        numbers.sort();
        numbers
    }
}

#[test]
fn whatever_a_source_does_the_last_good_list_stays_and_other_sources_go_on() {
    let (house, web) = (house(patient), Misbehaving::start());
    let (good, bad) = (house.person("good"), house.person("bad"));
    let list = |number, hours, revoked: &[&Person]| crl(&house.ca, number, hours, revoked);
    let fifth = list(5, 24, &[&bad]);
    web.gives("/root.crl", &fifth);
    web.gives("/steady.crl", &fifth);
    house.approve("root", &web.url("/root.crl"));
    wait::until("the list to be fetched by itself", 10, || {
        house.source("root")["state"] == "taken-in"
    });
    house.approve("steady", &web.url("/steady.crl"));
    let steady = || {
        let state = house.fetch("steady");
        assert_eq!(state["state"], "unchanged", "{state}");
    };
    steady();
    house.is_revoked(&bad);
    house.is_served(&good);
    let before = house.server.json("status")["revision"].clone();
    let head = "HTTP/1.1 200 OK\r\n";
    let other = crl(&ca("Other CA"), 9, 24, &[]);
    let twin = crl(&ca("Acme CA"), 9, 24, &[]);
    let elsewhere = format!("http://127.0.0.2:{}/root.crl", web.address.port());
    let own = house.server.ready["admin"]["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let long = format!("{head}Content-Length: 1000000000\r\n\r\n");
    let short = format!("{head}Content-Length: 5000\r\n\r\n{}", &fifth[..100]);
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
    let cases: [(&str, Answer, &str); 28] = [
        ("no head", Answer::Silence(Vec::new()), "stalled"),
        ("half a head", Answer::Silence(head.into()), "stalled"),
        (
            "a dripping head",
            Answer::Drip(head.into(), b"X"),
            "stalled",
        ),
        (
            "no body",
            Answer::Silence(format!("{head}Content-Length: 9\r\n\r\n").into()),
            "stalled",
        ),
        (
            "a dripping body",
            Answer::Drip(format!("{head}\r\n").into(), b"-"),
            "timeout",
        ),
        ("a huge body", raw(&long), "too-large"),
        (
            "endless chunks",
            Answer::Drip(chunked.clone().into(), ENDLESS.as_bytes()),
            "too-large",
        ),
        (
            "too large without a length",
            raw(&format!("{head}\r\n{}", "x".repeat(BYTES_MAX + 1))),
            "too-large",
        ),
        ("a truncated body", raw(&short), "truncated"),
        (
            "a truncated chunk",
            raw(&format!("{chunked}ff\r\nabc")),
            "truncated",
        ),
        (
            "half a list",
            raw(&format!("{head}\r\n{}", &fifth[..200])),
            "not-a-list",
        ),
        (
            "no list",
            raw(&format!("{head}\r\n<html>Please log in</html>")),
            "not-a-list",
        ),
        (
            "nothing",
            raw(&format!("{head}Content-Length: 0\r\n\r\n")),
            "not-a-list",
        ),
        (
            "compressed",
            raw(&format!(
                "{head}Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"
            )),
            "encoded",
        ),
        (
            "304 without condition",
            raw("HTTP/1.1 304 Not Modified\r\n\r\n"),
            "unexpected-304",
        ),
        (
            "500",
            raw("HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno"),
            "status",
        ),
        (
            "404",
            raw("HTTP/1.1 404 Oh\r\nContent-Length: 0\r\n\r\n"),
            "status",
        ),
        ("closed at once", raw(""), "broke"),
        ("no HTTP", raw("SSH-2.0-OpenSSH_9.2\r\n\r\n"), "broke"),
        (
            "a redirect to loopback",
            redirect(&elsewhere),
            "not-allowed",
        ),
        (
            "a redirect to ourselves",
            redirect(&own.replace("https", "http")),
            "not-allowed",
        ),
        (
            "a redirect to a cloud's metadata",
            redirect("http://169.254.169.254/latest"),
            "not-allowed",
        ),
        (
            "a redirect to a file",
            redirect("file:///etc/passwd"),
            "redirect",
        ),
        ("a redirect in a circle", redirect("/root.crl"), "redirect"),
        (
            "a redirect to nowhere",
            raw("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"),
            "redirect",
        ),
        (
            "another issuer",
            Answer::Document(other.into(), None),
            "wrong-issuer",
        ),
        (
            "another key",
            Answer::Document(twin.into(), None),
            "bad-signature",
        ),
        (
            "an older edition",
            Answer::Document(list(4, 24, &[]).into(), None),
            "older",
        ),
    ];
    for (what, answer, code) in cases {
        web.does("/root.crl", answer);
        let state = house.fetch("root");
        assert_eq!(state["state"], code, "{what}: {state}");
        assert_eq!(state["failing"], true, "{what}");
        assert_eq!(state["lists"][0]["number"], "5", "{what}: {state}");
        assert_eq!(house.numbers(), ["5"], "{what}");
        steady();
    }
    web.gives("/root.crl", &list(6, -1, &[]));
    assert_eq!(house.fetch("root")["state"], "stale");
    house.is_revoked(&bad);
    house.is_served(&good);
    let status = house.server.json("status");
    assert_eq!(status["revision"], before, "nothing of it was a change");
    assert_eq!(status["crls"]["failing"], 1);
    assert_eq!(status["crls"]["sources"], 2);
    // What is good again counts again.
    let third = house.person("third");
    web.gives("/root.crl", &list(7, 24, &[&bad, &third]));
    house.is_served(&third);
    assert_eq!(house.fetch("root")["state"], "taken-in");
    house.is_revoked(&third);
    assert_eq!(house.numbers(), ["7"]);
    // A redirect that leads somewhere is followed.
    web.does("/moved.crl", redirect("/root.crl"));
    house.approve("moved", &web.url("/moved.crl"));
    assert_eq!(house.fetch("moved")["state"], "unchanged");
}

/// A chunk of 4,096 bytes.
static ENDLESS: std::sync::LazyLock<String> =
    std::sync::LazyLock::new(|| format!("1000\r\n{}\r\n", "x".repeat(4_096)));

#[test]
fn a_fetched_list_cuts_whom_it_revokes_and_unchanged_ones_are_no_change() {
    let (house, web) = (house(patient), Misbehaving::start());
    let (good, bad) = (house.person("good"), house.person("bad"));
    let answer = |number, revoked: &[&Person], etag| {
        Answer::Document(
            crl(&house.ca, number, 240, revoked).into_bytes(),
            Some(etag),
        )
    };
    web.does("/root.crl", answer(1, &[], "\"a\""));
    house.approve("root", &web.url("/root.crl"));
    wait::until("the list to be fetched", 10, || house.numbers() == ["1"]);
    let mut theirs = Open::new(&house, OWN, TLS, &bad);
    let mut ours = Open::new(&house, OWN, TLS, &good);
    let audit = || {
        house.server.json("audit --realm acme")["records"]
            .as_array()
            .unwrap()
            .len()
    };
    let before = audit();
    assert_eq!(house.fetch("root")["state"], "unchanged");
    assert_eq!(audit(), before);
    // The same ETag for another content: whoever asks at once asks without a condition.
    web.does("/root.crl", answer(2, &[&bad], "\"a\""));
    assert_eq!(house.fetch("root")["state"], "taken-in");
    wait::until("the revoked client to be cut", 2, || theirs.is_cut());
    assert!(!ours.is_cut());
    ours.is_served();
    assert_eq!(audit(), before + 1);
    let record = house.server.json("audit --realm acme")["records"][0].clone();
    assert_eq!(
        (&record["actor"], &record["action"]),
        (&"crl-refresh".into(), &"crl.save".into())
    );
    assert!(web.asked().iter().all(|head| {
        head.to_ascii_lowercase()
            .contains("accept-encoding: identity")
    }));
}

/// A server that asks its sources and looks at its folder all the time.
fn eager(directory: &Path) -> String {
    format!(
        "outgoing_networks_allowed = [\"127.0.0.1/32\"]\ncrl_fetch_stall_ms = 400\ncrl_refresh_ms = 200\n\
         crl_dir = {:?}\ncrl_dir_poll_ms = 100\n",
        directory.join("lists")
    )
}

#[test]
fn sources_are_asked_by_themselves_with_conditions_and_again_after_a_restart() {
    let (mut house, web) = (house(eager), Misbehaving::start());
    let bad = house.person("bad");
    let first = crl(&house.ca, 1, 24 * 30, &[]).into_bytes();
    web.does("/root.crl", Answer::Document(first, Some("\"a\"")));
    // It hangs for ever, and delays nobody.
    web.does("/hangs.crl", Answer::Silence(Vec::new()));
    for number in 0..6 {
        house.approve(&format!("hangs-{number}"), &web.url("/hangs.crl"));
    }
    house.approve("root", &web.url("/root.crl"));
    wait::until("the condition to be asked", 20, || {
        house.source("root")["state"] == "not-modified"
    });
    let second = crl(&house.ca, 2, 24 * 30, &[&bad]).into_bytes();
    web.does("/root.crl", Answer::Document(second, Some("\"b\"")));
    wait::until("the next edition to be there", 20, || {
        house.numbers() == ["2"]
    });
    house.is_revoked(&bad);
    house.server.stop();
    let third = crl(&house.ca, 3, 24 * 30, &[&bad]).into_bytes();
    web.does("/root.crl", Answer::Document(third, None));
    house.server.start_again();
    wait::until("the sources to be asked after a restart", 20, || {
        house.numbers() == ["3"]
    });
    house
        .server
        .line(&format!("crl source remove root {PLACE} --yes"));
    assert_eq!(house.source("root"), Value::Null);
    house.is_revoked(&bad);
}

#[test]
fn lists_that_are_dropped_into_the_folder_are_taken_in() {
    let house = house(eager);
    let bad = house.person("bad");
    let folder = house.server.path("lists/acme/prod");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::create_dir_all(house.server.path("lists/nobody/prod")).unwrap();
    let list = |number, revoked: &[&Person]| crl(&house.ca, number, 24, revoked);
    let drop_in = |name: &str, content: &str| std::fs::write(folder.join(name), content).unwrap();
    let state = |name: &str| house.source(name)["state"].clone();
    drop_in("root.pem", &list(1, &[]));
    wait::until("the list to be taken in", 10, || house.numbers() == ["1"]);
    // Half of a list, as if it were being written, and then the rest of it.
    let second = list(2, &[&bad]);
    drop_in("root.pem", &second[..second.len() / 2]);
    wait::until("half a list to be told", 10, || {
        state("root.pem") == "not-a-list"
    });
    assert_eq!(house.numbers(), ["1"]);
    drop_in("root.pem", &second);
    wait::until("the whole list to be taken in", 10, || {
        house.numbers() == ["2"]
    });
    house.is_revoked(&bad);
    // What cannot be is told, and changes nothing.
    drop_in("older.crl", &list(1, &[]));
    drop_in("foreign.crl", &crl(&ca("Other CA"), 1, 24, &[]));
    drop_in("note.txt", "hello");
    let outside = house.server.write("outside.crl", list(9, &[]));
    std::os::unix::fs::symlink(outside, folder.join("outside.crl")).unwrap();
    std::fs::create_dir(folder.join("directory.crl")).unwrap();
    wait::until("all of it to be told", 10, || {
        state("older.crl") == "older" && state("foreign.crl") == "wrong-issuer"
    });
    for name in ["outside.crl", "directory.crl", "note.txt"] {
        assert_eq!(house.source(name), Value::Null, "{name}");
    }
    assert_eq!(house.numbers(), ["2"]);
    // A link inside of the folder is followed, as those of mounted volumes are.
    let data = house.server.path("lists/acme/prod/..data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("root.crl"), list(3, &[&bad])).unwrap();
    std::os::unix::fs::symlink(data.join("root.crl"), folder.join("linked.crl")).unwrap();
    wait::until("the linked list to be taken in", 10, || {
        house.numbers() == ["3"]
    });
    std::fs::remove_file(folder.join("older.crl")).unwrap();
    wait::until("the file to be forgotten", 10, || {
        state("older.crl").is_null()
    });
    let log = house.server.log();
    assert_eq!(log.matches("no realm has the name").count(), 1, "{log}");
}

#[test]
fn a_proxy_is_asked_for_everything_and_stands_where_it_likes() {
    let proxy = Misbehaving::start();
    let settings = format!("crl_proxy = \"http://{}\"\n", proxy.address);
    let house = house(move |_| settings);
    let bad = house.person("bad");
    let url = "http://pki.example/root.crl";
    proxy.gives(url, &crl(&house.ca, 1, 24, &[&bad]));
    house.approve("root", url);
    wait::until("the list to come through the proxy", 10, || {
        house.numbers() == ["1"]
    });
    house.is_revoked(&bad);
    house.approve("secure", "https://pki.example/root.crl");
    let state = house.fetch("secure");
    assert_eq!(state["state"], "proxy", "{state}");
    let asked = proxy.asked();
    assert!(
        asked
            .iter()
            .any(|head| head.starts_with("CONNECT pki.example:443 HTTP/1.1\r\n")),
        "{asked:?}"
    );
    house.approve("loopback", "http://127.0.0.1:1/root.crl");
    assert_eq!(house.fetch("loopback")["state"], "not-allowed");
}

#[test]
fn the_coverage_tells_who_has_which_list_from_where_and_what_is_missing() {
    let (house, web) = (house(patient), Misbehaving::start());
    let coverage = || house.server.json(&format!("crl coverage {PLACE}"));
    let told = coverage();
    assert_eq!(told["issuers"][0]["state"], "missing");
    let missing = told["warnings"][0].as_str().unwrap();
    assert!(
        missing.contains("no list of CN=Acme CA although revocation is 'leaf'"),
        "{missing}"
    );
    web.gives("/root.crl", &crl(&house.ca, 1, 240, &[]));
    house.approve("root", &web.url("/root.crl"));
    wait::until("the list to be fetched", 10, || house.numbers() == ["1"]);
    wait::until("the coverage to tell of it", 10, || {
        coverage()["issuers"][0]["lists"][0]["sources"][0] == "root"
    });
    let told = coverage();
    let issuer = &told["issuers"][0];
    assert_eq!(
        (&issuer["state"], &issuer["kind"]),
        (&"covered".into(), &"anchor".into())
    );
    assert_eq!(told["warnings"], serde_json::json!([]));
    // It ends within a day.
    web.gives("/root.crl", &crl(&house.ca, 2, 12, &[]));
    assert_eq!(house.fetch("root")["state"], "taken-in");
    let told = coverage();
    assert_eq!(told["issuers"][0]["state"], "ends-soon");
    assert_eq!(told["warnings"].as_array().unwrap().len(), 1);
    wait::until("the status to warn", 10, || {
        house.server.json("status")["crls"]["warnings"] == 1
    });
    let text = house.server.line(&format!("crl coverage {PLACE}"));
    assert!(
        text.contains("ends-soon") && text.contains("Warning: "),
        "{text}"
    );
}

#[test]
fn only_operators_approve_sources_and_a_manifest_of_a_realm_admin_may_repeat_them() {
    let house = house(patient);
    let token = house.server.path("admin.token").display().to_string();
    house.server.line(&format!(
        "token create admin --role realm-admin --realm acme --out {token}"
    ));
    let manifest = |url: &str| {
        let text = format!(
            "[[realm]]\nname = \"acme\"\n[[realm.trust]]\nenvironment = \"prod\"\n\
             crl-source = [{{ name = \"root\", url = \"{url}\" }}]\n"
        );
        house.server.write("sources.toml", text)
    };
    let file = manifest("http://127.0.0.1:1/root.crl");
    let told = house
        .server
        .refused(&format!("apply {file} --yes --token-file {token}"));
    assert!(told.contains("which only operators do"), "{told}");
    house.server.line(&format!("apply {file} --yes"));
    assert_eq!(house.source("root")["url"], "http://127.0.0.1:1/root.crl");
    house
        .server
        .line(&format!("apply {file} --yes --token-file {token}"));
    let file = manifest("http://127.0.0.1:2/root.crl");
    house
        .server
        .refused(&format!("apply {file} --yes --token-file {token}"));
    let add = "crl source add other --url http://127.0.0.1:1/";
    let told = house
        .server
        .refused(&format!("{add} {PLACE} --token-file {token}"));
    assert!(told.contains("which only operators do"), "{told}");
    house.server.line(&format!(
        "crl source remove root {PLACE} --yes --token-file {token}"
    ));
    for url in ["http://user:secret@127.0.0.1/", "ldap://127.0.0.1/"] {
        let output = house.server.cli(&[
            "crl",
            "source",
            "add",
            "x",
            "--url",
            url,
            "--realm",
            "acme",
            "--environment",
            "prod",
        ]);
        assert!(!output.status.success(), "{url}");
    }
}
