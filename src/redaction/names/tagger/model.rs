//! The trained weights: the file they come in, and the scores they give.
//!
//! Layout, little-endian: `SBTG`, version `u32`, checksum `u64` of all that follows; number of rows `u32`, number of
//! gazetteer entries `u32`, scale `f32`, transitions `f32` times 9 by 8 (the last row: from the start); then the weights
//! (rows of 8 `i8`), the starts of the gazetteer's buckets (`u32`), its fingerprints (`u16`) and its flags (`u8`).

use super::gazetteer::{BUCKETS, Gazetteer};
use super::hash::checksum;

/// How many labels a token can have: see [`super::lattice`].
pub const LABELS: usize = 8;

/// One number per label.
pub type Scores = [f32; LABELS];

/// Trained weights, ready for use.
pub struct Model {
    /// From each label to each; the last row is from the start.
    pub transitions: [Scores; LABELS + 1],
    /// What one step of a weight is worth.
    pub scale: f32,
    /// Rows of weights, one per hashed feature.
    pub rows: Vec<[i8; LABELS]>,
    /// The word lists.
    pub gazetteer: Gazetteer,
}

/// Why a weights file is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// It is not one, or of another version.
    #[error("not a weights file of this version")]
    Format,
    /// Its length is not the one its header states.
    #[error("the weights file is cut short or too long")]
    Length,
    /// Its content is not what was written.
    #[error("the checksum of the weights file is wrong")]
    Checksum,
}

impl Model {
    /// Reads a weights file.
    ///
    /// # Errors
    /// [`ModelError`] when it is damaged.
    pub fn read(bytes: &[u8]) -> Result<Model, ModelError> {
        let mut reader = Reader(bytes);
        if reader.take(4)? != MAGIC || reader.number()? != VERSION {
            return Err(ModelError::Format);
        }
        let sum = u64::from(reader.number()?) | u64::from(reader.number()?) << 32;
        if checksum(reader.0) != sum {
            return Err(ModelError::Checksum);
        }
        let (rows, entries) = (reader.number()? as usize, reader.number()? as usize);
        let scale = reader.float()?;
        let mut transitions = [[0.0; LABELS]; LABELS + 1];
        for value in transitions.as_flattened_mut() {
            *value = reader.float()?;
        }
        let weights = reader.take(rows.checked_mul(LABELS).ok_or(ModelError::Length)?)?;
        let gazetteer = reader.gazetteer(entries)?;
        let rows: Vec<_> = weights.as_chunks().0.iter().map(|row: &[u8; LABELS]| row.map(u8::cast_signed)).collect();
        let whole = reader.0.is_empty() && !rows.is_empty();
        whole.then_some(Model { transitions, scale, rows, gazetteer }).ok_or(ModelError::Length)
    }

    /// Writes the file that [`Model::read`] reads.
    pub fn write(&self) -> Vec<u8> {
        let mut body = Vec::new();
        body.extend((self.rows.len() as u32).to_le_bytes());
        body.extend((self.gazetteer.prints.len() as u32).to_le_bytes());
        body.extend(self.scale.to_le_bytes());
        body.extend(self.transitions.as_flattened().iter().flat_map(|value| value.to_le_bytes()));
        body.extend(self.rows.as_flattened().iter().map(|weight| weight.cast_unsigned()));
        body.extend(self.gazetteer.starts.iter().flat_map(|start| start.to_le_bytes()));
        body.extend(self.gazetteer.prints.iter().flat_map(|print| print.to_le_bytes()));
        body.extend(&self.gazetteer.flags);
        let mut file = Vec::with_capacity(body.len() + 16);
        file.extend(MAGIC);
        file.extend(VERSION.to_le_bytes());
        file.extend(checksum(&body).to_le_bytes());
        file.extend(body);
        file
    }

    /// Sums the weights of features.
    #[inline]
    pub fn score(&self, features: &[u32]) -> Scores {
        let mut sums = [0_i32; LABELS];
        for &feature in features {
            let row = &self.rows[row(feature, self.rows.len())];
            sums.iter_mut().zip(row).for_each(|(sum, &weight)| *sum += i32::from(weight));
        }
        sums.map(|sum| sum as f32 * self.scale)
    }
}

/// Returns the row of a feature among `rows`.
#[inline]
pub fn row(feature: u32, rows: usize) -> usize {
    ((u64::from(feature) * rows as u64) >> 32) as usize
}

struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, length: usize) -> Result<&'b [u8], ModelError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(ModelError::Length)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u32, ModelError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(ModelError::Length)?;
        self.0 = rest;
        Ok(u32::from_le_bytes(*taken))
    }

    fn float(&mut self) -> Result<f32, ModelError> {
        self.number().map(f32::from_bits)
    }

    fn gazetteer(&mut self, entries: usize) -> Result<Gazetteer, ModelError> {
        let starts: Vec<_> = (0..=BUCKETS).map(|_| self.number()).collect::<Result<_, _>>()?;
        let prints = self.take(entries.checked_mul(2).ok_or(ModelError::Length)?)?;
        let prints = prints.as_chunks().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
        let flags = self.take(entries)?.to_vec();
        let sound = starts.is_sorted() && starts.last().is_some_and(|&end| end as usize == entries);
        sound.then_some(Gazetteer { starts, prints, flags }).ok_or(ModelError::Length)
    }
}

const MAGIC: &[u8] = b"SBTG";
const VERSION: u32 = 1;
