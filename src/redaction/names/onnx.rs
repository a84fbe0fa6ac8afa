//! The tensors of an ONNX file, and which of them each matrix product of the graph takes.
//!
//! Only what [`super::network`] needs of the format (`onnx.proto3`, <https://github.com/onnx/onnx>): names, shapes and bytes. The file
//! was checked by hash before it comes here; what is missing or too short is still an error, never a panic.

use std::collections::HashMap;

use prost::Message;

use super::ModelError;

/// `ModelProto`.
#[derive(Message)]
struct Model {
    #[prost(message, optional, tag = "7")]
    graph: Option<Graph>,
}

/// `GraphProto`.
#[derive(Message)]
struct Graph {
    #[prost(message, repeated, tag = "1")]
    node: Vec<Node>,
    #[prost(message, repeated, tag = "5")]
    initializer: Vec<Tensor>,
}

/// `NodeProto`.
#[derive(Message)]
struct Node {
    #[prost(string, repeated, tag = "1")]
    input: Vec<String>,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(string, tag = "4")]
    op_type: String,
}

/// `TensorProto`.
#[derive(Message)]
struct Tensor {
    #[prost(float, repeated, tag = "4")]
    float_data: Vec<f32>,
    #[prost(int32, repeated, tag = "5")]
    int32_data: Vec<i32>,
    #[prost(string, tag = "8")]
    name: String,
    #[prost(bytes = "vec", tag = "9")]
    raw_data: Vec<u8>,
}

/// The tensors of a file by name, and the inputs of its matrix products.
pub(super) struct Tensors {
    tensors: HashMap<String, Tensor>,
    products: HashMap<String, Vec<String>>,
}

impl Tensors {
    /// Reads a model.
    ///
    /// # Errors
    /// [`ModelError::Format`] when the bytes are no ONNX model.
    pub(super) fn read(bytes: &[u8]) -> Result<Tensors, ModelError> {
        let model = Model::decode(bytes).map_err(|_| ModelError::Format("it is no ONNX file"))?;
        let graph = model.graph.ok_or(ModelError::Format("it holds no graph"))?;
        let products = graph.node.into_iter().filter(|node| node.op_type == "MatMulNBits");
        Ok(Tensors {
            products: products.map(|node| (node.name, node.input)).collect(),
            tensors: graph.initializer.into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect(),
        })
    }

    /// Returns the numbers of a float tensor of `length` elements.
    pub(super) fn floats(&self, name: &str, length: usize) -> Result<Vec<f32>, ModelError> {
        let tensor = self.tensors.get(name).ok_or(ModelError::Format("a tensor is missing"))?;
        let raw =
            tensor.raw_data.chunks_exact(4).map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
        let floats: Vec<f32> = if tensor.float_data.is_empty() { raw.collect() } else { tensor.float_data.clone() };
        if floats.len() == length { Ok(floats) } else { Err(ModelError::Format("a tensor has the wrong size")) }
    }

    /// Returns the bytes of a byte tensor of `length` elements.
    pub(super) fn bytes(&self, name: &str, length: usize) -> Result<Vec<u8>, ModelError> {
        let tensor = self.tensors.get(name).ok_or(ModelError::Format("a tensor is missing"))?;
        let wide = || tensor.int32_data.iter().map(|&value| value as u8).collect();
        let bytes = if tensor.raw_data.is_empty() { wide() } else { tensor.raw_data.clone() };
        if bytes.len() == length { Ok(bytes) } else { Err(ModelError::Format("a tensor has the wrong size")) }
    }

    /// Returns the weights of the matrix product called `name`, row by row: `outputs` rows of `inputs` each.
    ///
    /// `MatMulNBits` of ONNX Runtime: 4 bits a weight, the low half of a byte first, blocks of 32 along a row with a scale each, zero
    /// at 8.
    pub(super) fn product(&self, name: &str, outputs: usize, inputs: usize) -> Result<Vec<f32>, ModelError> {
        let of = self.products.get(name).ok_or(ModelError::Format("a matrix product is missing"))?;
        let [_, weights, scales] = &of[..] else { return Err(ModelError::Format("a matrix product has other inputs")) };
        let weights = self.bytes(weights, outputs * inputs / 2)?;
        let scales = self.floats(scales, outputs * inputs / BLOCK)?;
        let value = |half: u8, scale: f32| (f32::from(half) - 8.0) * scale;
        let block = |(bytes, scale): (&[u8], f32)| -> Vec<f32> {
            bytes.iter().flat_map(|byte| [value(byte & 15, scale), value(byte >> 4, scale)]).collect()
        };
        Ok(weights.chunks_exact(BLOCK / 2).zip(scales).flat_map(block).collect())
    }
}

/// Weights that share a scale.
const BLOCK: usize = 32;
