//! Making a new vault's folder: stores, first keys, first credential, certificates, configuration.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;

use crate::access::api_key::bootstrap_row;
use crate::cli::{InitOptions, Initialised, RootChoice};
use crate::clock::{Clock, SystemClock};
use crate::keys::roots::{Cost, KeyFile, Passphrase, Root};
use crate::keys::{CacheLimits, KeyRing, initialise};
use crate::store::sqlite;
use crate::store::{KeyWork, KeyWrite};
use crate::vault::{Checkpointer, Settings, Vault};
use crate::watch::Metrics;

use super::error::AppError;
use super::tls;

/// The name of the configuration file in the vault's folder.
pub(super) const CONFIG: &str = "subrosa.toml";
/// Readers while a vault is made.
const READERS: usize = 1;

/// Makes a vault in an empty or missing folder and returns its first credential.
pub(super) async fn init(options: InitOptions) -> Result<Initialised, AppError> {
    let dir = options.data_dir;
    empty_folder(&dir)?;
    let (root, keys_table): (Box<dyn Root>, String) = match options.root {
        RootChoice::Passphrase { passphrase, file } => {
            let line = file.map(|file| format!("passphrase_file = {}\n", quoted(&file))).unwrap_or_default();
            (Box::new(Passphrase::new(passphrase, Cost::default())), format!("root = \"passphrase\"\n{line}"))
        }
        RootChoice::KeyFile => {
            let root = KeyFile::create(&dir.join("root.key"))?;
            (Box::new(root), "root = \"key-file\"\nkey_file = \"root.key\"\n".to_owned())
        }
    };
    let bootstrap_key = make_stores(&dir, root.as_ref()).await?;
    let tls_dir = dir.join("tls");
    fs::DirBuilder::new().mode(0o700).create(&tls_dir).map_err(AppError::file(&tls_dir))?;
    tls::make(&tls_dir, &options.server_names)?;
    let config_file = dir.join(CONFIG);
    write_private(&config_file, config_text(&keys_table).as_bytes())?;
    // The bootstrap key is shown once, so what it opens must survive a power cut from then on: names and all.
    for folder in [Some(tls_dir.as_path()), Some(&dir), dir.parent()].into_iter().flatten() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(AppError::file(folder))?;
    }
    Ok(Initialised { config_file, ca_file: tls_dir.join("ca.pem"), bootstrap_key })
}

/// Makes both stores, the vault's first keys and its first credential, and logs and signs that it was made.
async fn make_stores(dir: &Path, root: &dyn Root) -> Result<SecretString, AppError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (vault_db, keys_db) = (dir.join("vault.db"), dir.join("keys.db"));
    sqlite::create_data(&vault_db)?;
    sqlite::create_keys(&keys_db)?;
    let (keys, keys_thread) = sqlite::start_keys(&keys_db, READERS)?;
    let (data, data_thread) = sqlite::start_data(&vault_db, READERS)?;
    initialise(&keys, root, clock.now()).await?;
    let (row, secret) = bootstrap_row(clock.now());
    keys.submit(KeyWork::new(KeyWrite::PutApiKey { row, most_live: 1, now: clock.now() })).await?;
    let ring = KeyRing::unlock(keys, root, CacheLimits::default(), Arc::clone(&clock)).await?;
    let vault = Vault::start(data, ring, clock, Settings::default(), Arc::new(Metrics::new())).await?;
    vault.log_creation().await?;
    Checkpointer::new(Arc::clone(&vault)).await?.sign().await?;
    drop(vault);
    for thread in [keys_thread, data_thread] {
        let _ = tokio::task::spawn_blocking(move || thread.join()).await;
    }
    Ok(SecretString::from(secret.expose().to_owned()))
}

fn empty_folder(dir: &Path) -> Result<(), AppError> {
    if !dir.exists() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(AppError::file(dir))?;
    }
    for name in [CONFIG, "vault.db", "keys.db", "root.key", "tls"] {
        if dir.join(name).exists() {
            return Err(AppError::Exists(dir.to_owned()));
        }
    }
    Ok(())
}

fn config_text(keys_table: &str) -> String {
    format!(
        "# Subrosa. Every key and its default: docs/configuration.md\n\n\
         [server]\ntls_cert = \"tls/server.pem\"\ntls_key = \"tls/server.key\"\ntls_ca = \"tls/ca.pem\"\n\n\
         [storage]\ndata_dir = \".\"\n\n\
         [keys]\n{keys_table}"
    )
}

fn quoted(path: &PathBuf) -> String {
    let absolute = fs::canonicalize(path).unwrap_or_else(|_| path.clone());
    toml::Value::String(absolute.display().to_string()).to_string()
}

/// Writes a new file that only its owner may read.
pub(super) fn write_private(path: &Path, content: &[u8]) -> Result<(), AppError> {
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(AppError::file(path))?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(AppError::file(path))
}
