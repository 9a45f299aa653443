//! What a connection is doing: shared by its socket, its driver and its requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Stopwatch;

/// Times are milliseconds since the connection began; 0 stands for "not now".
#[derive(Debug)]
pub struct Activity {
    began: Stopwatch,
    quiet_since: AtomicU64,
    head_since: AtomicU64,
    head_bytes: AtomicU32,
    blocked_since: AtomicU64,
    requests: AtomicU32,
    /// Whether all that HTTP wrote is sent.
    flushed: AtomicBool,
    /// Whether HTTP waits for the client to say something.
    listens: AtomicBool,
    /// Whether HTTP has ended.
    closes: AtomicBool,
    /// Whether HTTP has given back what it held.
    rests: AtomicBool,
    /// Whether the last request's body was not read to its end when its answer was over.
    left_body: AtomicBool,
}

/// The next moment at which a connection has waited too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// A request is being served: the exchange watches its own deadlines.
    Serving,
    /// No request is being served since so long.
    Idle(Duration),
    /// Bytes came while no request is being served: in HTTP/1.1 a request's head that is not complete.
    Head {
        /// Since the first of them.
        head: Duration,
        /// Since the last request ended.
        idle: Duration,
    },
    /// The client does not read what is written since so long.
    Blocked(Duration),
}

impl Activity {
    /// Begins now.
    pub fn new() -> Self {
        Self {
            began: Stopwatch::start(),
            quiet_since: AtomicU64::new(0),
            head_since: AtomicU64::new(0),
            head_bytes: AtomicU32::new(0),
            blocked_since: AtomicU64::new(0),
            requests: AtomicU32::new(0),
            flushed: AtomicBool::new(false),
            listens: AtomicBool::new(false),
            closes: AtomicBool::new(false),
            rests: AtomicBool::new(false),
            left_body: AtomicBool::new(false),
        }
    }

    /// The socket gave `bytes`.
    pub fn read(&self, bytes: usize) {
        if self.requests.load(Ordering::Relaxed) == 0 {
            let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
            let before = self.head_bytes.fetch_add(bytes, Ordering::Relaxed);
            if before == 0 {
                self.head_since.store(self.now(), Ordering::Relaxed);
            }
        }
    }

    /// The handshake's bytes are no request's head.
    pub fn handshake_done(&self) {
        self.quiet_since.store(self.now(), Ordering::Relaxed);
        self.head_done();
    }

    fn head_done(&self) {
        self.head_bytes.store(0, Ordering::Relaxed);
        self.head_since.store(0, Ordering::Relaxed);
    }

    /// The socket took all that was written, or did not.
    pub fn wrote(&self, blocked: bool) {
        if !blocked {
            if self.blocked_since.load(Ordering::Relaxed) != 0 {
                self.blocked_since.store(0, Ordering::Relaxed);
            }
        } else if self.blocked_since.load(Ordering::Relaxed) == 0 {
            self.blocked_since.store(self.now(), Ordering::Relaxed);
        }
    }

    /// A request's head is complete; it is being served until the answer is dropped.
    pub fn request(self: &Arc<Self>) -> Serving {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.left_body.store(false, Ordering::Relaxed);
        self.head_done();
        Serving(Arc::clone(self))
    }

    /// HTTP waits for the client to say something, or has just heard from it.
    pub fn listens(&self, listens: bool) {
        self.listens.store(listens, Ordering::Relaxed);
    }

    /// All that HTTP wrote is sent, or is not.
    pub fn flushed(&self, flushed: bool) {
        self.flushed.store(flushed, Ordering::Relaxed);
    }

    /// HTTP has given back what it held, or has taken it again.
    pub fn rests(&self, rests: bool) {
        self.rests.store(rests, Ordering::Relaxed);
        // Of what HTTP makes anew nothing is known yet.
        self.listens.store(false, Ordering::Relaxed);
        self.flushed.store(false, Ordering::Relaxed);
    }

    /// Whether HTTP has given back what it held.
    pub fn is_resting(&self) -> bool {
        self.rests.load(Ordering::Relaxed)
    }

    /// HTTP closes the connection.
    pub fn closes(&self) {
        self.closes.store(true, Ordering::Relaxed);
    }

    /// Whether an HTTP/1.1 connection on which no request is being served is between two of them: nothing of the last
    /// one is on its way any more, in either direction. At most a part of the next head has been read.
    pub fn may_rest(&self) -> bool {
        let is = |fact: &AtomicBool| fact.load(Ordering::Relaxed);
        !self.is_serving()
            && is(&self.flushed)
            && is(&self.listens)
            && !is(&self.closes)
            && !is(&self.left_body)
    }

    /// How many bytes came since the last request ended, or since the handshake.
    pub fn head_bytes(&self) -> u32 {
        self.head_bytes.load(Ordering::Relaxed)
    }

    /// Whether a request is being served.
    pub fn is_serving(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > 0
    }

    /// What the connection waits for, and since when.
    pub fn waiting(&self) -> Waiting {
        let now = self.now();
        let since = |moment: u64| Duration::from_millis(now.saturating_sub(moment));
        let blocked = self.blocked_since.load(Ordering::Relaxed);
        if blocked != 0 {
            return Waiting::Blocked(since(blocked));
        }
        if self.is_serving() {
            return Waiting::Serving;
        }
        let idle = since(self.quiet_since.load(Ordering::Relaxed));
        match self.head_since.load(Ordering::Relaxed) {
            0 => Waiting::Idle(idle),
            head => Waiting::Head {
                head: since(head),
                idle,
            },
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis())
            .unwrap_or(u64::MAX)
            .saturating_add(1)
    }
}

impl Default for Activity {
    fn default() -> Self {
        Self::new()
    }
}

/// A request that is being served, until this is dropped.
#[derive(Debug)]
pub struct Serving(Arc<Activity>);

impl Serving {
    /// Its answer is over, and the rest of its body is still to come.
    pub fn leaves_its_body(&self) {
        self.0.left_body.store(true, Ordering::Relaxed);
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.quiet_since.store(self.0.now(), Ordering::Relaxed);
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}
