//! What is measured, and what is to be reached.

use serde::{Deserialize, Serialize};

/// A row of the table.
#[derive(Debug)]
pub struct Load {
    /// Its name on the command line.
    pub name: &'static str,
    /// What is done, in words.
    pub what: &'static str,
    /// What clients do.
    pub work: Work,
    /// How many connections at once.
    pub connections: usize,
    /// What is to be reached.
    pub goals: &'static [Goal],
}

/// What one connection does, again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Work {
    /// Connects, calls once and closes. Offers the hybrid key exchange, or resumes sessions.
    Handshake { hybrid: bool, resumes: bool },
    /// Small calls on one connection.
    Http1,
    /// Small calls, so many at once on one connection.
    Http2 { streams: usize },
    /// Answers of so many bytes.
    Download { bytes: u64 },
    /// Requests of so many bytes.
    Upload { bytes: u64 },
    /// One small call, and then nothing.
    Idle,
    /// Once: what the upstream was asked, or the refusal of a client without a certificate.
    Ask { has_certificate: bool },
}

/// An upper bound.
#[derive(Debug)]
pub struct Goal {
    /// The peer whose figure the bound is a part of; `None` where it is a figure by itself.
    pub peer: Option<&'static str>,
    /// The bound.
    pub at_most: f64,
}

const fn of(peer: &'static str, at_most: f64) -> Goal {
    Goal {
        peer: Some(peer),
        at_most,
    }
}

const fn alone(at_most: f64) -> Goal {
    Goal {
        peer: None,
        at_most,
    }
}

const MIB: u64 = 1 << 20;

/// All rows, in the table's order.
pub const LOADS: &[Load] = &[
    Load {
        name: "handshake",
        what: "full mTLS handshake + GET + close, X25519",
        work: Work::Handshake {
            hybrid: false,
            resumes: false,
        },
        connections: 12,
        goals: &[of("nginx", 0.25), of("nginx36", 0.42)],
    },
    Load {
        name: "hybrid",
        what: "the same, X25519MLKEM768 offered",
        work: Work::Handshake {
            hybrid: true,
            resumes: false,
        },
        connections: 12,
        goals: &[of("nginx36", 0.45)],
    },
    Load {
        name: "resumed",
        what: "resumed handshake + GET + close",
        work: Work::Handshake {
            hybrid: false,
            resumes: true,
        },
        connections: 12,
        goals: &[of("nginx", 0.20), of("nginx36", 0.40)],
    },
    Load {
        name: "h1",
        what: "keep-alive GET 256 B, HTTP/1.1, 48 connections",
        work: Work::Http1,
        connections: 48,
        goals: &[of("nginx", 0.65), of("haproxy", 0.80)],
    },
    Load {
        name: "h2",
        what: "GET 256 B, HTTP/2, 4 connections × 16 streams",
        work: Work::Http2 { streams: 16 },
        connections: 4,
        goals: &[of("haproxy", 1.0)],
    },
    Load {
        name: "download-1m",
        what: "download 1 MiB × 8",
        work: Work::Download { bytes: MIB },
        connections: 8,
        goals: &[of("nginx", 0.60), of("nginx36", 0.85)],
    },
    Load {
        name: "download-100m",
        what: "download 100 MiB × 2",
        work: Work::Download { bytes: 100 * MIB },
        connections: 2,
        goals: &[of("nginx", 0.60), of("nginx36", 0.85)],
    },
    Load {
        name: "upload-1m",
        what: "upload 1 MiB × 8",
        work: Work::Upload { bytes: MIB },
        connections: 8,
        goals: &[of("nginx", 0.65), of("nginx36", 0.80)],
    },
    Load {
        name: "upload-100m",
        what: "upload 100 MiB × 2",
        work: Work::Upload { bytes: 100 * MIB },
        connections: 2,
        goals: &[of("nginx", 0.65), of("nginx36", 0.80)],
    },
    Load {
        name: "idle-2000",
        what: "memory per idle connection after one GET, of 2,000",
        work: Work::Idle,
        connections: 2_000,
        goals: &[alone(12.0)],
    },
    Load {
        name: "idle-5000",
        what: "memory per idle connection after one GET, of 5,000",
        work: Work::Idle,
        connections: 5_000,
        goals: &[alone(12.0)],
    },
];

impl Load {
    /// The unit of its figures.
    pub const fn unit(&self) -> &'static str {
        match self.work {
            Work::Download { .. } | Work::Upload { .. } => "s/GB",
            Work::Idle => "KiB",
            Work::Handshake { .. } | Work::Http1 | Work::Http2 { .. } | Work::Ask { .. } => "µs",
        }
    }

    /// Whether a word of the command line means it: its name, or the part before the `-`.
    pub fn is_meant_by(&self, word: &str) -> bool {
        let family = self.name.split('-').next();
        self.name == word || family == Some(word)
    }
}
