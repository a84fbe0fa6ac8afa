//! Names tier.
mod linear;
mod network;
mod onnx;
mod wordpiece;

#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("not this model: {0}")]
    Format(&'static str),
}

/// Probe.
pub struct Probe { n: network::Network, w: wordpiece::WordPiece }
impl Probe {
    pub fn new(m: &[u8], v: &str) -> Result<Self, ModelError> { Ok(Probe { n: network::Network::load(m)?, w: wordpiece::WordPiece::new(v)? }) }
    pub fn run(&self, texts: &[&str]) -> Vec<Vec<(u32, usize, usize, bool, Vec<f32>)>> {
        let pieces: Vec<_> = texts.iter().map(|t| self.w.cut(t)).collect();
        let ids: Vec<Vec<u32>> = pieces.iter().map(|p| std::iter::once(2).chain(p.iter().map(|p| p.id)).chain([3]).collect()).collect();
        let out = self.n.run(&ids).unwrap();
        let mut at = 0;
        pieces.iter().map(|p| { at += 1; let r = p.iter().map(|p| { let r = out[at*35..at*35+35].to_vec(); at += 1; (p.id, p.span.start, p.span.end, p.continues, r) }).collect(); at += 1; r }).collect()
    }
}
