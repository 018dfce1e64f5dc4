//! Taking requests, carrying them out, and answering: well, or as scripted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::org::{parse, quoted};
use super::script::{Answer, Manner, reply};
use super::wire::{Request, receive};
use super::{KEY, OTHER_KEY, Op, Seen, Server, Shared, World};

const LIST: &str = "POST /api/partner/getClientsV2";
const READ: &str = "POST /api/integrations/serviceManagement/getEnvoyIntegration";
const WRITE: &str = "POST /api/integrations/serviceManagement/updateEnvoyIntegrationV2";

/// Serves every connection, without end.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        tokio::spawn(connection(stream, shared.clone()));
    }
}

async fn connection(mut stream: TcpStream, shared: Arc<Shared>) {
    let mut buffer = Vec::new();
    while let Some(request) = receive(&mut stream, &mut buffer).await {
        let at = Instant::now();
        let (manner, well) = {
            let mut world = shared.lock();
            world.under_way.0 += 1;
            world.under_way.1 = world.under_way.1.max(world.under_way.0);
            let answer = world.take(request, at);
            shared.changed.notify_all();
            answer
        };
        let goes_on = match manner {
            Manner::Well(gate) => {
                if let Some(gate) = gate {
                    gate.pass().await;
                }
                // Before the reply: once the client has it, the next request may come.
                shared.lock().under_way.0 -= 1;
                stream.write_all(&well).await.is_ok()
            }
            Manner::Bytes { bytes, closes } => {
                shared.lock().under_way.0 -= 1;
                stream.write_all(&bytes).await.is_ok() && !closes
            }
            Manner::Drip => drip(&mut stream).await,
            Manner::Hang => {
                let _ = stream.read(&mut [0]).await;
                false
            }
            Manner::Reset => {
                stream.set_zero_linger().unwrap();
                false
            }
            Manner::Close => false,
        };
        if !goes_on {
            let _ = stream.shutdown().await;
            return;
        }
    }
}

async fn drip(stream: &mut TcpStream) -> bool {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n{";
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    if stream.write_all(head).await.is_ok() {
        loop {
            tick.tick().await;
            if stream.write_all(b" ").await.is_err() {
                break;
            }
        }
    }
    false
}

impl World {
    /// Notes a request, carries it out, and says how to answer.
    fn take(&mut self, request: Request, at: Instant) -> (Manner, Vec<u8>) {
        let op = match request.line.as_str() {
            LIST => Op::List,
            READ => Op::Read,
            WRITE => Op::Write,
            _ => Op::Other,
        };
        let seen = Seen { at, op, line: request.line, headers: request.headers, body: request.body };
        let org = seen.org().unwrap_or_default().to_owned();
        let calls = self.calls.entry((op, org.clone())).or_default();
        *calls += 1;
        let nth = *calls;
        let scripted = self.rules.iter().find(|rule| {
            rule.op == op
                && rule.org.as_deref().is_none_or(|wanted| wanted == org)
                && (rule.from..rule.from.saturating_add(rule.times)).contains(&nth)
        });
        let answer =
            scripted.map_or(Answer { applies: true, manner: Manner::Well(None) }, |rule| rule.answer.clone());
        let (status, body) = self.answer(&seen, answer.applies);
        self.seen.push(seen);
        (answer.manner, reply(status, &[], "application/json", body.as_bytes()))
    }

    /// What the vendor does and says by itself.
    fn answer(&mut self, seen: &Seen, applies: bool) -> (u16, String) {
        let key = seen.header("x-auth-apikey");
        // The other scheme goes with a client certificate, which whoever stands in front has looked at.
        let is_scheme = [["partner-api-token"], ["partner-api"]]
            .iter()
            .any(|scheme| seen.header("x-auth-scheme") == scheme);
        if key != [KEY] && key != [OTHER_KEY] || !is_scheme {
            return (401, r#"{"authenticationFailed":true}"#.to_owned());
        }
        let mismatch = || {
            let body = r#"{"error":"Bad Request","msg":"JSON doesn't match expected object structure"}"#;
            (400, body.to_owned())
        };
        if serde_json::from_str::<&serde_json::value::RawValue>(&seen.body).is_err() {
            return mismatch();
        }
        match seen.op {
            Op::List => (200, self.list()),
            Op::Other => (404, r#"{"error":"Not Found","msg":"no such path"}"#.to_owned()),
            Op::Read | Op::Write => {
                let Some(org) = seen.org().and_then(|org| self.orgs.get_mut(org)) else {
                    return (403, r#"{"status":403,"error":"Forbidden","msg":"Access Denied"}"#.to_owned());
                };
                if seen.op == Op::Read {
                    let object = if org.connected { org.object() } else { "null".to_owned() };
                    return (200, format!(r#"{{"error":null,"orgIntegrationV2":{object}}}"#));
                }
                let body = parse(&seen.body);
                let Some(settings) = body.get("envoySettings").filter(|_| body.len() == 1) else {
                    return mismatch();
                };
                if applies {
                    let sent = parse(settings);
                    if self.server == Server::Replaces {
                        org.settings.clear();
                    }
                    org.settings.extend(sent);
                }
                let body = r#"{"authError":null,"error":false,"errorMsg":null,"warningMsg":null,"failedGuids":[],"misconfiguredDoors":null}"#;
                (200, body.to_owned())
            }
        }
    }

    fn list(&self) -> String {
        let clients: Vec<String> = self
            .orgs
            .values()
            .map(|org| {
                format!(
                    r#"{{"clientOrgUuid":"{}","clientOrgName":{},"clientAccessAllowed":true,"totalCameras":3}}"#,
                    org.uuid,
                    quoted(&org.name)
                )
            })
            .collect();
        format!(r#"{{"clients":[{}],"error":null}}"#, clients.join(","))
    }
}
