//! `[keys]`: where the root key comes from, and how many data keys stay in memory.

use std::path::PathBuf;
use std::time::Duration;

use super::error::Problem;
use super::section::section;
use super::value::{Whole, choice};

choice! {
    /// What the vault's keys hang on.
    RootKind, "\"passphrase\" or \"key-file\"" {
        /// A passphrase, stretched by Argon2id.
        Passphrase = "passphrase";
        /// A file with 32 random bytes. For development.
        KeyFile = "key-file";
    }
}

section! {
    /// Where the root key comes from, and how many data keys stay in memory.
    Keys as "keys", checked by check {
        /// What the vault's keys hang on.
        root: RootKind = RootKind::Passphrase;
        /// File whose first line is the passphrase. Not set: `SUBROSA_PASSPHRASE`, else it is asked for on the terminal.
        passphrase_file: Option<PathBuf> = None;
        /// File of the root key, where `root` is `key-file`.
        key_file: Option<PathBuf> = None;
        /// Most data keys in memory.
        cache_count: Whole<1, 1_000_000> = Whole::clamped(10_000);
        /// Longest time that a data key stays in memory.
        cache_age: Duration = Duration::from_secs(300);
        /// Most times that a data key is used before it is fetched again.
        cache_uses: Whole<1, 1_000_000_000> = Whole::clamped(100_000);
    }
}

fn check(keys: &Keys) -> Result<(), (&'static str, Problem)> {
    match keys.root {
        RootKind::KeyFile if keys.key_file.is_none() => {
            Err(("key_file", Problem::Unfit("required where root is \"key-file\"")))
        }
        RootKind::KeyFile if keys.passphrase_file.is_some() => {
            Err(("passphrase_file", Problem::Unfit("has no meaning where root is \"key-file\"")))
        }
        RootKind::Passphrase if keys.key_file.is_some() => {
            Err(("key_file", Problem::Unfit("has no meaning where root is \"passphrase\"")))
        }
        _ => Ok(()),
    }
}
