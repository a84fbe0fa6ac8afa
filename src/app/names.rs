//! The names model of a running vault: loaded at the start, or as soon as its files are there.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cli::load_names;
use crate::config::Redaction;
use crate::vault::Vault;

/// Where the names model lies, and what was last said of it.
pub(super) struct NamesModel {
    path: Option<PathBuf>,
    threads: usize,
    /// The last failure, so that one that stays is logged once.
    said: Mutex<String>,
}

impl NamesModel {
    pub(super) fn new(config: &Redaction) -> Self {
        let (path, threads) = (config.names_model.clone(), config.names_threads.as_usize());
        Self { path, threads, said: Mutex::default() }
    }

    /// Loads the model into a vault that awaits it. While it cannot be loaded, the vault says so by its health and stores nothing.
    pub(super) async fn load_into(&self, vault: &Vault) {
        if !vault.awaits_names() {
            return;
        }
        let (path, threads) = (self.path.clone(), self.threads);
        let loaded = tokio::task::spawn_blocking(move || load_names(path.as_deref(), threads)).await;
        match loaded {
            Ok(Ok(names)) => {
                vault.install_names(Arc::new(names));
                tracing::info!("the names model is loaded");
            }
            Ok(Err(error)) => self.say(error.to_string()),
            Err(_) => self.say("loading the names model ended early".to_owned()),
        }
    }

    fn say(&self, failure: String) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if *said != failure {
            tracing::error!(reason = %failure, "the names model is required and not there: nothing is stored until it is");
            *said = failure;
        }
    }
}
