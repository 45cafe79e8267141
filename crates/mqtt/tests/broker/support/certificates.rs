//! Certificates for one test, made by `openssl`.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use sightline_core::{plan::MqttTls, secret::Secret};
use tempfile::TempDir;

/// Under which the tests' brokers are reached.
pub const OUR_NAMES: &str = "IP:127.0.0.1,DNS:localhost";
/// Days that a certificate is good for. Fewer than none: it has expired.
pub const VALID: i32 = 2;
pub const EXPIRED: i32 = -1;

/// `ca.pem`; `server` and `client` signed by it; and `other-ca.pem`, which has signed nothing yet.
pub struct Certificates {
    directory: TempDir,
}

impl Certificates {
    pub fn make() -> Self {
        let directory = TempDir::new().unwrap();
        let certificates = Self { directory };
        certificates.authority("ca");
        certificates.authority("other-ca");
        certificates.replace_server("ca", OUR_NAMES, VALID);
        certificates.signed("client", "ca", "extendedKeyUsage=clientAuth", VALID);
        certificates
    }

    /// Puts another certificate in the place of `server`, which a broker reads at its next start.
    pub fn replace_server(&self, authority: &str, alternative_names: &str, days: i32) {
        self.signed("server", authority, &format!("subjectAltName={alternative_names}"), days);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Trusting `ca` alone.
    pub fn trusting(&self, ca: &str) -> MqttTls {
        MqttTls { ca_pem: Some(self.read(&format!("{ca}.pem"))), client: None }
    }

    /// The same with the client's certificate.
    pub fn with_client(&self, ca: &str) -> MqttTls {
        let key = String::from_utf8(self.read("client.key")).unwrap();
        MqttTls { client: Some((self.read("client.pem"), Secret::new(key))), ..self.trusting(ca) }
    }

    fn authority(&self, name: &str) {
        let (key, certificate) = (format!("{name}.key"), format!("{name}.pem"));
        let subject = format!("/CN=test {name}");
        self.openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-keyout",
            &key,
            "-out",
            &certificate,
            "-subj",
            &subject,
        ]);
    }

    fn signed(&self, name: &str, authority: &str, extension: &str, days: i32) {
        let (key, request, certificate) = (format!("{name}.key"), format!("{name}.csr"), format!("{name}.pem"));
        let (extensions, subject) = (format!("{name}.ext"), format!("/CN={name}"));
        std::fs::write(self.path(&extensions), extension).unwrap();
        self.openssl(&[
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            &key,
            "-out",
            &request,
            "-subj",
            &subject,
        ]);
        self.openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            &format!("{authority}.pem"),
            "-CAkey",
            &format!("{authority}.key"),
            "-CAcreateserial",
            "-days",
            &days.to_string(),
            "-extfile",
            &extensions,
            "-out",
            &certificate,
        ]);
    }

    fn openssl(&self, arguments: &[&str]) {
        let directory: &Path = self.directory.path();
        let output = Command::new("openssl").args(arguments).current_dir(directory).output().unwrap();
        assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
