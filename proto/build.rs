//! Compiles `subrosa/v1/*.proto` with protox, without a system `protoc`, into `OUT_DIR`: messages, services, the
//! `Debug` implementations that print no content, and the descriptor set that reflection serves.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{fs, io};

#[path = "build/debug_impls.rs"]
mod debug_impls;

/// The folder of the protocol, relative to the package.
const PROTO_DIR: &str = "subrosa/v1";

fn main() -> Result<(), Box<dyn Error>> {
    for watched in ["build.rs", "build", PROTO_DIR] {
        println!("cargo::rerun-if-changed={watched}");
    }
    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_source_info(true).include_imports(true).open_files(proto_files()?)?;
    let descriptors = compiler.file_descriptor_set();
    let out_dir = out_dir()?;
    fs::write(out_dir.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;
    fs::write(out_dir.join("debug_impls.rs"), debug_impls::generate(&descriptors)?)?;

    let mut config = prost_build::Config::new();
    config.btree_map(["."]).skip_debug(debug_impls::message_paths(&descriptors));
    tonic_prost_build::configure()
        .emit_rerun_if_changed(false)
        .out_dir(&out_dir)
        .compile_fds_with_config(descriptors, config)?;
    Ok(())
}

/// Lists the files of the protocol by name, so that the output does not depend on the order of the folder.
fn proto_files() -> io::Result<Vec<PathBuf>> {
    let mut files =
        fs::read_dir(PROTO_DIR)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    files.retain(|path| path.extension() == Some("proto".as_ref()));
    files.sort();
    Ok(files)
}

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script its output folder in the environment only")]
fn out_dir() -> Result<PathBuf, Box<dyn Error>> {
    let dir = std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR for build scripts")?;
    Ok(Path::new(&dir).to_owned())
}
