//! The built program as a process of its own, with all that it prints and logs in the folder that it is given.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use super::Client;

/// How long the program may take to start or to end before the test has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// A vault that runs as a process; killed when it is dropped.
pub(crate) struct Program {
    child: Child,
    /// What it printed once it served.
    pub(crate) line: serde_json::Value,
    dir: PathBuf,
}

impl Program {
    /// Makes a vault with a passphrase in `dir` and serves it on free ports.
    pub(crate) fn serve(dir: &Path) -> Self {
        let vault = dir.join("vault");
        if !vault.exists() {
            let mut init = command(dir);
            init.args(["init", "--data-dir"]).arg(&vault).stdout(Stdio::null());
            assert!(init.status().unwrap().success());
        }
        let mut serve = command(dir);
        serve.args(["--output", "json", "serve", "--config"]).arg(vault.join("subrosa.toml"));
        for listener in ["data", "compliance", "operator", "metrics"] {
            serve.arg("--set").arg(format!("server.{listener}_address=127.0.0.1:0"));
        }
        Self::start(serve, dir)
    }

    /// Starts a vault for development in `dir`, with this log filter.
    pub(crate) fn dev(dir: &Path, log: &str) -> Self {
        let mut dev = command(dir);
        dev.args(["--output", "json", "dev", "--log", log, "--data-dir"]).arg(dir.join("vault"));
        Self::start(dev, dir)
    }

    fn start(mut command: Command, dir: &Path) -> Self {
        let log = OpenOptions::new().create(true).append(true).open(dir.join("log")).unwrap();
        let printed = free(dir);
        let child = command.stdout(File::create(&printed).unwrap()).stderr(log).spawn().unwrap();
        let mut program = Self { child, line: serde_json::Value::Null, dir: dir.to_owned() };
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = std::fs::read_to_string(&printed).unwrap();
            if let Some((line, _)) = text.split_once('\n') {
                program.line = serde_json::from_str(line).unwrap();
                return program;
            }
            assert!(program.child.try_wait().unwrap().is_none(), "it did not start:\n{}", program.log());
            assert!(Instant::now() < deadline, "it does not start:\n{}", program.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All that it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap()
    }

    /// Returns `host:port` of a listener, such as `data`.
    pub(crate) fn address(&self, listener: &str) -> String {
        let url = self.line[format!("{listener}_endpoint")].as_str().unwrap();
        url.split_once("://").unwrap().1.to_owned()
    }

    /// A connection of its own to the data listener.
    pub(crate) fn channel(&self) -> Channel {
        let authority = Certificate::from_pem(std::fs::read(self.dir.join("vault/tls/ca.pem")).unwrap());
        let tls = ClientTlsConfig::new().ca_certificate(authority).domain_name("localhost");
        let url = format!("https://{}", self.address("data"));
        Endpoint::from_shared(url).unwrap().tls_config(tls).unwrap().connect_lazy()
    }

    /// A client with the credential that `dev` printed for a role.
    pub(crate) fn role(&self, role: &str) -> Client {
        self.with_header(&format!("Bearer {}", self.line["keys"][role].as_str().unwrap()))
    }

    /// A client whose `authorization` header is this.
    pub(crate) fn with_header(&self, header: &str) -> Client {
        Client::new(self.channel(), Some(header))
    }

    /// What a monitor gets for a path, head and all.
    pub(crate) fn metrics(&self, path: &str) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address("metrics")).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// Waits until it has ended.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it without a word.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Tells it to stop, and waits until it has.
    pub(crate) fn stop(mut self) {
        self.signal("TERM");
        let status = self.ended();
        assert!(status.success(), "it did not end well:\n{}", self.log());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program in an environment of its own, its temporary files in `dir/tmp`.
fn command(dir: &Path) -> Command {
    let temporary = dir.join("tmp");
    std::fs::create_dir_all(&temporary).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_subrosa"));
    command.env_clear().env("SUBROSA_PASSPHRASE", "a passphrase of the tests");
    command.env("TMPDIR", &temporary).env("SQLITE_TMPDIR", &temporary);
    command
}

/// A name that no earlier start printed to.
fn free(dir: &Path) -> PathBuf {
    (1..).map(|n| dir.join(format!("stdout-{n}"))).find(|path| !path.exists()).unwrap()
}
