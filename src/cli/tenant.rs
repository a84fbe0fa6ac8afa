//! `subrosa tenant`: creates, shows, changes and freezes tenants.

use clap::{Args, Subcommand};
use subrosa_proto::v1::tenant_service_client::TenantServiceClient;
use subrosa_proto::v1::{
    CreateTenantRequest, FreezeTenantRequest, GetTenantRequest, ListTenantsRequest, Tenant, UnfreezeTenantRequest,
    UpdateTenantRequest,
};

use super::args::{LimitArgs, pages, tenant};
use super::client::{Connection, request_id};
use super::exit::CliError;
use super::output::{Column, Printer};

/// Commands about tenants.
#[derive(Subcommand, Debug)]
pub(super) enum TenantCommand {
    /// Create a tenant with its keys and default policies
    Create {
        #[command(flatten)]
        tenant: TenantArg,
        /// Retention class of conversations that name none
        #[arg(long, default_value = "", hide_default_value = true)]
        default_retention_class: String,
    },
    /// Show a tenant
    Get(TenantArg),
    /// List tenants
    List(LimitArgs),
    /// Change a tenant's default retention class
    Update {
        #[command(flatten)]
        tenant: TenantArg,
        /// Retention class of conversations that name none
        #[arg(long)]
        default_retention_class: String,
    },
    /// Freeze a tenant: nothing is read or written, retention still runs
    Freeze(CaseArgs),
    /// Unfreeze a tenant
    Unfreeze(CaseArgs),
}

/// A tenant.
#[derive(Args, Debug)]
pub(super) struct TenantArg {
    /// The tenant, such as acme
    #[arg(value_parser = tenant)]
    tenant: String,
}

/// A tenant, and the case that the act belongs to.
#[derive(Args, Debug)]
pub(super) struct CaseArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// The case that it belongs to, kept in the audit log
    #[arg(long = "case", value_name = "CASE", default_value = "", hide_default_value = true)]
    case_reference: String,
}

/// How they are listed.
pub(super) const COLUMNS: &[Column] = &[
    ("TENANT", "name"),
    ("STATE", "state"),
    ("CREATED", "create_time"),
    ("KEY", "active_key_version"),
    ("DEFAULT CLASS", "default_retention_class"),
];

/// Runs a command about tenants.
///
/// # Errors
///
/// The vault's answer.
pub(super) async fn run(command: TenantCommand, vault: &Connection, printer: &mut Printer) -> Result<(), CliError> {
    let mut client = TenantServiceClient::new(vault.channel());
    let shown = match command {
        TenantCommand::List(limit) => return list(&limit, client, vault, printer).await,
        TenantCommand::Get(TenantArg { tenant }) => {
            client.get_tenant(vault.request(GetTenantRequest { name: tenant })).await?.into_inner().tenant
        }
        TenantCommand::Create { tenant, default_retention_class } => {
            let tenant_id = tenant.tenant.trim_start_matches("tenants/").to_owned();
            let tenant = Some(Tenant { default_retention_class, ..Tenant::default() });
            let request = CreateTenantRequest { tenant_id, tenant, request_id: request_id() };
            client.create_tenant(vault.request(request)).await?.into_inner().tenant
        }
        TenantCommand::Update { tenant, default_retention_class } => {
            let tenant = Some(Tenant { name: tenant.tenant, default_retention_class, ..Tenant::default() });
            let update_mask = Some(prost_types::FieldMask { paths: vec!["default_retention_class".to_owned()] });
            let request = UpdateTenantRequest { tenant, update_mask, request_id: request_id() };
            client.update_tenant(vault.request(request)).await?.into_inner().tenant
        }
        TenantCommand::Freeze(CaseArgs { tenant, case_reference }) => {
            let request = FreezeTenantRequest { name: tenant.tenant, case_reference, request_id: request_id() };
            client.freeze_tenant(vault.request(request)).await?.into_inner().tenant
        }
        TenantCommand::Unfreeze(CaseArgs { tenant, case_reference }) => {
            let request = UnfreezeTenantRequest { name: tenant.tenant, case_reference, request_id: request_id() };
            client.unfreeze_tenant(vault.request(request)).await?.into_inner().tenant
        }
    };
    printer.message(&shown.unwrap_or_default())
}

async fn list(
    limit: &LimitArgs,
    client: TenantServiceClient<tonic::transport::Channel>,
    vault: &Connection,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let tenants = pages(limit, |page_size, page_token| {
        let mut client = client.clone();
        async move {
            let request = ListTenantsRequest { page_size, page_token };
            let page = client.list_tenants(vault.request(request)).await?.into_inner();
            Ok((page.tenants, page.next_page_token))
        }
    });
    printer.messages(&tenants.await?, COLUMNS)
}
