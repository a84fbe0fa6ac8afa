//! The network: a BERT encoder of 6 layers that gives every token a probability of each label.
//!
//! J. Devlin et al., "BERT" (<https://arxiv.org/abs/1810.04805>); the model's own `config.json` states the sizes. The tokens of several
//! texts run as one matrix, without padding: only attention looks at each text apart.

use std::ops::Range;

use rten_gemm::{GemmExecutor, GemmInputA, GemmInputB, GemmOptions};
use rten_simd::{Isa, SimdOp, SimdUnaryOp};
use rten_tensor::NdTensorView;
use rten_vecmath::{Gelu, Normalize, NormalizeOptions, Softmax, Sum, SumSquareSub};

use super::ModelError;
use super::linear::{Activations, Linear, Multiplier};
use super::onnx::Tensors;

/// Width of a token between layers.
const WIDTH: usize = 384;
const HEADS: usize = 12;
const HEAD: usize = WIDTH / HEADS;
const INNER: usize = 1536;
const LAYERS: usize = 6;
const VOCABULARY: usize = 19_730;
/// Tokens of one text at most, with the two marks around it.
pub(super) const POSITIONS: usize = 512;
/// Labels a token can have.
pub(super) const LABELS: usize = 35;

/// The weights, ready to run. Shared by threads.
pub(super) struct Network {
    words: Embedding,
    kinds: Embedding,
    positions: Embedding,
    norm: Norm,
    layers: Vec<Layer>,
    classifier: Linear,
}

/// The matrix kernels of this machine. They cannot move to another thread, so each run makes its own.
struct Kernels {
    multiplier: Multiplier,
    products: GemmExecutor<f32>,
}

struct Layer {
    attention: Linear,
    projection: Linear,
    attention_norm: Norm,
    inner: Linear,
    outer: Linear,
    norm: Norm,
}

impl Network {
    /// Takes the weights out of an ONNX file.
    ///
    /// # Errors
    /// [`ModelError::Format`] when they are not this network's.
    pub(super) fn load(model: &[u8]) -> Result<Network, ModelError> {
        let tensors = Tensors::read(model)?;
        let multiplier = Multiplier::new();
        let layers = (0..LAYERS).map(|at| Layer::load(&tensors, &multiplier, at)).collect::<Result<_, _>>()?;
        Ok(Network {
            words: Embedding::load(&tensors, "word", VOCABULARY)?,
            kinds: Embedding::load(&tensors, "token_type", 2)?,
            positions: Embedding::load(&tensors, "position", POSITIONS)?,
            norm: Norm::load(&tensors, "bert.embeddings.LayerNorm")?,
            layers,
            classifier: linear(&tensors, &multiplier, &[("/classifier", "classifier")], LABELS, WIDTH)?,
        })
    }

    /// Returns a row of [`LABELS`] probabilities for every token of every text, one text behind the other.
    ///
    /// # Errors
    /// [`ModelError::Format`] when a text has over [`POSITIONS`] tokens or one that is not of the vocabulary.
    pub(super) fn run(&self, texts: &[Vec<u32>]) -> Result<Vec<f32>, ModelError> {
        let kernels = Kernels { multiplier: Multiplier::new(), products: GemmExecutor::new() };
        let mut state = self.embed(texts)?;
        let mut room = Room::default();
        let mut spans = Vec::with_capacity(texts.len());
        for text in texts {
            let start = spans.last().map_or(0, |span: &Range<usize>| span.end);
            spans.push(start..start + text.len());
        }
        for layer in &self.layers {
            kernels.attend(layer, &spans, &mut state, &mut room)?;
            kernels.feed_forward(layer, &mut state, &mut room)?;
        }
        room.input.fill(&state, WIDTH);
        let mut labels = Vec::new();
        self.classifier.apply(&kernels.multiplier, &room.input, &mut labels)?;
        labels.chunks_exact_mut(LABELS).for_each(|row| {
            Softmax::new_mut(row).dispatch();
        });
        Ok(labels)
    }

