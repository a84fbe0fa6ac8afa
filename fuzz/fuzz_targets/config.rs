//! The configuration in its three layers: what is accepted reads back as it prints, and a refusal repeats no value, for a
//! secret may stand in the wrong place.

#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use subrosa::config::{Config, ConfigError, Layers, Origin, Problem};
use subrosa_fuzz::{Input, told};

static FILE: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("subrosa-fuzz-{}.toml", std::process::id())));

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let file = input.text().into_owned();
    let (mut environment, mut flags) = (Vec::new(), Vec::new());
    while !input.0.is_empty() {
        let text = input.text();
        match text.split_once('=') {
            Some((name, value)) if name.starts_with("SUBROSA__") => {
                environment.push((name.to_owned(), value.to_owned()))
            }
            _ => flags.push(text.into_owned()),
        }
    }
    let layers = Layers { file: Some(FILE.clone()), environment, flags };
    match load(&file, &layers) {
        Ok(config) => reads_back(&config),
        Err(error) => repeats_no_value(&error, &file, &layers),
    }
});

fn load(file: &str, layers: &Layers) -> Result<Config, ConfigError> {
    std::fs::write(&*FILE, file).expect("the folder for temporary files takes a file");
    Config::load(layers)
}

/// Loads what the configuration prints: the same, with every number within its limits a second time. Only a relative path that
/// no file set counts from another folder then, so paths are compared the second time.
fn reads_back(config: &Config) {
    let layers = Layers { file: Some(FILE.clone()), ..Layers::default() };
    let again = |config: &Config| load(&config.to_toml(), &layers).expect("what is in force can be read");
    let once = again(config);
    assert!(once.sealing == config.sealing && once.audit == config.audit && once.retention == config.retention);
    assert!(once.limits == config.limits && once.log == config.log && once.keys.root == config.keys.root);
    assert_eq!(once.server.addresses(), config.server.addresses());
    let twice = again(&once);
    assert_eq!((twice.to_toml(), twice.to_json()), (once.to_toml(), once.to_json()));
    for (at, (_, address)) in config.server.addresses().iter().enumerate() {
        assert!(!config.server.insecure_plaintext || address.ip().is_loopback());
        let same = |(_, other): &(&str, std::net::SocketAddr)| other == address && address.port() != 0;
        assert!(!config.server.addresses()[..at].iter().any(same), "two listeners of one address");
    }
    assert!(config.server.insecure_plaintext || config.server.tls_key.is_some());
}

/// Where it was set is named, and the key; the rest is the program's own words. A problem holds constants alone, as its patterns
/// show.
fn repeats_no_value(error: &ConfigError, file: &str, layers: &Layers) {
    match error {
        ConfigError::Key { origin, problem, .. } => {
            if let Origin::Environment(name) = origin {
                assert!(layers.environment.iter().any(|(set, _)| set == name));
            }
            match *problem {
                Problem::Expected(said) | Problem::Unfit(said) => told::fixed::<&'static str>(said),
                Problem::UnknownSection | Problem::UnknownKey | Problem::NotATable => {}
            }
        }
        ConfigError::NotToml { line, .. } => {
            assert!((1..=file.lines().count().max(1) + 1).contains(line));
            assert_eq!(error.to_string(), format!("{}: line {line}: not TOML", FILE.display()));
        }
        ConfigError::NotAnAssignment => assert_eq!(error.to_string(), "--set takes section.key=value"),
        ConfigError::Unreadable { source, .. } => panic!("{source}"),
    }
}
