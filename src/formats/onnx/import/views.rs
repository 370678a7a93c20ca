//! Nodes that compute nothing where a network predicts: other views of a value, its shape, and dropout.

use super::constant::Constant;
use super::file::{Node, REMEDY};
use super::view::View;
use super::walk::{Form, Operand, Value, Walk};
use crate::formats::onnx::shown::Found;
use crate::layers::{Dropout, Layer};

impl<'a> Walk<'a> {
    /// The same value.
    pub fn identity(&mut self, node: Node<'a>) -> Found<()> {
        let value = self.value(node, 0)?;
        self.make(node, Operand::Value(value))
    }

    /// To numbers with fractions: nothing is lost.
    pub fn cast(&mut self, node: Node<'a>) -> Found<()> {
        match node.integer("to", 0) {
            1 | 10 | 11 | 16 => self.identity(node),
            code => Err(format!("it makes numbers of the type {code}, which loses fractions; {REMEDY}")),
        }
    }

    pub fn dropout(&mut self, node: Node<'a>) -> Found<()> {
        let rate = match self.constant(node, 1)? {
            Some(ratio) => ratio.scalar().unwrap_or(0.5),
            None => node.float("ratio", 0.5),
        };
        if rate == 0.0 {
            return self.identity(node);
        }
        let value = self.real(node, 0)?;
        let axes = self.axes(&value).clone();
        let of = self.layers.push(Layer::Dropout(Dropout { rate }), &[value.of], Vec::new(), Some(axes))?;
        self.make_output(node, of, value.view)
    }

    /// The sizes, or the axes, that a node has as an attribute, or as its second input in newer files.
    pub fn numbers(&self, node: Node<'a>, attribute: &str) -> Found<Option<Vec<i64>>> {
        match self.constant(node, 1)? {
            Some(numbers) => numbers.numbers().map(Some),
            None => node.integers(attribute),
        }
    }

    /// A `Transpose`, `Reshape`, `Flatten`, `Squeeze` or `Unsqueeze`.
    pub fn view(&mut self, node: Node<'a>) -> Found<()> {
        let value = self.value(node, 0)?;
        let axes = self.axes(&value);
        if matches!(value.form, Form::Padded(_)) && node.operator() != "Transpose" {
            self.made(value)?;
            return Ok(());
        }
        let none = || format!("it does not say which axes or sizes; {REMEDY}");
        let view = match node.operator() {
            "Transpose" => value.view.transposed(node.integers("perm")?)?,
            "Flatten" => match value.view.axis(node.integer("axis", 1))? {
                1 => value.view.flattened(axes)?,
                axis => return Err(format!("it flattens from axis {axis} on, not from 1; {REMEDY}")),
            },
            "Squeeze" => value.view.squeezed(self.numbers(node, "axes")?)?,
            "Unsqueeze" => value.view.unsqueezed(&self.numbers(node, "axes")?.ok_or_else(none)?)?,
            _ => {
                let target = self.numbers(node, "shape")?.ok_or_else(none)?;
                value.view.reshaped(axes, &target, node.integer("allowzero", 0) != 0, self.batch)?
            }
        };
        self.make(node, Operand::Value(Value { view, ..value }))
    }

    /// The sizes of a value, the batch's among them.
    pub fn shape(&mut self, node: Node<'a>) -> Found<()> {
        let value = self.value(node, 0)?;
        let sizes = value.view.sizes(self.axes(&value));
        let rank = sizes.len() as i64;
        let end = |axis: i64| (if axis < 0 { axis.saturating_add(rank) } else { axis }).clamp(0, rank) as usize;
        let (start, end) = (end(node.integer("start", 0)), end(node.integer("end", rank)));
        let sizes = sizes.get(start..end).unwrap_or_default().to_vec();
        self.make(node, Operand::Constant(Constant::integers(vec![sizes.len()], sizes)))
    }

    /// Refuses a value whose axes are not those of `expected`, in the words `what`.
    pub fn expect(&self, value: &Value, expected: &View, what: &str) -> Found<()> {
        if value.view == *expected {
            return Ok(());
        }
        let shape = super::view::sizes(&value.view.sizes(self.axes(value)));
        Err(format!("its input of the shape {shape} is no {what}; {REMEDY}"))
    }
}
