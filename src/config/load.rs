//! Laying the layers over one another.

use std::fs;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::environment;
use super::error::{ConfigError, Origin, Problem};
use super::keys::RootKind;
use super::section::{Entry, KeyDoc, Section};
use super::value::Raw;
use super::{Audit, Config, Keys, Limits, Log, Redaction, Retention, Sealing, Server, Storage};

/// What a configuration is made of: each layer over the one before.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    /// The TOML file.
    pub file: Option<PathBuf>,
    /// `SUBROSA__SECTION__KEY` variables, from [`environment::settings`].
    pub environment: Vec<(String, String)>,
    /// `section.key=value` texts, from `--set`.
    pub flags: Vec<String>,
}

impl Layers {
    /// Returns the layers of this process: the file, its environment, and flags.
    pub fn of_process(file: Option<PathBuf>, flags: Vec<String>) -> Self {
        Self { file, environment: environment::settings(), flags }
    }
}

impl Config {
    /// Lays the layers over the defaults and checks the outcome.
    ///
    /// # Errors
    ///
    /// The first key that is unknown, does not parse or does not fit the others, with where it was set.
    pub fn load(layers: &Layers) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        if let Some(path) = &layers.file {
            config.lay_file(path)?;
        }
        for (name, value) in &layers.environment {
            config.lay_variable(name, value)?;
        }
        for flag in &layers.flags {
            config.lay_flag(flag)?;
        }
        config.check()?;
        Ok(config)
    }

    /// Returns the configuration in force as TOML. Keys that are not set are left out.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        for (section, entries) in self.sections() {
            text.push_str(&format!("[{section}]\n"));
            for Entry { key, value, .. } in entries {
                if let Some(value) = value {
                    text.push_str(&format!("{key} = {value}\n"));
                }
            }
            text.push('\n');
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    }

    /// Returns the configuration in force as JSON: an object of sections, unset keys as null.
    pub fn to_json(&self) -> serde_json::Value {
        let key = |entry: Entry| (entry.key.to_owned(), serde_json::json!(entry.value));
        let section = |entries: Vec<Entry>| serde_json::Value::Object(entries.into_iter().map(key).collect());
        let sections = self.sections().into_iter().map(|(name, entries)| (name.to_owned(), section(entries)));
        serde_json::Value::Object(sections.collect())
    }

    /// Returns every key that there is, with its default.
    pub fn documentation() -> Vec<KeyDoc> {
        let document = |section, entry: Entry| KeyDoc {
            path: format!("{section}.{}", entry.key),
            default: entry.value.map(|value| value.to_string()).unwrap_or_default(),
            expected: entry.expected,
        };
        let sections = Self::default().sections().into_iter();
        sections.flat_map(|(section, entries)| entries.into_iter().map(move |entry| document(section, entry))).collect()
    }

    /// Fills in the passphrase, from `keys.passphrase_file` or else from `SUBROSA_PASSPHRASE`. Leaves it empty where neither is
    /// there or the root is a key file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or its first line is empty.
    pub fn find_passphrase(&mut self) -> Result<(), ConfigError> {
        if self.keys.root != RootKind::Passphrase {
            return Ok(());
        }
        self.passphrase = match &self.keys.passphrase_file {
            Some(path) => Some(read_secret(path, "keys.passphrase_file")?),
            None => environment::passphrase(),
        };
        Ok(())
    }

    /// Returns the keys, as `section.key`, that are set otherwise in `other`, in order.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let pairs = self.sections().into_iter().zip(other.sections());
        let differing = pairs.flat_map(|((section, ours), (_, theirs))| {
            let keys = ours.into_iter().zip(theirs).filter(|(our, their)| our.value != their.value);
            keys.map(move |(our, _)| format!("{section}.{}", our.key)).collect::<Vec<_>>()
        });
        differing.collect()
    }

    /// Returns this configuration with the values that `keys`, as `section.key`, have in `other`.
    ///
    /// # Errors
    ///
    /// They do not fit the rest.
    pub fn with(&self, keys: &[&str], other: &Self) -> Result<Self, ConfigError> {
        let mut mixed = self.clone();
        for (section, key) in keys.iter().filter_map(|path| path.split_once('.')) {
            mixed.take(section, key, other);
        }
        mixed.check()?;
        Ok(mixed)
    }

    fn sections(&self) -> Vec<(&'static str, Vec<Entry>)> {
        vec![
            (Server::NAME, self.server.entries()),
            (Storage::NAME, self.storage.entries()),
            (Redaction::NAME, self.redaction.entries()),
            (Sealing::NAME, self.sealing.entries()),
            (Keys::NAME, self.keys.entries()),
            (Audit::NAME, self.audit.entries()),
            (Retention::NAME, self.retention.entries()),
            (Limits::NAME, self.limits.entries()),
            (Log::NAME, self.log.entries()),
        ]
    }

    fn set(&mut self, section: &str, key: &str, raw: &Raw<'_>) -> Result<(), Problem> {
        match section {
            Server::NAME => self.server.set(key, raw),
            Storage::NAME => self.storage.set(key, raw),
            Redaction::NAME => self.redaction.set(key, raw),
            Sealing::NAME => self.sealing.set(key, raw),
            Keys::NAME => self.keys.set(key, raw),
            Audit::NAME => self.audit.set(key, raw),
            Retention::NAME => self.retention.set(key, raw),
            Limits::NAME => self.limits.set(key, raw),
            Log::NAME => self.log.set(key, raw),
            _ => Err(Problem::UnknownSection),
        }
    }

    fn take(&mut self, section: &str, key: &str, other: &Self) {
        match section {
            Server::NAME => self.server.take(key, &other.server),
            Storage::NAME => self.storage.take(key, &other.storage),
            Redaction::NAME => self.redaction.take(key, &other.redaction),
            Sealing::NAME => self.sealing.take(key, &other.sealing),
            Keys::NAME => self.keys.take(key, &other.keys),
            Audit::NAME => self.audit.take(key, &other.audit),
            Retention::NAME => self.retention.take(key, &other.retention),
            Limits::NAME => self.limits.take(key, &other.limits),
            Log::NAME => self.log.take(key, &other.log),
            _ => {}
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        checked(&self.server)?;
        checked(&self.storage)?;
        checked(&self.redaction)?;
        checked(&self.sealing)?;
        checked(&self.keys)?;
        checked(&self.audit)?;
        checked(&self.retention)?;
        checked(&self.limits)?;
        checked(&self.log)
    }

    fn lay_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let origin = || Origin::File(path.to_owned());
        let table = read_table(path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for (section, keys) in &table {
            let Some(keys) = keys.as_table() else {
                return Err(at(origin(), section.clone(), Problem::NotATable));
            };
            for (key, value) in keys {
                self.set(section, key, &Raw::Toml(value, folder))
                    .map_err(|problem| at(origin(), format!("{section}.{key}"), problem))?;
            }
        }
        Ok(())
    }

    fn lay_variable(&mut self, name: &str, value: &str) -> Result<(), ConfigError> {
        let origin = || Origin::Environment(name.to_owned());
        let (section, key) =
            environment::key_of(name).ok_or_else(|| at(origin(), name.to_owned(), Problem::UnknownKey))?;
        self.set(&section, &key, &Raw::Text(value)).map_err(|problem| at(origin(), format!("{section}.{key}"), problem))
    }

    fn lay_flag(&mut self, flag: &str) -> Result<(), ConfigError> {
        let (path, value) = flag.split_once('=').ok_or(ConfigError::NotAnAssignment)?;
        let (section, key) = path.split_once('.').ok_or(ConfigError::NotAnAssignment)?;
        self.set(section, key, &Raw::Text(value)).map_err(|problem| at(Origin::Flag, path.to_owned(), problem))
    }
}

