//! Waiting for conditions, with a deadline.

use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

/// Asks `condition` again and again until it holds.
///
/// # Panics
/// Where it does not hold within `seconds`; `what` says what was waited for.
pub fn until(what: &str, seconds: u64, mut condition: impl FnMut() -> bool) {
    let tries = seconds * 50;
    for _ in 0..tries {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("waited {seconds} s in vain: {what}");
}

/// Starts a server that will write the file `ready`, its standard error going to the file `said`, and waits for the
/// one.
///
/// # Panics
/// Where it ends instead, with what it said, or is not ready in 30 seconds.
pub fn started(server: &mut Command, ready: &Path, said: &Path) -> Child {
    // An earlier start's file would be taken for this one's until the server removes it.
    let _ = std::fs::remove_file(ready);
    let mut child = server
        .stderr(std::fs::File::create(said).unwrap())
        .spawn()
        .unwrap();
    until("the server to be ready", 30, || {
        let ended = child.try_wait().unwrap();
        assert!(
            ended.is_none(),
            "{}",
            std::fs::read_to_string(said).unwrap()
        );
        ready.exists()
    });
    child
}
