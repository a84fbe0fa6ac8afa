//! One file for each service: which use case a method calls.

mod access;
mod admin;
mod audit;
mod conversations;
mod ingest;
mod keys;
mod policies;
mod search;
mod tenants;

use subrosa_proto::v1;
use tonic::service::Routes;

use super::bounds::largest;
use super::serve::Api;

/// Adds every service to `routes`.
pub(super) fn add_to(routes: Routes, api: &Api) -> Routes {
    macro_rules! add {
        ($routes:expr, $($module:ident :: $server:ident),+ $(,)?) => {{
            let mut routes = $routes;
            $(routes = routes.add_service(
                v1::$module::$server::new(api.clone()).max_decoding_message_size(largest(v1::$module::SERVICE_NAME)),
            );)+
            routes
        }};
    }
    add!(
        routes,
        ingest_service_server::IngestServiceServer,
        conversation_service_server::ConversationServiceServer,
        search_service_server::SearchServiceServer,
        audit_service_server::AuditServiceServer,
        tenant_service_server::TenantServiceServer,
        key_service_server::KeyServiceServer,
        policy_service_server::PolicyServiceServer,
        access_service_server::AccessServiceServer,
        admin_service_server::AdminServiceServer,
    )
}