/// Reads the first line of a file as a secret.
///
/// # Errors
///
/// The file cannot be read, or its first line is empty. `key` names the setting in the error.
pub fn read_secret(path: &Path, key: &str) -> Result<SecretString, ConfigError> {
    let text = Zeroizing::new(
        fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?,
    );
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(SecretString::from(line.to_owned())),
        _ => Err(at(Origin::Effective, key.to_owned(), Problem::Unfit("the first line of the file is empty"))),
    }
}

fn at(origin: Origin, key: String, problem: Problem) -> ConfigError {
    ConfigError::Key { origin, key, problem }
}

fn checked<S: Section>(section: &S) -> Result<(), ConfigError> {
    section.check().map_err(|(key, problem)| at(Origin::Effective, format!("{}.{key}", S::NAME), problem))
}

fn read_table(path: &Path) -> Result<toml::Table, ConfigError> {
    let text = fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        ConfigError::NotToml { path: path.to_owned(), line: before.matches('\n').count() + 1 }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "correct horse";

    fn load(file: &str, environment: &[(&str, &str)], flags: &[&str]) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("subrosa.toml");
        fs::write(&path, file).unwrap();
        let layers = Layers {
            file: Some(path),
            environment: environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
        };
        Config::load(&layers).map_err(|error| error.to_string().replace(dir.path().to_str().unwrap(), "D"))
    }

    const PLAIN: &str = "server.insecure_plaintext=true";

    #[test]
    fn each_layer_lies_over_the_one_before() {
        let file = "[storage]\nreaders = 2\n[audit]\ncheckpoint_entries = 10\n[log]\nfilter = \"debug\"\n";
        let environment = [("SUBROSA__STORAGE__READERS", "3"), ("SUBROSA__AUDIT__CHECKPOINT_ENTRIES", "11")];
        let config = load(file, &environment, &["storage.readers=5", PLAIN]).unwrap();
        assert_eq!(config.storage.readers.get(), 5);
        assert_eq!(config.audit.checkpoint_entries.get(), 11);
        assert_eq!(config.log.filter, "debug");
        assert_eq!(config.keys.root, RootKind::Passphrase);
    }

    #[test]
    fn an_unknown_key_is_refused_by_name_wherever_it_stands() {
        let refused = |file, environment: &[(&str, &str)], flags: &[&str]| load(file, environment, flags).unwrap_err();
        assert_eq!(
            refused("[storage]\nreader = 2\n", &[], &[]),
            "D/subrosa.toml: storage.reader: there is no such key"
        );
        assert_eq!(
            refused("[stor]\nreaders = 2\n", &[], &[]),
            "D/subrosa.toml: stor.readers: there is no such section"
        );
        assert_eq!(
            refused("readers = 2\n", &[], &[]),
            "D/subrosa.toml: readers: a section must be a table, and a key must stand in one"
        );
        assert_eq!(
            refused("", &[("SUBROSA__STORAGE__READER", "2")], &[]),
            "environment variable SUBROSA__STORAGE__READER: storage.reader: there is no such key"
        );
        assert_eq!(
            refused("", &[("SUBROSA__STORAGE", "2")], &[]),
            "environment variable SUBROSA__STORAGE: SUBROSA__STORAGE: there is no such key"
        );
        assert_eq!(refused("", &[], &["storage.reader=2"]), "command line: storage.reader: there is no such key");
        assert_eq!(refused("", &[], &["storage.readers"]), "--set takes section.key=value");
    }

    #[test]
    fn an_error_never_repeats_a_value() {
        let file = format!("[keys]\npassphrase_file = \"{SECRET}\"\ncache_count = \"{SECRET}\"\n");
        let misplaced = format!("[keys]\nroot = \"key-file\"\npassphrase = \"{SECRET}\"\n");
        let broken = format!("[keys]\n\npassphrase_file = {SECRET}\n");
        let flag = format!("sealing.backend={SECRET}");
        let errors = [
            load(&file, &[], &[]).unwrap_err(),
            load(&misplaced, &[], &[]).unwrap_err(),
            load(&broken, &[], &[]).unwrap_err(),
            load("", &[("SUBROSA__KEYS__CACHE_AGE", SECRET)], &[]).unwrap_err(),
            load("", &[], &[&flag]).unwrap_err(),
        ];
        for error in &errors {
            assert!(!error.contains(SECRET), "{error}");
        }
        assert_eq!(errors[2], "D/subrosa.toml: line 3: not TOML");
    }

    #[test]
    fn tls_is_left_out_on_loopback_only() {
        let refused = load("", &[], &[]).unwrap_err();
        assert!(refused.contains("server.tls_cert: required"), "{refused}");
        let refused = load("", &[], &[PLAIN, "server.data_address=192.0.2.1:7443"]).unwrap_err();
        assert!(refused.contains("server.data_address: without TLS"), "{refused}");
        load("", &[], &[PLAIN]).unwrap();
        load("", &[], &["server.tls_cert=c.pem", "server.tls_key=k.pem"]).unwrap();
    }

    #[test]
    fn client_certificates_need_an_authority_that_is_not_root() {
        const TLS: [&str; 2] = ["server.tls_cert=c.pem", "server.tls_key=k.pem"];
        let with = |flags: &[&str]| load("", &[], &[&TLS[..], flags].concat());
        let on = ["server.client_auth=optional", "server.client_ca=ca.pem", "server.client_trust_domain=example.org"];
        let config = with(&on).unwrap();
        assert_eq!(config.server.client_roles, crate::config::value::Roles::only(crate::domain::Role::Ingestor));
        for (missing, key) in [(1, "client_ca"), (2, "client_trust_domain")] {
            let flags: Vec<&str> =
                on.iter().enumerate().filter(|(n, _)| *n != missing).map(|(_, flag)| *flag).collect();
            let refused = with(&flags).unwrap_err();
            assert!(refused.contains(&format!("server.{key}: required")), "{refused}");
        }
        for roles in ["security", "reader,operator", "ingestor,operator", "auditor,security"] {
            let refused = with(&[&on[..], &[&format!("server.client_roles={roles}")]].concat()).unwrap_err();
            assert!(refused.contains("server.client_roles: "), "{refused}");
        }
        for roles in ["reader,ingestor,auditor,approver", "operator,auditor"] {
            with(&[&on[..], &[&format!("server.client_roles={roles}")]].concat()).unwrap();
        }
        for unused in ["server.client_ca=ca.pem", "server.client_crl=crl.pem"] {
            assert!(with(&[unused]).unwrap_err().contains("of no use"), "{unused}");
        }
        assert!(load("", &[], &[&on[..], &[PLAIN]].concat()).unwrap_err().contains("without TLS"));
        for wrong in ["server.client_auth=on", "server.client_trust_domain=Example.org", "server.client_roles=root"] {
            assert!(with(&[wrong]).is_err(), "{wrong}");
        }
        let listed = "[server]\nclient_roles = [\"reader\", \"auditor\"]\n";
        assert_eq!(load(listed, &[], &TLS).unwrap().server.client_roles.as_set().len(), 2);
    }

    #[test]
    fn keys_that_do_not_fit_one_another_are_refused() {
        for flag in ["keys.root=key-file", "keys.key_file=root.key", "server.operator_address=127.0.0.1:7443"] {
            assert!(load("", &[], &[PLAIN, flag]).is_err(), "{flag}");
        }
        assert!(load("", &[], &[PLAIN, "audit.checkpoint_interval=0s"]).is_err());
        assert!(load("", &[], &[PLAIN, "retention.default_days=0"]).is_err());
    }

    #[test]
    fn paths_in_the_file_count_from_its_folder() {
        let config = load("[storage]\ndata_dir = \"data\"\n", &[], &[PLAIN]).unwrap();
        assert!(config.storage.data_dir.is_absolute());
        assert!(config.storage.vault_path().ends_with("data/vault.db"));
        let config = load("[storage]\ndata_dir = \"data\"\n", &[], &[PLAIN, "storage.data_dir=here"]).unwrap();
        assert_eq!(config.storage.keys_path(), Path::new("here/keys.db"));
    }

    #[test]
    fn differences_are_told_by_key() {
        let one = load("", &[], &[PLAIN]).unwrap();
        let other = load("", &[], &[PLAIN, "log.filter=debug", "storage.readers=5"]).unwrap();
        assert_eq!(one.differences(&other), ["storage.readers", "log.filter"]);
        assert!(one.differences(&one).is_empty());
    }

    #[test]
    fn some_keys_are_taken_from_another_configuration() {
        let one = load("", &[], &["server.tls_cert=c.pem", "server.tls_key=k.pem"]).unwrap();
        let other = load("", &[], &[PLAIN, "server.tls_cert=d.pem", "log.filter=debug", "storage.readers=5"]).unwrap();
        let mixed = one.with(&["server.tls_cert", "log.filter"], &other).unwrap();
        assert_eq!(one.differences(&mixed), ["server.tls_cert", "log.filter"]);
        assert_eq!(mixed.server.tls_cert, other.server.tls_cert);
        let every: Vec<_> = Config::documentation().into_iter().map(|key| key.path).collect();
        let every: Vec<_> = every.iter().map(String::as_str).collect();
        assert!(one.with(&every, &other).unwrap().differences(&other).is_empty());
        let bare = load("", &[], &[PLAIN]).unwrap();
        let refused = one.with(&["server.tls_cert"], &bare).unwrap_err().to_string();
        assert!(refused.contains("server.tls_cert: required"), "{refused}");
    }

    #[test]
    fn what_is_printed_reads_back_and_holds_no_secret() {
        let dir = tempfile::tempdir().unwrap();
        let secret_file = dir.path().join("passphrase");
        fs::write(&secret_file, format!("{SECRET}\nnot this\n")).unwrap();
        let flag = format!("keys.passphrase_file={}", secret_file.display());
        let mut config = load("[storage]\ndata_dir = \"/d\"\n", &[], &[PLAIN, &flag]).unwrap();
        config.find_passphrase().unwrap();
        assert_eq!(secrecy::ExposeSecret::expose_secret(config.passphrase.as_ref().unwrap()), SECRET);
        let printed = config.to_toml();
        assert!(!printed.contains(SECRET) && !format!("{config:?}").contains(SECRET));
        assert!(!config.to_json().to_string().contains(SECRET));
        assert_eq!(load(&printed, &[], &[]).unwrap().to_toml(), printed);
    }

    #[test]
    fn every_key_is_documented_with_its_default() {
        let page = include_str!("../../docs/configuration.md");
        for key in Config::documentation() {
            let line = page.lines().find(|line| line.starts_with(&format!("| `{}` |", key.path)));
            let line = line.unwrap_or_else(|| panic!("docs/configuration.md does not list {}", key.path));
            assert!(line.contains(&format!("| `{}` |", key.default)) || key.default.is_empty(), "{}", key.path);
        }
        let listed =
            page.lines().filter(|line| line.starts_with("| `") && line.contains('.') && !line.contains("SUBROSA"));
        assert_eq!(
            listed.count(),
            Config::documentation().len(),
            "docs/configuration.md lists a key that is not there"
        );
    }
}
