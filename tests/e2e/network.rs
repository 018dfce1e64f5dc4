//! What lies between orgwave and the vendor: a real proxy, and TLS with certificates of every kind.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use orgwave_sandbox::{Route, Server};

use crate::desk::{Desk, Ended};
use crate::org::Org;
use crate::vendor::Vendor;

/// An authority of a company, which no system trusts.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate, and its key.
struct Issued {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> String {
        self.0.as_ref().pem()
    }

    /// A certificate for these names, changed so.
    fn issue(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        Issued { certificate: params.signed_by(&key, &self.0).unwrap(), key }
    }
}

/// TLS in front of a vendor: a port that decrypts, on this machine.
fn in_front_of(vendor: &Vendor, issued: &Issued, clients: Option<&Authority>) -> u16 {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let builder = match clients {
        None => builder.unwrap().with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.0.as_ref().der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.unwrap().with_client_cert_verifier(verifier.unwrap())
        }
    };
    let key = PrivateKeyDer::try_from(issued.key.serialize_der()).unwrap();
    let config = Arc::new(builder.with_single_cert(vec![issued.certificate.der().clone()], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let behind = vendor.url().trim_start_matches("http://").trim_end_matches('/').to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (config, behind) = (config.clone(), behind.clone());
            std::thread::spawn(move || {
                let connection = ServerConnection::new(config).unwrap();
                let mut stream = StreamOwned::new(connection, stream);
                let mut vendor = TcpStream::connect(behind).unwrap();
                while let Some(request) = message(&mut stream) {
                    vendor.write_all(&request).unwrap();
                    let Some(reply) = message(&mut vendor) else { return };
                    if stream.write_all(&reply).is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

/// A message of HTTP with its body; `None` once the connection has ended.
fn message(stream: &mut impl Read) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        bytes.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    bytes.extend(body);
    Some(bytes)
}

/// Debian's tinyproxy, which asks for a name and a password.
struct Tinyproxy {
    child: Child,
    port: u16,
    log: std::path::PathBuf,
}

impl Tinyproxy {
    fn start(desk: &Desk, tunnels_to: u16) -> Self {
        let program = crate::debian::program(&["tinyproxy"], "tinyproxy");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = desk.path("tinyproxy.log");
        desk.write(
            "tinyproxy.conf",
            format!(
                "Port {port}\nListen 127.0.0.1\nAllow 127.0.0.1\nBasicAuth me hunter2\nConnectPort {tunnels_to}\n\
                 LogFile \"{}\"\nLogLevel Connect\n",
                log.display()
            ),
        );
        let mut command = Command::new(program);
        command.arg("-d").arg("-c").arg(desk.path("tinyproxy.conf"));
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let patience = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < patience, "tinyproxy never listened");
            std::thread::yield_now();
        }
        Self { child, port, log }
    }

    /// How many tunnels it was asked for.
    fn tunnels(&self) -> usize {
        std::fs::read_to_string(&self.log).unwrap_or_default().matches("): CONNECT ").count()
    }
}

impl Drop for Tinyproxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a line with variables; nothing of it may hold the proxy's password.
fn run(desk: &Desk, line: &str, variables: &[(&str, &str)]) -> Ended {
    let mut command = desk.command();
    command.args(line.split_whitespace()).envs(variables.iter().copied());
    let ended = desk.spawn(command).wait();
    assert!(!ended.out.contains("hunter2") && !ended.err.contains("hunter2"), "{}{}", ended.out, ended.err);
    ended
}

#[test]
fn requests_go_through_a_real_proxy_but_never_to_this_machine() {
    let desk = Desk::new();
    let vendor = Vendor::start(Server::Merge, [Org::new(0)]);
    let company = Authority::new("company");
    desk.write("ca.pem", company.pem());
    // An address that Linux takes for this machine, and no rule of ours does.
    let port = in_front_of(&vendor, &company.issue(&["0.0.0.0", "localhost"], |_| {}), None);
    let proxy = Tinyproxy::start(&desk, port);
    let url = format!("http://me:hunter2@127.0.0.1:{}", proxy.port);
    let line =
        format!("orgs --endpoint https://0.0.0.0:{port} --token-file key --ca-file ca.pem --attempts 1");
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "ORGWAVE_PROXY"] {
        let before = proxy.tunnels();
        run(&desk, &line, &[(name, &url)]).expect(0);
        assert_eq!(proxy.tunnels(), before + 1, "{name}");
    }
    let before = proxy.tunnels();
    run(&desk, &format!("{line} --proxy {url}"), &[("HTTPS_PROXY", "http://127.0.0.1:1")]).expect(0);
    assert_eq!(proxy.tunnels(), before + 1);
    for (more, exceptions) in [("", "0.0.0.0"), ("", "*"), ("", "x.example, 0.0.0.0/8"), (" --no-proxy", "")]
    {
        for name in ["NO_PROXY", "no_proxy"] {
            run(&desk, &format!("{line}{more}"), &[("HTTPS_PROXY", &url), (name, exceptions)]).expect(0);
        }
    }
    // This machine's own names need no exception.
    for endpoint in [vendor.url(), format!("https://localhost:{port}")] {
        let line = format!("orgs --endpoint {endpoint} --token-file key --ca-file ca.pem");
        run(&desk, &line, &[("HTTPS_PROXY", &url), ("HTTP_PROXY", &url), ("ALL_PROXY", &url)]).expect(0);
    }
    assert_eq!(proxy.tunnels(), before + 1);
    let doctor = line.replacen("orgs", "doctor", 1);
    let ran = run(&desk, &doctor, &[("HTTPS_PROXY", &url)]).expect(0);
    let shown = format!("http://127.0.0.1:{}, from HTTPS_PROXY", proxy.port);
    assert!(ran.out.contains(&shown) && ran.out.contains("those of ca.pem"), "{}", ran.out);
    let ran = run(&desk, &doctor, &[("HTTPS_PROXY", &url), ("NO_PROXY", "*")]).expect(0);
    assert!(ran.out.contains("HTTPS_PROXY is not used, by NO_PROXY"), "{}", ran.out);
    // A proxy that refuses, or isn't there, or can't be meant.
    let refused = url.replace("hunter2", "wrong");
    run(&desk, &line, &[("HTTPS_PROXY", &refused)]).expect(69).says("the proxy refused");
    run(&desk, &line, &[("HTTPS_PROXY", "http://me:hunter2@127.0.0.1:1")])
        .expect(69)
        .says("the proxy refused");
    for bad in ["socks4://me:hunter2@127.0.0.1:1", "http://", "http://me:hunter2@", "ftp://127.0.0.1"] {
        run(&desk, &line, &[("HTTPS_PROXY", bad)]).expect(78).says("HTTPS_PROXY");
    }
    let mut command = desk.command();
    command.args(line.split_whitespace()).env("HTTPS_PROXY", OsStr::from_bytes(b"http://\xff"));
    desk.spawn(command).wait().expect(78).says("HTTPS_PROXY");
}

/// A SOCKS 5 proxy that asks for a name and a password.
struct Socks {
    port: u16,
    /// Where it was asked to connect to: the kind of address, and the port.
    asked: Arc<Mutex<Vec<(u8, u16)>>>,
}

impl Socks {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::<Mutex<Vec<_>>>::default();
        let seen = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = seen.clone();
                std::thread::spawn(move || tunnel(stream, &seen));
            }
        });
        Self { port, asked }
    }
}

