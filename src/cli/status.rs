//! `subrosa status`: how the vault is.

use subrosa_proto::v1::GetStatusRequest;
use subrosa_proto::v1::admin_service_client::AdminServiceClient;

use super::client::Connection;
use super::exit::CliError;
use super::output::Printer;

/// Prints how the vault is.
///
/// # Errors
///
/// The vault's answer.
pub(super) async fn run(vault: &Connection, printer: &mut Printer) -> Result<(), CliError> {
    let mut client = AdminServiceClient::new(vault.channel());
    let answer = client.get_status(vault.request(GetStatusRequest {})).await?.into_inner();
    printer.message(&answer.status.unwrap_or_default())
}
