//! `[storage]`: where the data lies.

use std::path::PathBuf;

use super::section::{nothing_more, section};
use super::value::Whole;

section! {
    /// Where the databases lie. Relative paths count from the folder of the configuration file.
    Storage as "storage", checked by nothing_more {
        /// Folder of the vault.
        data_dir: PathBuf = "subrosa-data".into();
        /// Data store. Not set: `vault.db` in `data_dir`.
        vault_db: Option<PathBuf> = None;
        /// Key store. Not set: `keys.db` in `data_dir`.
        keys_db: Option<PathBuf> = None;
        /// Readers of each database.
        readers: Whole<1, 64> = Whole::clamped(4);
    }
}

impl Storage {
    /// Returns the path of the data store.
    pub fn vault_path(&self) -> PathBuf {
        self.vault_db.clone().unwrap_or_else(|| self.data_dir.join("vault.db"))
    }

    /// Returns the path of the key store.
    pub fn keys_path(&self) -> PathBuf {
        self.keys_db.clone().unwrap_or_else(|| self.data_dir.join("keys.db"))
    }
}