    fn embed(&self, texts: &[Vec<u32>]) -> Result<Vec<f32>, ModelError> {
        let mut state = Vec::with_capacity(texts.iter().map(Vec::len).sum::<usize>() * WIDTH);
        for (at, &token) in texts.iter().flat_map(|text| text.iter().enumerate()) {
            let start = state.len();
            state.resize(start + WIDTH, 0.0);
            self.words.add(token as usize, &mut state[start..])?;
            self.kinds.add(0, &mut state[start..])?;
            self.positions.add(at, &mut state[start..])?;
            self.norm.apply(&mut state[start..]);
        }
        Ok(state)
    }
}

impl Kernels {
    fn attend(
        &self,
        layer: &Layer,
        spans: &[Range<usize>],
        state: &mut [f32],
        room: &mut Room,
    ) -> Result<(), ModelError> {
        room.input.fill(state, WIDTH);
        layer.attention.apply(&self.multiplier, &room.input, &mut room.wide)?;
        room.mixed.clear();
        room.mixed.resize(state.len(), 0.0);
        for span in spans {
            let (wide, mixed) = (span.start * 3 * WIDTH..span.end * 3 * WIDTH, span.start * WIDTH..span.end * WIDTH);
            self.mix(&room.wide[wide], &mut room.mixed[mixed], &mut room.scores, &mut room.head)?;
        }
        room.input.fill(&room.mixed, WIDTH);
        layer.projection.apply(&self.multiplier, &room.input, &mut room.output)?;
        layer.attention_norm.add(state, &room.output);
        Ok(())
    }

    /// Scaled dot-product attention of one text: `wide` holds query, key and value of a token side by side.
    fn mix(
        &self,
        wide: &[f32],
        mixed: &mut [f32],
        scores: &mut Vec<f32>,
        head: &mut Vec<f32>,
    ) -> Result<(), ModelError> {
        let tokens = mixed.len() / WIDTH;
        scores.resize(tokens * tokens, 0.0);
        head.resize(tokens * HEAD, 0.0);
        let part = |at: usize, shape: [usize; 2], strides: [usize; 2]| {
            NdTensorView::from_data_with_strides(shape, &wide[at..], strides).map_err(|_| MISFIT)
        };
        let scale = (HEAD as f32).sqrt().recip();
        for at in (0..WIDTH).step_by(HEAD) {
            let query = part(at, [tokens, HEAD], [3 * WIDTH, 1])?;
            let key = part(WIDTH + at, [HEAD, tokens], [1, 3 * WIDTH])?;
            let value = part(2 * WIDTH + at, [tokens, HEAD], [3 * WIDTH, 1])?;
            let options = GemmOptions { alpha: scale, ..GemmOptions::default() };
            self.multiply(scores, query, key, options)?;
            scores.chunks_exact_mut(tokens).for_each(|row| {
                Softmax::new_mut(row).dispatch();
            });
            let weights = NdTensorView::from_data([tokens, tokens], &scores[..]);
            self.multiply(head, weights, value, GemmOptions::default())?;
            for (row, mixed) in head.chunks_exact(HEAD).zip(mixed.chunks_exact_mut(WIDTH)) {
                mixed[at..at + HEAD].copy_from_slice(row);
            }
        }
        Ok(())
    }

    fn multiply(
        &self,
        output: &mut [f32],
        a: NdTensorView<'_, f32, 2>,
        b: NdTensorView<'_, f32, 2>,
        options: GemmOptions<'_, f32, f32, f32>,
    ) -> Result<(), ModelError> {
        self.products.gemm(output, GemmInputA::Unpacked(a), GemmInputB::Unpacked(b), options).map_err(|_| MISFIT)
    }

