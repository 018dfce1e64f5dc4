//! The bare loop: the same requests by the same HTTP library, this many in flight, and nothing else. No journal, no pace,
//! no retry, no look into the replies beyond their status. It runs as a process of its own: this binary with a flag.

use std::fs;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Client;

/// Makes this binary the bare loop.
pub(crate) const FLAG: &str = "--bare";

/// Arguments: the URL, the key, the file of requests, how many of them, how many in flight.
pub(crate) fn main(args: &[String]) -> ExitCode {
    let [url, key, file, orgs, in_flight] = args else { return ExitCode::from(64) };
    let text = fs::read_to_string(file).expect("the file of requests");
    let requests: Vec<(String, String)> = text
        .lines()
        .take(orgs.parse().expect("a number"))
        .filter_map(|line| line.split_once('\t'))
        .map(|(org, body)| (org.to_owned(), body.to_owned()))
        .collect();
    // One thread is the fastest here.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let failed = runtime.block_on(send_all(url, key, requests, in_flight.parse().expect("a number")));
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn send_all(url: &str, key: &str, requests: Vec<(String, String)>, in_flight: usize) -> usize {
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
    let (next, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(requests));
    let failed = Arc::new(AtomicUsize::new(0));
    let workers: Vec<_> = (0..in_flight)
        .map(|_| {
            let (client, next, requests, failed) =
                (client.clone(), next.clone(), requests.clone(), failed.clone());
            let (url, key) = (url.to_owned(), key.to_owned());
            tokio::spawn(async move {
                while let Some((org, body)) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let request = client
                        .post(&url)
                        .header("x-auth-scheme", "partner-api-token")
                        .header("x-auth-apikey", &key)
                        .header("x-auth-org", org)
                        .header("content-type", "application/json")
                        .body(body.clone());
                    let sent = async { request.send().await?.error_for_status()?.bytes().await };
                    if sent.await.is_err() {
                        failed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.expect("a worker doesn't panic");
    }
    failed.load(Ordering::Relaxed)
}