/// Serves one connection of a SOCKS 5 proxy (RFC 1928, RFC 1929); `None` where the other side isn't as it should be.
fn tunnel(mut client: TcpStream, seen: &Mutex<Vec<(u8, u16)>>) -> Option<()> {
    let bytes = |client: &mut TcpStream, count: usize| {
        let mut bytes = vec![0; count];
        client.read_exact(&mut bytes).ok().map(|()| bytes)
    };
    let counted = |client: &mut TcpStream| {
        let count = bytes(client, 1)?[0];
        bytes(client, count.into())
    };
    assert_eq!(bytes(&mut client, 1)?, [5]);
    let has_password = counted(&mut client)?.contains(&2);
    client.write_all(&[5, if has_password { 2 } else { 0xff }]).ok()?;
    assert_eq!(bytes(&mut client, 1)?, [1]);
    let known = (counted(&mut client)?, counted(&mut client)?) == (b"me".to_vec(), b"hunter2".to_vec());
    client.write_all(&[1, u8::from(!known)]).ok()?;
    if !known {
        return None;
    }
    let request = bytes(&mut client, 4)?;
    let host = match request[3] {
        1 => bytes(&mut client, 4)?.iter().map(ToString::to_string).collect::<Vec<_>>().join("."),
        3 => String::from_utf8(counted(&mut client)?).ok()?,
        _ => return None,
    };
    let port = u16::from_be_bytes(bytes(&mut client, 2)?.try_into().ok()?);
    seen.lock().unwrap().push((request[3], port));
    let Ok(server) = TcpStream::connect((host, port)) else {
        client.write_all(&[5, 5, 0, 1, 0, 0, 0, 0, 0, 0]).ok()?;
        return None;
    };
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).ok()?;
    let (mut from, mut to) = (client.try_clone().ok()?, server.try_clone().ok()?);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
    let _ = std::io::copy(&mut &server, &mut client);
    let _ = client.shutdown(std::net::Shutdown::Both);
    Some(())
}