    fn feed_forward(&self, layer: &Layer, state: &mut [f32], room: &mut Room) -> Result<(), ModelError> {
        room.input.fill(state, WIDTH);
        layer.inner.apply(&self.multiplier, &room.input, &mut room.wide)?;
        Gelu {}.map_mut(&mut room.wide);
        room.input.fill(&room.wide, INNER);
        layer.outer.apply(&self.multiplier, &room.input, &mut room.output)?;
        layer.norm.add(state, &room.output);
        Ok(())
    }
}

impl Layer {
    fn load(tensors: &Tensors, multiplier: &Multiplier, at: usize) -> Result<Layer, ModelError> {
        let node = format!("/bert/encoder/layer.{at}");
        let name = format!("bert.encoder.layer.{at}");
        let one = |node_part: &str, part: &str, outputs, inputs| {
            let (node, name) = (format!("{node}/{node_part}"), format!("{name}.{part}"));
            linear(tensors, multiplier, &[(&node, &name)], outputs, inputs)
        };
        let selves = ["query", "key", "value"]
            .map(|part| (format!("{node}/attention/self/{part}"), format!("{name}.attention.self.{part}")));
        let selves = selves.each_ref().map(|(node, name)| (node.as_str(), name.as_str()));
        Ok(Layer {
            attention: linear(tensors, multiplier, &selves, WIDTH, WIDTH)?,
            projection: one("attention/output/dense", "attention.output.dense", WIDTH, WIDTH)?,
            attention_norm: Norm::load(tensors, &format!("{name}.attention.output.LayerNorm"))?,
            inner: one("intermediate/dense", "intermediate.dense", INNER, WIDTH)?,
            outer: one("output/dense", "output.dense", WIDTH, INNER)?,
            norm: Norm::load(tensors, &format!("{name}.output.LayerNorm"))?,
        })
    }
}

/// Loads layers that take the same input as one: the node of its product and the name of its bias, each.
fn linear(
    tensors: &Tensors,
    multiplier: &Multiplier,
    parts: &[(&str, &str)],
    outputs: usize,
    inputs: usize,
) -> Result<Linear, ModelError> {
    let (mut weights, mut bias) = (Vec::new(), Vec::new());
    for (node, name) in parts {
        weights.extend(tensors.product(&format!("{node}/MatMul_Q4"), outputs, inputs)?);
        bias.extend(tensors.floats(&format!("{name}.bias"), outputs)?);
    }
    Linear::new(multiplier, &weights, bias, inputs)
}

/// Buffers that the layers of one run share.
#[derive(Default)]
struct Room {
    input: Activations,
    wide: Vec<f32>,
    mixed: Vec<f32>,
    output: Vec<f32>,
    scores: Vec<f32>,
    head: Vec<f32>,
}

/// A table of vectors in 8 bits, kept so and widened when looked up.
struct Embedding {
    rows: Vec<u8>,
    scale: f32,
    zero: u8,
}

impl Embedding {
    fn load(tensors: &Tensors, kind: &str, rows: usize) -> Result<Embedding, ModelError> {
        let name = format!("bert.embeddings.{kind}_embeddings.weight");
        Ok(Embedding {
            rows: tensors.bytes(&format!("{name}_quantized"), rows * WIDTH)?,
            scale: tensors.floats(&format!("{name}_scale"), 1)?[0],
            zero: tensors.bytes(&format!("{name}_zero_point"), 1)?[0],
        })
    }

    fn add(&self, at: usize, to: &mut [f32]) -> Result<(), ModelError> {
        let row = self.rows.get(at * WIDTH..(at + 1) * WIDTH).ok_or(MISFIT)?;
        for (to, value) in to.iter_mut().zip(row) {
            *to += (f32::from(*value) - f32::from(self.zero)) * self.scale;
        }
        Ok(())
    }
}

/// Layer normalisation: <https://arxiv.org/abs/1607.06450>.
struct Norm {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Norm {
    fn load(tensors: &Tensors, name: &str) -> Result<Norm, ModelError> {
        let floats = |part| tensors.floats(&format!("{name}.{part}"), WIDTH);
        Ok(Norm { weight: floats("weight")?, bias: floats("bias")? })
    }

