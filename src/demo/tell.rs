//! What the demo says of itself.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::demo::ready::{Ready, ReadyClient, ReadyEnvironment};

/// What is told beside the ready file's facts.
#[derive(Clone, Debug)]
pub struct Around<'a> {
    /// The demo's directory.
    pub directory: &'a Path,
    /// The server's data directory.
    pub data_dir: &'a Path,
    /// How this program is called.
    pub program: &'a Path,
    /// Whether an earlier demo left something in the directory.
    pub seen: Seen,
}

/// Whether an earlier demo left something in the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Everything was made just now.
    New,
    /// What was there serves.
    Before,
}

/// The account: what was made, a call that works, one that is refused, and where to look.
pub fn account(ready: &Ready, around: &Around<'_>) -> String {
    let mut out = String::new();
    let Some(prod) = ready
        .realms
        .first()
        .and_then(|realm| realm.environments.get("prod"))
    else {
        return out;
    };
    let made = match around.seen {
        Seen::New => "made up just now",
        Seen::Before => "as an earlier run left it",
    };
    let _ = writeln!(
        out,
        "realmgate demo, {made}, in {}\n",
        around.directory.display()
    );
    let state = match around.seen {
        Seen::New => "installed in prod and test, and",
        Seen::Before => "installed unless you removed it since, and",
    };
    let _ = writeln!(
        out,
        "  Two realms, acme and globex. Each has a CA of its own, an account ({}) with its root",
        prod.account
    );
    let _ = writeln!(
        out,
        "  certificate, {state} three pipelines: hello (a mock), echo, and"
    );
    let _ = writeln!(out, "  orders (passed on to a small HTTP service).\n");
    for (gateway, listener) in &ready.gateways {
        let _ = writeln!(out, "  {gateway:<9} https://{}", listener.addr);
    }
    let _ = writeln!(out, "  {:<9} {}\n", "admin", ready.admin.url);
    calls(&mut out, ready, prod, around.seen);
    looks(&mut out, around);
    out
}

fn calls(out: &mut String, ready: &Ready, prod: &ReadyEnvironment, seen: Seen) {
    let Some(hello) = prod
        .pipelines
        .iter()
        .find(|pipeline| pipeline.name == "hello")
    else {
        return;
    };
    let client = |name: &str| prod.clients.iter().find(|client| client.name == name);
    let ca = quoted(&ready.server_ca);
    if let Some(good) = client("client-1") {
        let works = match seen {
            Seen::New => "A call that works",
            Seen::Before => "A call that works while acme's CA is installed and hello deployed",
        };
        let _ = writeln!(
            out,
            "{works}: a client of acme, at acme's own host. Expect its name in the answer.\n"
        );
        let _ = writeln!(
            out,
            "  curl --cacert {ca} {} \\\n    {}\n",
            by(good),
            hello.mtls_url
        );
    }
    let _ = writeln!(
        out,
        "A call that is refused: the same without a certificate. Expect the alert 'certificate required'.\n"
    );
    let _ = writeln!(out, "  curl --cacert {ca} \\\n    {}\n", hello.mtls_url);
    if let Some(expired) = client("expired") {
        let _ = writeln!(
            out,
            "Another one: a certificate that has ended. Expect the alert 'certificate expired'.\n"
        );
        let _ = writeln!(
            out,
            "  curl --cacert {ca} {} \\\n    {}\n",
            by(expired),
            hello.mtls_url
        );
    }
    if let Some(url) = &hello.external_url {
        let _ = writeln!(
            out,
            "Regular TLS, without a client certificate, for the one pipeline that is published there too:\n"
        );
        let _ = writeln!(out, "  curl --cacert {ca} {url}\n");
    }
    let _ = writeln!(
        out,
        "curl resolves names under .localhost by itself. Where a client does not, see the endpoint sheet below.\n"
    );
}

fn looks(out: &mut String, around: &Around<'_>) {
    let program = quoted(around.program);
    let data_dir = quoted(around.data_dir);
    let _ = writeln!(
        out,
        "Why a client was refused; how to call from other languages; what is installed:\n"
    );
    for command in [
        "refusals --realm acme",
        "endpoint show --realm acme --environment prod",
        "installation list --realm acme",
    ] {
        let _ = writeln!(out, "  {program} {command} --data-dir {data_dir}");
    }
    let _ = writeln!(out, "\nIt serves until Ctrl-C.");
}

fn by(client: &ReadyClient) -> String {
    format!(
        "--cert {} --key {}",
        quoted(&client.chain),
        quoted(&client.key)
    )
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'-' | b'_');
    if text.bytes().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// How this program was called: by its path from the working directory where that is short, else by its name.
pub fn program() -> PathBuf {
    let name = PathBuf::from("realmgate");
    let (Ok(program), Ok(here)) = (std::env::current_exe(), std::env::current_dir()) else {
        return name;
    };
    match program.strip_prefix(&here) {
        Ok(inside) => inside.to_owned(),
        Err(_) => program,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_survive_a_shell() {
        for (path, expect) in [
            ("/tmp/demo-1", "/tmp/demo-1"),
            ("/my files/x", "'/my files/x'"),
            ("/it's", "'/it'\\''s'"),
        ] {
            assert_eq!(quoted(Path::new(path)), expect);
        }
    }
}
