//! What can be wrong with a configuration. No variant carries a value: it may be a secret in the wrong place.

use std::fmt;
use std::path::PathBuf;

/// Where a key was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In the configuration file.
    File(PathBuf),
    /// In this environment variable.
    Environment(String),
    /// By `--set` or another flag.
    Flag,
    /// Nowhere: by the default, or by keys that do not fit one another.
    Effective,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Flag => f.write_str("command line"),
            Self::Effective => f.write_str("configuration"),
        }
    }
}

/// What is wrong with one key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// No section of this name.
    #[error("there is no such section")]
    UnknownSection,
    /// No key of this name in the section.
    #[error("there is no such key")]
    UnknownKey,
    /// A section is not a table, or a key stands outside a section.
    #[error("a section must be a table, and a key must stand in one")]
    NotATable,
    /// The value is not of the form it must have.
    #[error("expected {0}")]
    Expected(&'static str),
    /// The value does not fit the others.
    #[error("{0}")]
    Unfit(&'static str),
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML. The line is counted from 1; what stands there is not repeated.
    #[error("{}: line {line}: not TOML", path.display())]
    NotToml {
        /// The file.
        path: PathBuf,
        /// Where.
        line: usize,
    },
    /// A key cannot be set.
    #[error("{origin}: {key}: {problem}")]
    Key {
        /// Where it was set.
        origin: Origin,
        /// `section.key`, or the section.
        key: String,
        /// What is wrong.
        problem: Problem,
    },
    /// `--set` is not `section.key=value`.
    #[error("--set takes section.key=value")]
    NotAnAssignment,
}
