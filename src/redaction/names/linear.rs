//! `x W + b` with 8-bit weights and activations: the weights are brought to 8 bits a row once, the activations a token at a time.

use rten_gemm::{GemmExecutor, GemmInputA, GemmInputB, GemmOptions, PackedBMatrix};
use rten_simd::{Isa, SimdOp};
use rten_tensor::NdTensorView;
use rten_vecmath::{ExtendInit, MinMax, Quantize};

use super::ModelError;

/// Multiplies 8-bit matrices with the best instructions of this machine.
pub(super) type Multiplier = GemmExecutor<u8, i8, i32>;

/// A layer `x W + b`, packed for [`Multiplier`].
pub(super) struct Linear {
    weights: PackedBMatrix<i8>,
    scales: Vec<f32>,
    /// What an activation of 1 in every input adds to each sum: the share of the activations' zero is taken off by it.
    sums: Vec<i32>,
    bias: Vec<f32>,
    inputs: usize,
}

impl Linear {
    /// Brings `weights`, one row of `inputs` numbers an output, to 8 bits with a scale a row.
    pub(super) fn new(
        multiplier: &Multiplier,
        weights: &[f32],
        bias: Vec<f32>,
        inputs: usize,
    ) -> Result<Linear, ModelError> {
        let outputs = bias.len();
        if weights.len() != outputs * inputs {
            return Err(ModelError::Format("a layer has the wrong size"));
        }
        // Machines without VNNI add two products in 16 bits: 7 bits of weight keep that sum from overflowing.
        let most = if multiplier.may_saturate() { 63.0 } else { 127.0 };
        let (mut quantised, mut scales) = (Vec::with_capacity(weights.len()), Vec::with_capacity(outputs));
        for row in weights.chunks_exact(inputs) {
            let largest = row.iter().fold(f32::MIN_POSITIVE, |most, weight| most.max(weight.abs()));
            quantised.extend(row.iter().map(|weight| (weight / largest * most).round() as i8));
            scales.push(largest / most);
        }
        let sums = quantised.chunks_exact(inputs).map(|row: &[i8]| row.iter().map(|&weight| i32::from(weight)).sum());
        let sums = sums.collect();
        let view = NdTensorView::from_data([outputs, inputs], &quantised[..]);
        Ok(Linear { weights: multiplier.prepack_b(view.transposed()), scales, sums, bias, inputs })
    }

    /// Computes the layer for every row of `input`.
    pub(super) fn apply(
        &self,
        multiplier: &Multiplier,
        input: &Activations,
        output: &mut Vec<f32>,
    ) -> Result<(), ModelError> {
        let (rows, outputs) = (input.scales.len(), self.bias.len());
        let mut sums = vec![0i32; rows * outputs];
        let matrix = NdTensorView::from_data([rows, self.inputs], &input.values[..]);
        multiplier
            .gemm(&mut sums, GemmInputA::Unpacked(matrix), GemmInputB::Packed(&self.weights), GemmOptions::default())
            .map_err(|_| ModelError::Format("a layer does not fit"))?;
        output.clear();
        output.resize(rows * outputs, 0.0);
        let lines =
            sums.chunks_exact(outputs).zip(output.chunks_exact_mut(outputs)).zip(&input.scales).zip(&input.zeros);
        for (((sums, output), &scale), &zero) in lines {
            Dequantise { layer: self, sums, output, scale, zero: zero.into() }.dispatch();
        }
        Ok(())
    }
}

/// Rows of numbers in 8 bits, each row with its scale and zero.
#[derive(Default)]
pub(super) struct Activations {
    values: Vec<u8>,
    zeros: Vec<u8>,
    scales: Vec<f32>,
}

impl Activations {
    /// Brings rows of `width` numbers to 8 bits.
    pub(super) fn fill(&mut self, rows: &[f32], width: usize) {
        self.values.clear();
        self.zeros.clear();
        self.scales.clear();
        self.values.reserve(rows.len());
        for row in rows.chunks_exact(width) {
            let (low, high) = MinMax::new(row).dispatch();
            let (low, high) = (low.min(0.0), high.max(0.0));
            let scale = ((high - low) / 255.0).max(f32::MIN_POSITIVE);
            let zero = (-low / scale).round() as u8;
            self.zeros.push(zero);
            self.scales.push(scale);
            self.values.extend_init(|space| Quantize::new(row, &mut space[..width], scale.recip(), zero).dispatch());
        }
    }
}

/// Sums of 8-bit products back to numbers.
struct Dequantise<'a> {
    layer: &'a Linear,
    sums: &'a [i32],
    output: &'a mut [f32],
    scale: f32,
    zero: i32,
}

impl SimdOp for Dequantise<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, _: I) {
        let columns = self.layer.sums.iter().zip(&self.layer.scales).zip(&self.layer.bias);
        for ((output, &sum), ((&ones, scale), bias)) in self.output.iter_mut().zip(self.sums).zip(columns) {
            *output = (sum - self.zero * ones) as f32 * (self.scale * scale) + bias;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns numbers that look drawn by lot, from -1 to 1.
    fn noise(length: usize, seed: u32) -> Vec<f32> {
        let step = |state: &mut u32| {
            *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Some(f64::from(*state) as f32 / (u32::MAX as f32 / 2.0) - 1.0)
        };
        (0..length).scan(seed, |state, _| step(state)).collect()
    }

    #[test]
    fn eight_bits_come_near_the_exact_product() {
        let multiplier = Multiplier::new();
        for (rows, inputs, outputs) in [(1, 384, 35), (7, 384, 35), (40, 384, 384), (7, 384, 1152), (3, 1536, 384)] {
            let (input, weights, bias) = (noise(rows * inputs, 1), noise(outputs * inputs, 2), noise(outputs, 3));
            let layer = Linear::new(&multiplier, &weights, bias.clone(), inputs).unwrap();
            let (mut activations, mut output) = (Activations::default(), Vec::new());
            activations.fill(&input, inputs);
            layer.apply(&multiplier, &activations, &mut output).unwrap();
            for (row, line) in input.chunks(inputs).zip(output.chunks(outputs)) {
                for ((weights, bias), got) in weights.chunks(inputs).zip(&bias).zip(line) {
                    let exact = bias + row.iter().zip(weights).map(|(a, b)| a * b).sum::<f32>();
                    assert!((exact - got).abs() < 0.5, "{rows}x{inputs}x{outputs}: {exact} {got}");
                }
            }
        }
    }
}
