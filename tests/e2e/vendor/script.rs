//! What the vendor is told to do wrong: which requests, from the how-manieth on, how often, and what it answers.

use std::sync::Arc;
use std::sync::OnceLock;

use tokio::sync::Semaphore;

use super::Op;

/// Which requests get a scripted answer.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// The operation.
    pub(super) op: Op,
    /// The org; any if there is none.
    pub(super) org: Option<String>,
    /// The first call that it is for, from 1, counted per operation and org.
    pub(super) from: usize,
    /// For how many calls.
    pub(super) times: usize,
    /// What is answered.
    pub(super) answer: Answer,
}

impl Rule {
    /// Every call of this operation.
    pub(crate) fn every(op: Op, answer: Answer) -> Self {
        Self { op, org: None, from: 1, times: usize::MAX, answer }
    }

    /// Only for this org.
    pub(crate) fn of(mut self, org: &str) -> Self {
        self.org = Some(org.to_owned());
        self
    }

    /// Only from the n-th call on, from 1.
    pub(crate) fn from(mut self, nth: usize) -> Self {
        self.from = nth;
        self
    }

    /// Only so often.
    pub(crate) fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }
}

/// What is done with a request.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// Whether an update is carried out first.
    pub(super) applies: bool,
    /// How the vendor answers.
    pub(super) manner: Manner,
}

/// How the vendor answers.
#[derive(Debug, Clone)]
pub(super) enum Manner {
    /// As it should, once the gate is open.
    Well(Option<Gate>),
    /// With these bytes and nothing after them; then the connection goes on, or is closed.
    Bytes { bytes: Vec<u8>, closes: bool },
    /// The head of a reply, then a byte every now and then, without end.
    Drip,
    /// Not at all, until the client goes.
    Hang,
    /// The connection is reset.
    Reset,
    /// The connection is closed in order.
    Close,
}

impl Answer {
    fn new(manner: Manner) -> Self {
        Self { applies: false, manner }
    }

    /// The update is carried out, whatever the answer says.
    pub(crate) fn applied(mut self) -> Self {
        self.applies = true;
        self
    }

    /// A whole reply.
    pub(crate) fn status(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let bytes = reply(status, headers, "application/json", body.as_bytes());
        Self::new(Manner::Bytes { bytes, closes: false })
    }

    /// A 200 with this body.
    pub(crate) fn ok(body: &str) -> Self {
        Self::status(200, &[], body)
    }

    /// Too many requests, as the vendor words it; `wait` is the Retry-After, as often as given.
    pub(crate) fn throttled(wait: &[&str]) -> Self {
        let headers: Vec<_> = wait.iter().map(|value| ("Retry-After", *value)).collect();
        let bytes = reply(429, &headers, "text/plain", b"Too many api requests. Enhance your calm.");
        Self::new(Manner::Bytes { bytes, closes: false })
    }

    /// A 200 whose body ends before its length is reached.
    pub(crate) fn truncated() -> Self {
        let bytes = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 400\r\n\r\n{\"error\":false,".to_vec();
        Self::new(Manner::Bytes { bytes, closes: true })
    }

    /// A 200 whose length is less than its body: the rest would be taken for the next reply.
    pub(crate) fn overlong() -> Self {
        let bytes = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{\"error\":false,\"errorMsg\":null}".to_vec();
        Self::new(Manner::Bytes { bytes, closes: false })
    }

    /// What isn't HTTP.
    pub(crate) fn garbage() -> Self {
        Self::new(Manner::Bytes { bytes: b"SSH-2.0-OpenSSH_9.6\r\n".to_vec(), closes: true })
    }

    /// A small body that unfolds to 256 MB.
    pub(crate) fn bomb() -> Self {
        static BOMB: OnceLock<Vec<u8>> = OnceLock::new();
        let bytes = BOMB.get_or_init(|| {
            use std::io::Write as _;
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(b"{\"orgIntegrationV2\":null,\"errorMsg\":\"").unwrap();
            let block = vec![b'A'; 1 << 20];
            (0..256).for_each(|_| encoder.write_all(&block).unwrap());
            encoder.write_all(b"\"}").unwrap();
            let body = encoder.finish().unwrap();
            reply(200, &[("content-encoding", "gzip")], "application/json", &body)
        });
        Self::new(Manner::Bytes { bytes: bytes.clone(), closes: true })
    }

    /// Head and body that never end.
    pub(crate) fn drip() -> Self {
        Self::new(Manner::Drip)
    }

    /// No answer.
    pub(crate) fn hang() -> Self {
        Self::new(Manner::Hang)
    }

    /// A reset connection.
    pub(crate) fn reset() -> Self {
        Self::new(Manner::Reset)
    }

    /// A closed connection.
    pub(crate) fn close() -> Self {
        Self::new(Manner::Close)
    }

    /// As it should be, once the gate is open.
    pub(crate) fn behind(gate: &Gate) -> Self {
        Self::new(Manner::Well(Some(gate.clone()))).applied()
    }
}

/// Holds answers back until it is opened.
#[derive(Debug, Clone)]
pub(crate) struct Gate(Arc<Semaphore>);

impl Gate {
    /// A closed one.
    pub(crate) fn closed() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Lets everything through from now on.
    pub(crate) fn open(&self) {
        self.0.close();
    }

    pub(super) async fn pass(&self) {
        // An error says that it was closed as a semaphore, which is how it opens as a gate.
        let _ = self.0.acquire().await;
    }
}

/// A whole reply as bytes.
pub(super) fn reply(status: u16, headers: &[(&str, &str)], kind: &str, body: &[u8]) -> Vec<u8> {
    let mut head =
        format!("HTTP/1.1 {status} Whatever\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    [head.as_bytes(), b"\r\n", body].concat()
}