#[test]
fn socks_proxy_gets_its_password_and_no_loopback_requests() {
    let desk = Desk::new();
    let org = Org::new(0);
    let vendor = Vendor::start(Server::Merge, [org.clone()]);
    desk.manifest("saveClips", [(&org, "true".to_owned())]);
    let company = Authority::new("company");
    desk.write("ca.pem", company.pem());
    let port = in_front_of(&vendor, &company.issue(&["0.0.0.0", "localhost"], |_| {}), None);
    let proxy = Socks::start();
    let connection =
        format!("--endpoint https://0.0.0.0:{port} --token-file key --ca-file ca.pem --attempts 1");
    for scheme in ["socks5", "socks5h"] {
        let url = format!("{scheme}://me:hunter2@127.0.0.1:{}", proxy.port);
        for name in ["ALL_PROXY", "HTTPS_PROXY", "ORGWAVE_PROXY"] {
            proxy.asked.lock().unwrap().clear();
            run(&desk, &format!("orgs {connection}"), &[(name, &url)]).expect(0);
            assert_eq!(*proxy.asked.lock().unwrap(), [(1, port)], "{url} {name}");
        }
        let ran = run(&desk, &format!("doctor {connection}"), &[("ALL_PROXY", &url)]).expect(0);
        let shown = format!("{scheme}://127.0.0.1:{}, from ALL_PROXY", proxy.port);
        assert!(ran.out.contains(&shown), "{}", ran.out);
        proxy.asked.lock().unwrap().clear();
        run(&desk, &format!("orgs {connection}"), &[("ALL_PROXY", &url), ("NO_PROXY", "0.0.0.0")]).expect(0);
        let here = format!("orgs --endpoint https://localhost:{port} --token-file key --ca-file ca.pem");
        run(&desk, &here, &[("ALL_PROXY", &url)]).expect(0);
        assert_eq!(*proxy.asked.lock().unwrap(), []);
        // One that refuses the password, cannot connect, or isn't there: nothing was sent.
        for (url, endpoint) in [
            (url.replace("hunter2", "wrong"), port),
            (url.clone(), 1),
            (format!("{scheme}://me:hunter2@127.0.0.1:1"), port),
        ] {
            let line = format!("orgs {}", connection.replace(&format!("0:{port}"), &format!("0:{endpoint}")));
            run(&desk, &line, &[("ALL_PROXY", &url)]).expect(69).says("the proxy refused");
        }
    }
    let url = format!("socks5h://me:hunter2@127.0.0.1:{}", proxy.port);
    run(&desk, &format!("apply orgs.csv --yes {connection}"), &[("ALL_PROXY", &url)]).expect(0);
    assert_eq!(vendor.of(Route::Write).len(), 1);
}