    /// Adds `change` to `state` and normalises every token of it.
    fn add(&self, state: &mut [f32], change: &[f32]) {
        for (state, change) in state.chunks_exact_mut(WIDTH).zip(change.chunks_exact(WIDTH)) {
            Add { to: state, change }.dispatch();
            self.apply(state);
        }
    }

    fn apply(&self, state: &mut [f32]) {
        let mean = Sum::new(state).dispatch() / WIDTH as f32;
        let variance = SumSquareSub::new(state, mean).dispatch() / WIDTH as f32;
        let options = NormalizeOptions {
            pre_scale_bias: mean,
            scale: (variance + EPSILON).sqrt().recip(),
            element_scale: Some(&self.weight),
            bias: 0.0,
            element_bias: Some(&self.bias),
        };
        Normalize::new_mut(state, options).dispatch();
    }
}

struct Add<'a> {
    to: &'a mut [f32],
    change: &'a [f32],
}

impl SimdOp for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, _: I) {
        for (to, change) in self.to.iter_mut().zip(self.change) {
            *to += change;
        }
    }
}

const EPSILON: f32 = 1e-12;
const MISFIT: ModelError = ModelError::Format("the network does not fit its input");

#[cfg(test)]
mod tests {
    use super::super::testing::file;
    use super::*;

    /// The label of each token and its probability of none, computed once with ONNX Runtime 1.32 (Python) from the same file: "My name is
    /// Ada Lovelace and I live at 12 Elm Street, Boston." and "thanks, the order arrived this morning".
    #[test]
    fn labels_are_those_of_the_reference() {
        let network = Network::load(&file(super::super::Names::MODEL)).unwrap();
        let texts = [TEXT.iter().map(|(id, ..)| *id).collect(), PLAIN.to_vec()];
        let together = network.run(&texts).unwrap();
        for ((id, label, none), row) in TEXT.iter().zip(together.chunks(LABELS)) {
            let best = (0..LABELS).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
            assert_eq!(best, *label, "token {id}");
            assert!((row[0] - none).abs() < 0.15, "token {id}: {} and not {none}", row[0]);
        }
        assert!(together[TEXT.len() * LABELS..].chunks(LABELS).all(|row| row[0] > 0.9));
        let alone = network.run(&texts[1..]).unwrap();
        let difference = alone.iter().zip(&together[TEXT.len() * LABELS..]).map(|(a, b)| (a - b).abs());
        assert!(difference.fold(0.0, f32::max) < 1e-4, "a text looks at its neighbour");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let network = Network::load(&file(super::super::Names::MODEL)).unwrap();
        assert!(network.run(&[vec![u32::MAX]]).is_err());
        assert!(network.run(&[vec![5; POSITIONS + 1]]).is_err());
        assert_eq!(network.run(&[]).unwrap(), [0.0; 0]);
        assert!(Network::load(&file(super::super::Names::MODEL)[..1 << 20]).is_err());
    }

    #[rustfmt::skip]
    const TEXT: &[(u32, usize, f32)] = &[
        (2, 0, 0.63), (15545, 0, 1.0), (921, 0, 1.0), (15941, 0, 1.0), (7191, 1, 0.0), (18621, 3, 0.0), (10546, 3, 0.0), (2550, 0, 1.0),
        (778, 0, 1.0), (1524, 0, 1.0), (12237, 0, 1.0), (13841, 23, 0.013), (1668, 25, 0.001), (9398, 26, 0.002), (8381, 0, 1.0),
        (3742, 29, 0.002), (7148, 0, 1.0), (3, 0, 1.0),
    ];
    const PLAIN: &[u32] = &[2, 16102, 8381, 17307, 17095, 11325, 281, 16796, 3];
}
