//! Two loops over reqwest, as processes of their own: this binary with a flag. This many requests in flight, and nothing
//! else: no journal, no pace, no retry, no look into the replies beyond their status.
//!
//! * The bare loop is handed its bodies. It is the floor: what a client of this kind can do at all.
//! * The small Rust loop reads the manifest and makes the bodies itself.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Client;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Makes this binary the bare loop.
pub(crate) const BARE: &str = "--bare";
/// Makes this binary the loop that reads a manifest.
pub(crate) const READING: &str = "--reading";

/// What is sent.
struct Request {
    org: String,
    path: String,
    body: String,
}

/// Where an operation's updates go.
#[derive(Deserialize)]
struct To {
    path: String,
    wrap: String,
}

/// Arguments: the URL, how many in flight, and a file of requests or, of a manifest, the manifest and its operations.
pub(crate) fn main(args: &[String]) -> ExitCode {
    let (url, in_flight, requests): (_, _, Box<dyn Iterator<Item = Request> + Send>) = match args {
        [flag, url, file, in_flight] if flag == BARE => (url, in_flight, Box::new(prebuilt(Path::new(file)))),
        [flag, url, manifest, operations, in_flight] if flag == READING => {
            (url, in_flight, Box::new(read(Path::new(manifest), Path::new(operations))))
        }
        _ => return ExitCode::from(64),
    };
    // One thread is the fastest here.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let failed = runtime.block_on(send_all(url, requests, in_flight.parse().expect("a number")));
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn prebuilt(file: &Path) -> impl Iterator<Item = Request> + use<> {
    let lines = BufReader::new(File::open(file).expect("the file of requests")).lines();
    lines.map(|line| {
        let line = line.expect("the file of requests is text");
        let mut parts = line.splitn(3, '\t').map(str::to_owned);
        let mut next = || parts.next().expect("org, path and body");
        Request { org: next(), path: next(), body: next() }
    })
}

fn read(manifest: &Path, operations: &Path) -> impl Iterator<Item = Request> + use<> {
    let operations = fs::read(operations).expect("the operations");
    let operations: BTreeMap<String, To> = serde_json::from_slice(&operations).expect("the operations");
    let mut rows = csv::Reader::from_path(manifest).expect("the manifest");
    // The operation, and the path inside its settings.
    let columns: Vec<(String, Vec<String>)> = rows
        .headers()
        .expect("a header")
        .iter()
        .map(|name| {
            let (operation, path) = name.split_once(':').unwrap_or(("envoy", name));
            (operation.to_owned(), path.split('.').map(str::to_owned).collect())
        })
        .collect();
    rows.into_records().flat_map(move |row| {
        let row = row.expect("a row");
        let mut settings: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
        for ((operation, path), cell) in columns.iter().zip(&row).skip(1).filter(|(_, cell)| !cell.is_empty())
        {
            put(settings.entry(operation).or_default(), path, cell);
        }
        let requests = settings.into_iter().map(|(operation, settings)| {
            let to = &operations[operation];
            let body = Map::from_iter([(to.wrap.clone(), Value::Object(settings))]);
            Request { org: row[0].to_owned(), path: to.path.clone(), body: Value::Object(body).to_string() }
        });
        requests.collect::<Vec<_>>()
    })
}

fn put(settings: &mut Map<String, Value>, path: &[String], cell: &str) {
    let [parents @ .., member] = path else { return };
    let place = parents.iter().fold(settings, |place, parent| {
        let place = place.entry(parent.as_str()).or_insert_with(|| Value::Object(Map::new()));
        place.as_object_mut().expect("a column is a member or has members")
    });
    let value = match cell {
        _ if member.ends_with("List") => cell.split(';').collect(),
        "<null>" => Value::Null,
        "true" => true.into(),
        "false" => false.into(),
        _ => cell.parse::<i64>().map_or_else(|_| cell.into(), Value::from),
    };
    place.insert(member.clone(), value);
}

async fn send_all(url: &str, requests: Box<dyn Iterator<Item = Request> + Send>, in_flight: usize) -> usize {
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has them")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let client = Client::builder()
        .tls_backend_preconfigured(tls)
        .http1_only()
        .no_proxy()
        .tcp_nodelay(true)
        .pool_max_idle_per_host(in_flight)
        .build()
        .expect("a client");
    let requests = Arc::new(Mutex::new(requests));
    let workers: Vec<_> = (0..in_flight)
        .map(|_| {
            let (client, requests, url) = (client.clone(), Arc::clone(&requests), url.to_owned());
            tokio::spawn(async move {
                let next = || requests.lock().unwrap_or_else(PoisonError::into_inner).next();
                let mut failed = 0;
                while let Some(Request { org, path, body }) = next() {
                    let request = client
                        .post([&*url, &*path].concat())
                        .header("x-auth-scheme", "partner-api-token")
                        .header("x-auth-apikey", "sandbox")
                        .header("x-auth-org", org)
                        .header("content-type", "application/json")
                        .body(body);
                    let sent = async { request.send().await?.error_for_status()?.bytes().await };
                    failed += usize::from(sent.await.is_err());
                }
                failed
            })
        })
        .collect();
    let mut failed = 0;
    for worker in workers {
        failed += worker.await.expect("a worker doesn't panic");
    }
    failed
}
