//! A server made of bytes: it reads requests and does to the connection exactly what a test says.
//!
//! It knows nothing of the client and of HTTP only what it takes to find a request's end.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// A request as it was received.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// The connection that it came over, counted from 0.
    pub(crate) connection: usize,
    /// Method and path.
    pub(crate) line: String,
    /// Names in lower case, in order of name.
    pub(crate) headers: Vec<(String, String)>,
    /// The body, or what came of it.
    pub(crate) body: String,
}

impl Received {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What is done after a request.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Send these bytes.
    Send(Vec<u8>),
    /// Send these bytes one by one, slowly, for ever again.
    Drip(Vec<u8>),
    /// Send these bytes for ever, as fast as they are taken.
    Flood(Vec<u8>),
    /// Say nothing until the client goes.
    Hang,
    /// End the connection in order.
    Close,
    /// End the connection with a reset.
    Reset,
    /// Read this many bytes of the next request, no more, and end the connection with a reset.
    ResetAfterNextBytes(usize),
}

/// A running server; it ends when dropped.
pub(crate) struct Server {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    /// One permit for each connection that ended.
    ended: Arc<Semaphore>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    connections: usize,
    requests: Vec<Received>,
}

impl Server {
    /// Starts one that does the steps which the script gives for the n-th request, from 0.
    pub(crate) async fn start(script: impl Fn(usize) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let ended = Arc::new(Semaphore::new(0));
        let (script, log, done) = (Arc::new(script), seen.clone(), ended.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let connection = {
                    let mut seen = log.lock().unwrap();
                    seen.connections += 1;
                    seen.connections - 1
                };
                let (script, log, done) = (script.clone(), log.clone(), done.clone());
                tokio::spawn(async move {
                    serve(stream, connection, &*script, &log).await;
                    done.add_permits(1);
                });
            }
        });
        Self { address, seen, ended, task }
    }

    /// Starts one that gives every request the same answer.
    pub(crate) async fn always(reply: Vec<u8>) -> Self {
        Self::start(move |_| vec![Step::Send(reply.clone())]).await
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<Received> {
        self.seen.lock().unwrap().requests.clone()
    }

    /// The connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    /// Waits until this many more connections have ended.
    pub(crate) async fn until_ended(&self, connections: u32) {
        self.ended.acquire_many(connections).await.unwrap().forget();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A whole reply with its length.
pub(crate) fn reply(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!(
        "HTTP/1.1 {status} Whatever\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{headers}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

async fn serve(
    mut stream: TcpStream,
    connection: usize,
    script: &(dyn Fn(usize) -> Vec<Step> + Send + Sync),
    seen: &Mutex<Seen>,
) {
    let mut buffer = Vec::new();
    while let Some(request) = receive(&mut stream, &mut buffer, connection).await {
        let number = {
            let mut seen = seen.lock().unwrap();
            seen.requests.push(request);
            seen.requests.len() - 1
        };
        for step in script(number) {
            if !act(&mut stream, step).await {
                return;
            }
        }
    }
}

/// Whether the connection continues.
async fn act(stream: &mut TcpStream, step: Step) -> bool {
    match step {
        Step::Send(bytes) => stream.write_all(&bytes).await.is_ok(),
        Step::Drip(bytes) => {
            let mut tick = tokio::time::interval(Duration::from_millis(10));
            for byte in bytes.iter().cycle() {
                tick.tick().await;
                if stream.write_all(&[*byte]).await.is_err() {
                    break;
                }
            }
            false
        }
        Step::Flood(bytes) => {
            while stream.write_all(&bytes).await.is_ok() {}
            false
        }
        Step::Hang => {
            let _ = stream.read(&mut [0]).await;
            false
        }
        Step::Close => false,
        Step::Reset => {
            stream.set_zero_linger().unwrap();
            false
        }
        Step::ResetAfterNextBytes(count) => {
            let mut start = vec![0; count];
            let _ = stream.read_exact(&mut start).await;
            stream.set_zero_linger().unwrap();
            false
        }
    }
}

async fn receive(stream: &mut TcpStream, buffer: &mut Vec<u8>, connection: usize) -> Option<Received> {
    let head_end = loop {
        match buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            Some(end) => break end,
            None if stream.read_buf(buffer).await.unwrap_or(0) == 0 => return None,
            None => {}
        }
    };
    let head = String::from_utf8(buffer[..head_end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let line = lines.next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
    let mut headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    headers.sort();
    let mut request = Received { connection, line, headers, body: String::new() };
    let end = head_end + 4 + request.header("content-length").map_or(0, |length| length.parse().unwrap());
    while buffer.len() < end && stream.read_buf(buffer).await.unwrap_or(0) > 0 {}
    let rest = buffer.split_off(end.min(buffer.len()));
    request.body = String::from_utf8(buffer[head_end + 4..].to_vec()).unwrap();
    *buffer = rest;
    Some(request)
}
