//! Tenants.

use subrosa_proto::v1;

use crate::domain::{Error, Result, Slug, TenantId};
use crate::vault::TenantView;

use super::enums::show_tenant_state;
use super::fields::{show_time, tenant, word};

/// Reads a change of a tenant: the one field that can change is its default retention class.
pub(in crate::grpc) fn update(
    changed: Option<v1::Tenant>,
    mask: Option<prost_types::FieldMask>,
) -> Result<(TenantId, Slug)> {
    let changed = changed.ok_or_else(|| Error::invalid("tenant", "required"))?;
    let of = tenant("tenant.name", &changed.name)?;
    let paths = mask.map(|mask| mask.paths).unwrap_or_default();
    if paths.iter().any(|path| path != "default_retention_class" && path != "*") {
        return Err(Error::invalid("update_mask", "only default_retention_class can be changed"));
    }
    Ok((of, word("tenant.default_retention_class", &changed.default_retention_class)?))
}

/// Writes a tenant.
pub(in crate::grpc) fn show(view: TenantView) -> v1::Tenant {
    v1::Tenant {
        name: format!("tenants/{}", view.row.id),
        state: show_tenant_state(view.row.state).into(),
        create_time: Some(show_time(view.row.create_time)),
        default_retention_class: view.default_retention_class.into(),
        active_key_version: view.active_key_version.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_the_default_class_can_be_changed() {
        let tenant = v1::Tenant {
            name: "tenants/acme".to_owned(),
            default_retention_class: "short".to_owned(),
            ..v1::Tenant::default()
        };
        let mask = |path: &str| Some(prost_types::FieldMask { paths: vec![path.to_owned()] });
        assert_eq!(update(Some(tenant.clone()), None).unwrap().1.as_str(), "short");
        assert!(update(Some(tenant.clone()), mask("default_retention_class")).is_ok());
        assert_eq!(update(Some(tenant.clone()), mask("state")).unwrap_err().field(), Some("update_mask"));
        let empty = v1::Tenant { default_retention_class: String::new(), ..tenant };
        assert_eq!(update(Some(empty), None).unwrap_err().field(), Some("tenant.default_retention_class"));
        assert_eq!(update(None, None).unwrap_err().field(), Some("tenant"));
    }
}
