//! The built program as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

/// How long the program may take to start or to end before the test has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A vault that runs as a process; killed when it is dropped.
pub(crate) struct Program {
    child: Child,
    /// What it printed once it served.
    pub(crate) line: serde_json::Value,
    log: PathBuf,
}

impl Program {
    /// Makes a vault with a passphrase in `dir` and serves it on free ports, with these arguments behind.
    pub(crate) fn serve(dir: &Path, arguments: &[&str]) -> Self {
        let vault = dir.join("vault");
        if !vault.exists() {
            let mut init = command();
            init.args(["init", "--data-dir"]).arg(&vault).stdout(Stdio::null());
            assert!(init.status().unwrap().success());
        }
        let mut serve = command();
        serve.args(["--output", "json", "serve", "--config"]).arg(vault.join("subrosa.toml"));
        for listener in ["data", "compliance", "operator", "metrics"] {
            serve.arg("--set").arg(format!("server.{listener}_address=127.0.0.1:0"));
        }
        serve.args(arguments);
        Self::start(serve, dir)
    }

    /// Starts a vault for development in `dir`, with these arguments behind.
    pub(crate) fn dev(dir: &Path, arguments: &[&str]) -> Self {
        let mut dev = command();
        dev.args(["--output", "json", "dev", "--data-dir"]).arg(dir.join("vault")).args(arguments);
        Self::start(dev, dir)
    }

    fn start(mut command: Command, dir: &Path) -> Self {
        let log = dir.join("log");
        let file = std::fs::File::options().create(true).append(true).open(&log).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(file).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let line = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("it did not start: {}", std::fs::read_to_string(&log).unwrap()));
        Self { child, line, log }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Returns `host:port` of a listener, such as `data`.
    pub(crate) fn address(&self, listener: &str) -> String {
        let url = self.line[format!("{listener}_endpoint")].as_str().unwrap();
        url.split_once("://").unwrap().1.to_owned()
    }

    /// A connection to the data listener, trusting the authority in this file.
    pub(crate) fn channel(&self, ca_file: &Path) -> Channel {
        let authority = Certificate::from_pem(std::fs::read(ca_file).unwrap());
        let tls = ClientTlsConfig::new().ca_certificate(authority).domain_name("localhost");
        let url = format!("https://{}", self.address("data"));
        Endpoint::from_shared(url).unwrap().tls_config(tls).unwrap().connect_lazy()
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(tokio::time::Instant::now() < deadline, "it does not end:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_subrosa"));
    command.env_clear().env("SUBROSA_PASSPHRASE", "a passphrase of the tests");
    command
}
