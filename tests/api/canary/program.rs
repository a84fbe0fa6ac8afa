//! The program itself, logging everything it can, in a folder of its own.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::support::Client;

/// How long the program may take to start.
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) struct Program {
    child: Child,
    line: serde_json::Value,
}

impl Program {
    /// Starts it on `dir/vault`, with its temporary files in `dir/tmp` and what it prints and logs beside them.
    pub(super) fn start(dir: &Path) -> Self {
        std::fs::create_dir_all(dir.join("tmp")).unwrap();
        let log = OpenOptions::new().create(true).append(true).open(dir.join("log")).unwrap();
        let printed = free(dir);
        let child = Command::new(env!("CARGO_BIN_EXE_subrosa"))
            .args(["dev", "--output", "json", "--log", "trace", "--data-dir"])
            .arg(dir.join("vault"))
            .env("TMPDIR", dir.join("tmp"))
            .env("SQLITE_TMPDIR", dir.join("tmp"))
            .stdout(File::create(&printed).unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut program = Self { child, line: serde_json::Value::Null };
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = std::fs::read_to_string(&printed).unwrap();
            if let Some((line, _)) = text.split_once('\n') {
                program.line = serde_json::from_str(line).unwrap();
                return program;
            }
            assert!(program.child.try_wait().unwrap().is_none(), "the program did not start");
            assert!(Instant::now() < deadline, "the program does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(super) fn role(&self, role: &str) -> Client {
        self.with_header(&format!("Bearer {}", self.line["keys"][role].as_str().unwrap()))
    }

    /// A client whose `authorization` header is this.
    pub(super) fn with_header(&self, header: &str) -> Client {
        let ca = std::fs::read(self.line["ca_file"].as_str().unwrap()).unwrap();
        let authority = tonic::transport::Certificate::from_pem(ca);
        let tls = tonic::transport::ClientTlsConfig::new().ca_certificate(authority).domain_name("localhost");
        let endpoint = self.line["data_endpoint"].as_str().unwrap().to_owned();
        let channel =
            tonic::transport::Endpoint::from_shared(endpoint).unwrap().tls_config(tls).unwrap().connect_lazy();
        Client::new(channel, Some(header))
    }

    /// What a monitor gets for a path, head and all.
    pub(super) fn metrics(&self, path: &str) -> Vec<u8> {
        let address = self.line["metrics_endpoint"].as_str().unwrap().trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    }

    /// Ends it as a power cut of the process would.
    pub(super) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(super) fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success(), "the program did not end well");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A name that no earlier start printed to.
fn free(dir: &Path) -> PathBuf {
    (1..).map(|n| dir.join(format!("stdout-{n}"))).find(|path| !path.exists()).unwrap()
}
