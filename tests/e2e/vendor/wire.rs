//! Just enough of HTTP/1.1: where a request ends.

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// A request, split.
pub(super) struct Request {
    /// Method and path.
    pub(super) line: String,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    /// The body.
    pub(super) body: String,
}

/// The next request of a connection; `None` once it has ended.
pub(super) async fn receive(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Request> {
    let head_end = loop {
        match buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            Some(end) => break end,
            None if stream.read_buf(buffer).await.unwrap_or(0) == 0 => return None,
            None => {}
        }
    };
    let head = String::from_utf8(buffer[..head_end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let line = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(0, |(_, value)| value.parse().unwrap());
    let end = head_end + 4 + length;
    while buffer.len() < end {
        if stream.read_buf(buffer).await.unwrap_or(0) == 0 {
            return None;
        }
    }
    let rest = buffer.split_off(end);
    let body = String::from_utf8(buffer[head_end + 4..].to_vec()).unwrap();
    *buffer = rest;
    Some(Request { line, headers, body })
}
