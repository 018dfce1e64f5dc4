//! Replies that no HTTP library would send: written byte by byte onto the socket, and ended as no server should.

use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::fault::{Act, Fault};
use crate::reply::HttpReply;

/// What is written to a connection, and how it ends. After that the connection is gone.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    steps: Vec<Step>,
    end: End,
}

#[derive(Debug, Clone)]
enum Step {
    Send(Bytes),
    /// The same bytes, this many times: large bodies without large memory.
    Repeat(Bytes, u64),
    /// Byte by byte.
    Drip(Bytes, Duration),
}

#[derive(Debug, Clone, Copy)]
enum End {
    Close,
    Reset,
    /// Until the caller gives up.
    Hang,
}

/// How long a closed connection is still read from, so that the caller sees an end and not a reset.
const LINGER: Duration = Duration::from_secs(2);

impl Wire {
    /// The bytes that a fault makes of a reply; `None` where it leaves a reply well-formed.
    pub(crate) fn of(fault: &Fault, reply: &HttpReply) -> Option<Self> {
        let length = reply.body.len();
        let whole = || Bytes::from(head(reply, &format!("content-length: {length}\r\n")));
        let body = reply.body.clone();
        let every = fault.every.map_or(Duration::from_millis(100), |every| every.0.get());
        let size = fault.size.map_or(1 << 30, |size| size.0.0);
        let (steps, end) = match fault.act {
            Act::Truncate => {
                let cut = fault.at.map_or(length / 2, |at| at.0).min(length);
                (vec![Step::Send(whole()), Step::Send(body.slice(..cut))], End::Close)
            }
            Act::TooLong => (sized(reply, length + 10), End::Close),
            Act::TooShort => (sized(reply, length.saturating_sub(10)), End::Close),
            Act::DripHeaders => (vec![Step::Drip(whole(), every), Step::Send(body)], End::Close),
            Act::DripBody => (vec![Step::Send(whole()), Step::Drip(body, every)], End::Close),
            Act::GzipBomb => (gzip_bomb(reply, size), End::Close),
            Act::Huge => (huge(reply, size), End::Close),
            Act::Garbage => (vec![Step::Send(Bytes::from_static(b"SSH-2.0-OpenSSH_9.6\r\n"))], End::Close),
            Act::Reset => (Vec::new(), End::Reset),
            Act::Close | Act::Drop => (Vec::new(), End::Close),
            Act::Hang => (Vec::new(), End::Hang),
            _ => return None,
        };
        Some(Self { steps, end })
    }

    /// Whether a status line goes out at all.
    pub(crate) fn has_status(&self) -> bool {
        !self.steps.is_empty()
    }

    /// Writes it out and ends the connection. A caller that hangs up ends it earlier.
    pub(crate) async fn play(self, mut stream: TcpStream) {
        for step in self.steps {
            let written = match step {
                Step::Send(bytes) => stream.write_all(&bytes).await,
                Step::Repeat(bytes, times) => repeat(&mut stream, &bytes, times).await,
                Step::Drip(bytes, every) => drip(&mut stream, &bytes, every).await,
            };
            if written.is_err() {
                return;
            }
        }
        match self.end {
            End::Reset => {
                // With lingering off and a time of zero, closing sends RST. On failure the close is an ordinary one.
                let _ = stream.set_zero_linger();
            }
            End::Close => {
                let _ = stream.shutdown().await;
                let _ = timeout(LINGER, discard(&mut stream)).await;
            }
            End::Hang => discard(&mut stream).await,
        }
    }
}

async fn repeat(stream: &mut TcpStream, bytes: &[u8], times: u64) -> std::io::Result<()> {
    for _ in 0..times {
        stream.write_all(bytes).await?;
    }
    Ok(())
}

async fn drip(stream: &mut TcpStream, bytes: &[u8], every: Duration) -> std::io::Result<()> {
    for byte in bytes {
        stream.write_all(std::slice::from_ref(byte)).await?;
        sleep(every).await;
    }
    Ok(())
}

/// Reads until the other side is done.
async fn discard(stream: &mut TcpStream) {
    let mut buffer = [0; 4096];
    while matches!(stream.read(&mut buffer).await, Ok(read) if read > 0) {}
}

fn head(reply: &HttpReply, more: &str) -> String {
    let reason = hyper::StatusCode::from_u16(reply.status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Unknown");
    format!("HTTP/1.1 {} {reason}\r\ncontent-type: {}\r\n{more}\r\n", reply.status, reply.content_type)
}

/// The reply under a length that isn't its own.
fn sized(reply: &HttpReply, length: usize) -> Vec<Step> {
    let head = head(reply, &format!("content-length: {length}\r\n"));
    vec![Step::Send(head.into()), Step::Send(reply.body.clone())]
}

/// JSON with one endless text in it.
fn huge(reply: &HttpReply, size: u64) -> Vec<Step> {
    const CHUNK: u64 = 64 << 10;
    let (open, close) = (br#"{"padding":""#.as_slice(), br#""}"#.as_slice());
    let chunks = size.div_ceil(CHUNK);
    let length = chunks * CHUNK + (open.len() + close.len()) as u64;
    let head = head(reply, &format!("content-length: {length}\r\n"));
    vec![
        Step::Send(head.into()),
        Step::Send(Bytes::from_static(open)),
        Step::Repeat(Bytes::from(vec![b'a'; 64 << 10]), chunks),
        Step::Send(Bytes::from_static(close)),
    ]
}

/// A gzip stream that decodes to JSON with one endless text in it, and never ends properly: a reader that waits for
/// its end has read all of it.
fn gzip_bomb(reply: &HttpReply, size: u64) -> Vec<Step> {
    const CHUNK: usize = 1 << 20;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Flushed, a stream is at a byte's boundary; and behind letters that are all the same, the same letters again are
    // packed the same, so that one piece can be sent again and again.
    let mut packed = |bytes: &[u8]| -> Bytes {
        encoder.write_all(bytes).and_then(|()| encoder.flush()).expect("memory takes everything");
        std::mem::take(encoder.get_mut()).into()
    };
    let letters = vec![b'a'; CHUNK];
    let start = packed(&[br#"{"padding":""#, &*letters].concat());
    let head = head(reply, "content-encoding: gzip\r\nconnection: close\r\n");
    let more = Step::Repeat(packed(&letters), size.div_ceil(CHUNK as u64));
    vec![Step::Send(head.into()), Step::Send(start), more]
}
