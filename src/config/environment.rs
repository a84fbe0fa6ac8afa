//! The environment: the only module that reads it.
//!
//! | variable | is |
//! |---|---|
//! | `SUBROSA__SECTION__KEY` | a key of the configuration |
//! | `SUBROSA_PASSPHRASE` | the passphrase of the root key |
//! | `SUBROSA_API_KEY` | the credential of the command line's clients |
//! | `SUBROSA_ENDPOINT`, `SUBROSA_CA_FILE` | read by the command line's own parser |

use std::ffi::OsString;

use secrecy::SecretString;

/// What stands before every key of the configuration.
const PREFIX: &str = "SUBROSA__";

/// Returns the variables that set keys of the configuration. A value that is not Unicode comes back as U+FFFD, which no
/// key accepts but a path or a text.
pub fn settings() -> Vec<(String, String)> {
    std::env::vars_os().filter_map(|(name, value)| setting(&name, &value)).collect()
}

/// Returns the passphrase of the root key.
pub fn passphrase() -> Option<SecretString> {
    secret("SUBROSA_PASSPHRASE")
}

/// Returns the credential of the command line's clients.
pub fn api_key() -> Option<SecretString> {
    secret("SUBROSA_API_KEY")
}

#[expect(clippy::disallowed_methods, reason = "this is the one place")]
fn secret(name: &str) -> Option<SecretString> {
    std::env::var(name).ok().filter(|value| !value.is_empty()).map(SecretString::from)
}

fn setting(name: &OsString, value: &OsString) -> Option<(String, String)> {
    let name = name.to_str()?;
    name.starts_with(PREFIX).then(|| (name.to_owned(), value.to_string_lossy().into_owned()))
}

/// Returns the section and the key that a variable sets: `SUBROSA__SERVER__DATA_ADDRESS` is `server`, `data_address`.
pub(super) fn key_of(name: &str) -> Option<(String, String)> {
    let (section, key) = name.strip_prefix(PREFIX)?.split_once("__")?;
    Some((section.to_ascii_lowercase(), key.to_ascii_lowercase()))
}
