//! The files of the names model, on this machine.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::redaction::names::{ModelError, Names};

/// Why there is no names model.
#[derive(Debug, thiserror::Error)]
pub enum ModelFileError {
    /// A file of it could not be read.
    #[error("the names model cannot be read from {}; models/fetch fetches it", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No path is given, and this program's own place is unknown.
    #[error("no path of a names model is given; models/fetch fetches one")]
    NoPath,
    /// What was read is not the model.
    #[error("the names model in {} is refused: {source}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ModelError,
    },
}

/// Loads the names model from `model`, or from where set-up puts it, to run on `threads` threads.
///
/// # Errors
/// [`ModelFileError`]; then nothing that needs names may be stored.
pub fn load(model: Option<&Path>, threads: usize) -> Result<Names, ModelFileError> {
    let path = model.map(Path::to_owned).or_else(default_path).ok_or(ModelFileError::NoPath)?;
    let read = |path: PathBuf| fs::read(&path).map_err(|source| ModelFileError::Read { path, source });
    let (bytes, vocabulary) = (read(path.clone())?, read(path.with_file_name(Names::VOCABULARY))?);
    Names::load(&bytes, &vocabulary, threads).map_err(|source| ModelFileError::Refused { path, source })
}

/// Returns the first place beside this program that holds a model, or where one would be.
pub fn default_path() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let above = program.parent()?.parent()?;
    let places = PLACES.map(|place| above.join(place).join(Names::MODEL));
    places.iter().find(|path| path.exists()).or(places.first()).cloned()
}

/// Where models lie, from the folder above the program's: after a build, and after an installation.
const PLACES: [&str; 2] = ["models/rampart-1.4.0", "share/subrosa/models/rampart-1.4.0"];