#[test]
fn certificates_are_judged_and_a_company_authority_is_named() {
    let desk = Desk::new();
    let vendor = Vendor::start(Server::Merge, [Org::new(0)]);
    let (company, other) = (Authority::new("company"), Authority::new("other"));
    desk.write("ca.pem", company.pem());
    desk.write("both.pem", format!("# ours\n{}\n{}", other.pem(), company.pem()));
    let orgs = |issued: &Issued, more: &str| {
        let port = in_front_of(&vendor, issued, None);
        run(
            &desk,
            &format!("orgs --endpoint https://localhost:{port} --token-file key --attempts 1 {more}"),
            &[],
        )
    };
    let good = company.issue(&["localhost"], |_| {});
    orgs(&good, "--ca-file ca.pem").expect(0);
    orgs(&good, "--ca-file both.pem").expect(0);
    let unknown = orgs(&good, "").expect(69);
    assert!(unknown.err.contains("UnknownIssuer") && unknown.err.contains("--ca-file"), "{}", unknown.err);
    orgs(&other.issue(&["localhost"], |_| {}), "--ca-file ca.pem").expect(69).says("UnknownIssuer");
    let expired = company.issue(&["localhost"], |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    });
    orgs(&expired, "--ca-file ca.pem").expect(69).says("expired");
    orgs(&company.issue(&["elsewhere.example"], |_| {}), "--ca-file ca.pem").expect(69).says("not valid for");
    assert_eq!(vendor.of(Route::Clients).len(), 2, "nothing was sent but by the good");
    desk.write("no.pem", "not PEM");
    for file in ["no.pem", "key", "gone.pem", "/dev/zero"] {
        let ended = orgs(&good, &format!("--ca-file {file}")).expect(78);
        assert!(!ended.err.contains(crate::vendor::KEY), "{}", ended.err);
    }
}

#[test]
fn a_client_certificate_goes_with_the_partner_api_scheme() {
    let desk = Desk::new();
    let vendor = Vendor::start(Server::Merge, [Org::new(0)]);
    let company = Authority::new("company");
    desk.write("ca.pem", company.pem());
    let ours = company.issue(&["partner.example"], |_| {});
    desk.write("cert.pem", ours.certificate.pem());
    desk.write_private("cert.key", &ours.key.serialize_pem());
    desk.write_private("other.key", &KeyPair::generate().unwrap().serialize_pem());
    let port = in_front_of(&vendor, &company.issue(&["localhost"], |_| {}), Some(&company));
    let line = format!("--endpoint https://localhost:{port} --token-file key --ca-file ca.pem --attempts 1");
    let both = "--client-cert cert.pem --client-key cert.key";
    run(&desk, &format!("orgs {line}"), &[]).expect(69);
    assert_eq!(vendor.seen().len(), 0);
    run(&desk, &format!("orgs {line} {both}"), &[]).expect(0);
    assert_eq!(vendor.of(Route::Clients)[0].header("x-auth-scheme"), ["partner-api"]);
    let ran = run(&desk, &format!("doctor {line} {both}"), &[]).expect(0);
    assert!(ran.out.contains("cert.pem") && ran.out.contains("partner-api"), "{}", ran.out);
    run(&desk, &format!("orgs {line} --client-cert cert.pem --client-key other.key"), &[]).expect(78);
    run(&desk, &format!("orgs {line} --client-cert cert.key --client-key cert.key"), &[]).expect(78);
    run(&desk, &format!("orgs {line} --client-cert cert.pem --client-key cert.pem"), &[]).expect(78);
    run(&desk, &format!("orgs {line} --client-cert cert.pem"), &[]).expect(64);
    let plain = format!("orgs --endpoint {} --token-file key {both}", vendor.url());
    run(&desk, &plain, &[]).expect(78).says("https");
    std::fs::set_permissions(desk.path("cert.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    run(&desk, &format!("orgs {line} {both}"), &[]).expect(78).says("can be read by others");
    // Without one, the scheme is the key's alone.
    run(&desk, &format!("orgs --endpoint {} --token-file key", vendor.url()), &[]).expect(0);
    assert_eq!(vendor.of(Route::Clients).last().unwrap().header("x-auth-scheme"), ["partner-api-token"]);
}
