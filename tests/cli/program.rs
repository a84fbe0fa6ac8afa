//! Runs the built program with an environment of its own.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// How a run of the program ended.
pub(crate) struct Told {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs the program with arguments alone.
pub(crate) fn run(args: &[&str]) -> Told {
    run_with(args, &[], "")
}

/// Runs the program with arguments, environment variables and standard input.
pub(crate) fn run_with(args: &[&str], variables: &[(&str, &str)], input: &str) -> Told {
    let mut child = Command::new(env!("CARGO_BIN_EXE_subrosa"))
        .args(args)
        .env_clear()
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that reads no input may have closed it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Told {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
