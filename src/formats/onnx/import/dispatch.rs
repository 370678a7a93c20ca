//! Which node is what.

use super::file::{Node, REMEDY};
use super::walk::Walk;
use crate::formats::onnx::shown::Found;

const SUPPORTED: &str = "supported are Conv, Gemm, MatMul, BatchNormalization, Relu, Clip, LeakyRelu, PRelu, Elu, \
                         Tanh, Sigmoid, Gelu, Swish, pools, Add, Concat, Flatten, Reshape, Transpose, Dropout, and a \
                         last Softmax";

impl<'a> Walk<'a> {
    /// Reads a node. What is wrong with it is said with its name.
    pub fn take(&mut self, node: Node<'a>) -> Found<()> {
        self.dispatch(node).map_err(|problem| format!("{}: {problem}", node.place()))
    }

    fn dispatch(&mut self, node: Node<'a>) -> Found<()> {
        if node.operator() == "Constant" {
            return self.constant_node(node);
        }
        if let Some(constants) = self.constants(node)? {
            return self.fold(node, &constants);
        }
        match node.operator() {
            "Identity" => self.identity(node),
            "Cast" => self.cast(node),
            "Dropout" => self.dropout(node),
            "Transpose" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => self.view(node),
            "Shape" => self.shape(node),
            "Conv" => self.convolution(node),
            "Gemm" => self.gemm(node),
            "MatMul" => self.matrix_product(node),
            "BatchNormalization" => self.batch_normalization(node),
            "MaxPool" | "AveragePool" => self.pool(node),
            "GlobalAveragePool" | "GlobalMaxPool" => self.global_pool(node),
            "ReduceMean" | "ReduceMax" => self.reduction(node),
            "Pad" => self.pad(node),
            "Add" | "Sub" | "Mul" | "Div" => self.arithmetic(node),
            "Neg" => {
                let value = self.value(node, 0)?;
                self.by_number(node, value, -1.0, 0.0)
            }
            "Sum" => self.sum(node),
            "Concat" => self.concatenation(node),
            "Relu" | "Clip" | "Min" | "Max" => self.bounds(node),
            "Tanh" | "LeakyRelu" | "PRelu" | "Elu" | "Gelu" | "Swish" => self.activation(node),
            "Sigmoid" => self.sigmoid(node),
            "Erf" => self.error_function(node),
            "Softmax" | "LogSoftmax" => self.softmax(node),
            _ => Err(format!("this operator is unsupported; {SUPPORTED}: {REMEDY}")),
        }
    }
}
