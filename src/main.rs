//! The `subrosa` command.
//!
//! Everything it frees is overwritten: secrets are held in types that wipe themselves, but a credential also passes through
//! buffers of libraries that do not, such as those of HTTP/2, TLS and the protocol's messages.

use std::alloc::System;
use std::process::ExitCode;

use subrosa::app::App;
use subrosa::cli;
use zeroizing_alloc::ZeroAlloc;

#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => ExitCode::from(runtime.block_on(cli::run(&App))),
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}
