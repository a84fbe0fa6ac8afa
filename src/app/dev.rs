//! A vault for development: made where it is missing, with a tenant and a key for each role that it keeps in its folder.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::access::api_key::{self, IssueRequest};
use crate::access::{Caller, Scope, acts};
use crate::cli::{DevFacts, DevOptions, InitOptions, RootChoice};
use crate::config::{Config, Layers};
use crate::domain::{BotScope, Error, Reason, RequestId, Role, TenantId};
use crate::sealing::random;
use crate::vault::Vault;

use super::error::AppError;
use super::init::{CONFIG, init, write_private};
use super::serve::{RunningVault, Time, start as serve};

/// The tenant of a vault for development.
const TENANT: &str = "dev";
/// Where the keys of a vault for development are kept, in clear: they are throw-away.
const KEYS: &str = "dev-keys.json";

type Keys = BTreeMap<String, String>;

/// Makes, where it is missing, and starts a vault for development on free ports of the loopback address.
pub(super) async fn start(options: DevOptions) -> Result<(RunningVault, DevFacts), AppError> {
    let dir = options.data_dir;
    let mut keys = match read_keys(&dir)? {
        Some(keys) => keys,
        None => make(&dir).await?,
    };
    let running =
        serve(config(&dir, options.names_model.as_deref())?, options.clock_file.map_or(Time::System, Time::File))
            .await?;
    if Role::ALL.iter().any(|role| !keys.contains_key(role.as_str())) {
        furnish(running.vault(), &mut keys).await?;
        keep(&dir, &keys)?;
    }
    let ca_file = std::path::absolute(dir.join("tls/ca.pem")).map_err(AppError::file(&dir))?;
    let keys = keys.into_iter().map(|(role, key)| (role, SecretString::from(key))).collect();
    Ok((running, DevFacts { ca_file, tenant: format!("tenants/{TENANT}"), keys }))
}

async fn make(dir: &Path) -> Result<Keys, AppError> {
    let server_names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    let made = init(InitOptions { data_dir: dir.to_owned(), root: RootChoice::KeyFile, server_names }).await?;
    let bootstrap = secrecy::ExposeSecret::expose_secret(&made.bootstrap_key).to_owned();
    let keys = Keys::from([(Role::Security.to_string(), bootstrap)]);
    keep(dir, &keys)?;
    Ok(keys)
}

/// The folder's own configuration, on free ports, looking often at the clock that a file may move.
fn config(dir: &Path, names_model: Option<&Path>) -> Result<Config, AppError> {
    let any_port =
        ["data", "compliance", "operator", "metrics"].map(|listener| format!("server.{listener}_address=127.0.0.1:0"));
    let mut flags = any_port.to_vec();
    flags.push("retention.expiry_interval=200ms".to_owned());
    flags.push("server.drain_deadline=5s".to_owned());
    if let Some(model) = names_model {
        let model = std::path::absolute(model).map_err(AppError::file(model))?;
        flags.push("redaction.names=required".to_owned());
        flags.push(format!("redaction.names_model={}", model.display()));
    }
    let layers = Layers { file: Some(dir.join(CONFIG)), environment: Vec::new(), flags };
    Config::load(&layers).map_err(|error| AppError::Folder(error.to_string()))
}

/// Makes the tenant and issues the keys that are missing, each through the same gate as any other.
async fn furnish(vault: &Vault, keys: &mut Keys) -> Result<(), AppError> {
    let tenant: TenantId = TENANT.parse().map_err(|_| Error::new(Reason::Internal))?;
    if !keys.contains_key(Role::Operator.as_str()) {
        issue(vault, keys, None, Role::Operator).await?;
    }
    let operator = admitted(vault, keys, Role::Operator, "/subrosa.v1.TenantService/CreateTenant").await?;
    match vault.create_tenant(&operator, tenant.clone(), None).await {
        Err(error) if error.reason() != Reason::TenantExists => return Err(error.into()),
        _ => {}
    }
    for role in Role::ALL {
        if !keys.contains_key(role.as_str()) {
            let whole_vault = matches!(role, Role::Operator | Role::Auditor);
            issue(vault, keys, (!whole_vault).then(|| tenant.clone()), *role).await?;
        }
    }
    Ok(())
}

async fn issue(vault: &Vault, keys: &mut Keys, tenant: Option<TenantId>, role: Role) -> Result<(), AppError> {
    let security = admitted(vault, keys, Role::Security, "/subrosa.v1.AccessService/IssueApiKey").await?;
    let request_id = Some(RequestId::from_uuid(random::uuid_v4()));
    let scope = Scope { tenant, request_id, ..Scope::default() };
    let auth = vault.gate().authorize::<acts::IssueApiKey>(&security, scope).await?;
    let principal = format!("dev-{role}").parse().map_err(|_| Error::new(Reason::Internal))?;
    let request = IssueRequest { principal, role, bots: Some(BotScope::Any), ttl: None };
    let issued = api_key::issue(vault.gate(), &auth, request).await?;
    let secret = issued.secret.ok_or_else(|| Error::new(Reason::Internal))?;
    keys.insert(role.to_string(), secret.expose().to_owned());
    Ok(())
}

async fn admitted(vault: &Vault, keys: &Keys, role: Role, path: &str) -> Result<Caller, AppError> {
    let key = keys.get(role.as_str()).map(String::as_str).unwrap_or_default();
    let header = Zeroizing::new(format!("Bearer {key}"));
    Ok(vault.gate().admit(path, Some(&header), IpAddr::V4(Ipv4Addr::LOCALHOST)).await?)
}

fn read_keys(dir: &Path) -> Result<Option<Keys>, AppError> {
    let path = dir.join(KEYS);
    match std::fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text)
            .map(Some)
            .map_err(|_| AppError::Folder(format!("{} is not a file of keys", path.display()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !dir.join(CONFIG).exists() => Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(AppError::Folder(format!("{} is not a vault for development: it has no {KEYS}", dir.display())))
        }
        Err(cause) => Err(AppError::File { path, cause }),
    }
}

/// Replaces the file of keys in one step, durably: the keys are printed next, and no key in the vault is shown again.
fn keep(dir: &Path, keys: &Keys) -> Result<(), AppError> {
    let next: PathBuf = dir.join(format!("{KEYS}.new"));
    match std::fs::remove_file(&next) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(AppError::File { path: next, cause: error });
        }
        _ => {}
    }
    let text = serde_json::to_string_pretty(keys).map_err(|error| AppError::Folder(error.to_string()))?;
    write_private(&next, text.as_bytes())?;
    std::fs::rename(&next, dir.join(KEYS)).map_err(AppError::file(dir))?;
    std::fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(AppError::file(dir))
}
