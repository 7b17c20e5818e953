//! The keys of an issuer over TLS: with a certificate that the system trusts, and with others.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

use crate::harness::{AUDIENCE, Home, KEYS};

/// An issuer with a certificate of its own making, for this name of this machine.
struct SecureIssuer {
    issuer: String,
    /// The file of the certificate.
    certificate: PathBuf,
}

impl SecureIssuer {
    /// Serves until the test process ends.
    fn start(home: &Home, certified_name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([certified_name.to_owned()]).unwrap().self_signed(&key).unwrap();
        let file = home.folder().join("certificate.pem");
        std::fs::write(&file, certificate.pem()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let described = issuer.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                // A caller that does not trust the certificate goes away in the middle.
                let _ = answer(stream.unwrap(), &config, &described);
            }
        });
        Self { issuer, certificate: file }
    }
}

fn answer(stream: TcpStream, config: &Arc<ServerConfig>, issuer: &str) -> std::io::Result<()> {
    let connection = ServerConnection::new(Arc::clone(config)).unwrap();
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        if stream.read_line(&mut request)? == 0 {
            return Ok(());
        }
    }
    let body = if request.starts_with("GET /keys ") {
        std::fs::read_to_string(format!("{KEYS}/jwks.json"))?
    } else {
        json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys") }).to_string()
    };
    let stream = stream.get_mut();
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())?;
    stream.conn.send_close_notify();
    stream.flush()
}

/// What the server says about its first attempt to fetch the keys, and whether it is ready then.
fn first_fetch(certified_name: &str, is_trusted: bool) -> (String, u16) {
    let home = Home::on_sqlite();
    let issuer = SecureIssuer::start(&home, certified_name);
    let trusted = issuer.certificate.to_str().unwrap();
    // Nothing listens there: a proxy that the environment names is not asked.
    let proxy = "http://127.0.0.1:9";
    let mut environment = vec![("https_proxy", proxy), ("HTTPS_PROXY", proxy), ("all_proxy", proxy)];
    environment.extend(is_trusted.then_some(("SSL_CERT_FILE", trusted)));
    let server = home.spawn_in(&environment, &["--issuer", &issuer.issuer, "--audience", AUDIENCE]).listening();
    let says = |line: &serde_json::Value| {
        line["message"].as_str().is_some_and(|message| message.starts_with("the keys of the issuer"))
    };
    let line = server.output().wait_for(says).unwrap();
    (line.to_string(), server.anonymous().get("/health/ready").status)
}

#[test]
fn keys_come_from_an_issuer_whose_certificate_the_system_trusts() {
    let (line, ready) = first_fetch("localhost", true);
    assert!(line.contains("are known"), "{line}");
    assert_eq!(ready, 200);
}

#[test]
fn an_issuer_with_an_unknown_certificate_is_not_believed() {
    let (line, ready) = first_fetch("localhost", false);
    assert!(line.contains("could not be fetched") && line.contains("ertificate"), "{line}");
    assert_eq!(ready, 503);
}

#[test]
fn an_issuer_with_the_certificate_of_another_is_not_believed() {
    let (line, ready) = first_fetch("issuer.example", true);
    assert!(line.contains("could not be fetched") && line.contains("ertificate"), "{line}");
    assert_eq!(ready, 503);
}
