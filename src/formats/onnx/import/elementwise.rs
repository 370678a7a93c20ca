//! Arithmetic with constants, and activations, whole or in their parts.

use super::constant::Constant;
use super::file::{Node, REMEDY};
use super::joins::shortest;
use super::walk::{BYTE, Form, Operand, Value, Walk};
use crate::formats::onnx::shown::Found;
use crate::layers::{Activate, Activation};

impl<'a> Walk<'a> {
    /// An `Add`, `Sub`, `Mul` or `Div` of two values, or of one and a constant.
    pub fn arithmetic(&mut self, node: Node<'a>) -> Found<()> {
        let none = || format!("it needs two inputs; {REMEDY}");
        let [one, other] = [self.input(node, 0)?.ok_or_else(none)?, self.input(node, 1)?.ok_or_else(none)?];
        match (one, other) {
            (Operand::Value(value), Operand::Constant(constant)) => {
                let value = self.passed(value, node, 0);
                self.by_constant(node, value, &constant, false)
            }
            (Operand::Constant(constant), Operand::Value(value)) => {
                let value = self.passed(value, node, 1);
                self.by_constant(node, value, &constant, true)
            }
            _ if node.operator() == "Add" => self.sum(node),
            _ if node.operator() == "Mul" => self.product_of_two(node),
            _ => Err(format!("it is of two values; supported are the sum of two, and x * Sigmoid(x); {REMEDY}")),
        }
    }

    fn by_constant(&mut self, node: Node<'a>, value: Value, constant: &Constant<'a>, comes_first: bool) -> Found<()> {
        let operator = node.operator();
        if operator == "Div" && comes_first {
            return Err(format!("it divides by a value; {REMEDY}"));
        }
        // What a number of the constant does.
        let affine = |number: f32| {
            let number = f64::from(number);
            match operator {
                "Add" => (1.0, number),
                "Sub" if comes_first => (-1.0, number),
                "Sub" => (1.0, -number),
                "Mul" => (number, 0.0),
                _ => (1.0 / number, 0.0),
            }
        };
        let axis = self.constant_axis(&value, constant)?;
        if let Some(number) = constant.scalar() {
            let (scale, offset) = affine(number);
            if !scale.is_finite() || !offset.is_finite() {
                return Err(format!("its number {number} is none to calculate with; {REMEDY}"));
            }
            return self.by_number(node, value, scale, offset);
        }
        let Some((axis, count)) = axis else { return Err(format!("its constant has no values; {REMEDY}")) };
        let value = self.made(value)?;
        self.layers.pay(count)?;
        let mut pairs: Vec<(f64, f64)> = (0..count).map(|place| affine(constant.at(place))).collect();
        if pairs.iter().any(|&(scale, offset)| self.is_of_bytes(&value, scale, offset)) {
            pairs.iter_mut().for_each(|(scale, _)| *scale *= BYTE);
        }
        self.channelwise(node, value, axis, |place| pairs[place].0, |place| pairs[place].1)
    }

    /// Where a constant has several values, the value's axis that they are along, and how many.
    fn constant_axis(&self, value: &Value, constant: &Constant<'a>) -> Found<Option<(usize, usize)>> {
        let sizes = value.view.sizes(self.axes(value));
        let fail = || {
            let shape = super::view::sizes(&sizes);
            format!(
                "its constant {:?} is neither one number nor one for each channel of {shape}; {REMEDY}",
                constant.shape
            )
        };
        let skipped = sizes.len().checked_sub(constant.shape.len()).ok_or_else(fail)?;
        let mut long = constant.shape.iter().enumerate().filter(|(_, size)| **size != 1);
        let axis = long.next().map(|(index, &size)| (skipped + index, size));
        if long.next().is_some() || axis.is_some_and(|(axis, size)| sizes[axis] != size as i64) {
            return Err(fail());
        }
        Ok(axis)
    }

    /// `scale * x + offset`
    pub fn by_number(&mut self, node: Node<'a>, mut value: Value, by: f64, more: f64) -> Found<()> {
        let is_open = match value.form {
            Form::Affine { .. } | Form::Erf { .. } => true,
            Form::TimesErf { .. } => more == 0.0,
            _ => false,
        };
        if !is_open {
            value = self.made(value)?;
        }
        value.form = match value.form {
            Form::Affine { scale, offset } => Form::Affine { scale: scale * by, offset: offset * by + more },
            Form::Erf { within, scale, offset } => Form::Erf { within, scale: scale * by, offset: offset * by + more },
            Form::TimesErf { within, scale, offset } => {
                Form::TimesErf { within, scale: scale * by, offset: offset * by }
            }
            form => form,
        };
        self.make(node, Operand::Value(value))
    }

    /// A product that is an activation: of x and its sigmoid, or its error function.
    fn product_of_two(&mut self, node: Node<'a>) -> Found<()> {
        let [one, other] = [self.value(node, 0)?, self.value(node, 1)?];
        let is_share = |value: &Value| matches!(value.form, Form::Sigmoid | Form::Erf { .. });
        let (mut x, share) = if is_share(&one) { (other, one) } else { (one, other) };
        if !matches!(x.form, Form::Affine { .. }) || x.of != share.of {
            x = self.made(x)?;
        }
        let problem = "it multiplies two values; supported are x * Sigmoid(x) and the parts of a gelu";
        if x.of != share.of || x.view != share.view {
            return Err(format!("{problem}; {REMEDY}"));
        }
        let form = match (x.form, share.form) {
            (Form::Affine { scale, offset: 0.0 }, Form::Erf { within, scale: by, offset }) => {
                Form::TimesErf { within, scale: scale * by, offset: scale * offset }
            }
            (Form::Affine { scale, offset: 0.0 }, Form::Sigmoid) => {
                let value = Value { form: Form::NONE, only: false, ..x.clone() };
                let of = self.activated(&value, Activate::new(Activation::Silu))?;
                let value = Value { of, only: true, form: Form::Affine { scale, offset: 0.0 }, ..x };
                return self.make(node, Operand::Value(value));
            }
            _ => return Err(format!("{problem}; {REMEDY}")),
        };
        self.make(node, Operand::Value(Value { form, only: false, ..x }))
    }

    /// An activation that a node is by itself.
    pub fn activation(&mut self, node: Node<'a>) -> Found<()> {
        let plain = Activate::new;
        let activate = match node.operator() {
            "Tanh" => plain(Activation::Tanh),
            "LeakyRelu" => Activate { negative_slope: Some(node.float("alpha", 0.01)), ..plain(Activation::LeakyRelu) },
            "PRelu" => {
                let slope = self.constant(node, 1)?.and_then(|slope| slope.scalar());
                let slope = slope.ok_or_else(|| format!("its slopes are of several channels; {REMEDY}"))?;
                Activate { negative_slope: Some(slope), ..plain(Activation::LeakyRelu) }
            }
            "Elu" => Activate { alpha: Some(node.float("alpha", 1.0)), ..plain(Activation::Elu) },
            "Swish" if node.float("alpha", 1.0) == 1.0 => plain(Activation::Silu),
            "Gelu" if node.text("approximate").unwrap_or("none") == "none" => plain(Activation::Gelu),
            _ => return Err(format!("it is not exact, or has another factor; {REMEDY}")),
        };
        let value = self.real(node, 0)?;
        let of = self.activated(&value, activate)?;
        self.make_output(node, of, value.view)
    }

    /// A sigmoid, which may be half of a silu.
    pub fn sigmoid(&mut self, node: Node<'a>) -> Found<()> {
        let value = self.real(node, 0)?;
        self.make(node, Operand::Value(Value { form: Form::Sigmoid, ..value }))
    }

    /// An error function, which must be part of a gelu.
    pub fn error_function(&mut self, node: Node<'a>) -> Found<()> {
        let value = self.value(node, 0)?;
        let value = match value.form {
            Form::Affine { offset: 0.0, .. } => value,
            _ => self.made(value)?,
        };
        let Form::Affine { scale: within, .. } = value.form else { return Err(format!("it is of no value; {REMEDY}")) };
        let form = Form::Erf { within, scale: 1.0, offset: 0.0 };
        self.make(node, Operand::Value(Value { form, only: false, ..value }))
    }

    /// A `Relu`, `Clip`, `Min` or `Max` with numbers.
    pub fn bounds(&mut self, node: Node<'a>) -> Found<()> {
        let operator = node.operator();
        let (mut least, mut most) = (f32::NEG_INFINITY, f32::INFINITY);
        let mut place = 0;
        match operator {
            "Relu" => least = 0.0,
            "Clip" => {
                let number = |name: &str, index: usize, default: f32| -> Found<f32> {
                    match self.constant(node, index)? {
                        Some(number) => number.scalar().ok_or_else(|| format!("its bounds are no numbers; {REMEDY}")),
                        None => Ok(node.float(name, default)),
                    }
                };
                (least, most) = (number("min", 1, least)?, number("max", 2, most)?);
            }
            _ => {
                let mut values = 0;
                for (index, _) in node.inputs().enumerate().take(3) {
                    match self.input(node, index)? {
                        Some(Operand::Constant(constant)) => {
                            let number =
                                constant.scalar().ok_or_else(|| format!("its bound is no number; {REMEDY}"))?;
                            if operator == "Max" { least = least.max(number) } else { most = most.min(number) }
                        }
                        _ => (place, values) = (index, values + 1),
                    }
                }
                if values != 1 || node.inputs().count() > 2 {
                    return Err(format!("it is of several values; supported is a value and a number; {REMEDY}"));
                }
            }
        }
        if least.is_nan() || most.is_nan() || least > most {
            return Err(format!("its bounds {least} and {most} are none; {REMEDY}"));
        }
        // The largest number stands for none.
        let (least, most) = (
            if least <= f32::MIN { f64::NEG_INFINITY } else { shortest(f64::from(least)) },
            if most >= f32::MAX { f64::INFINITY } else { shortest(f64::from(most)) },
        );
        let value = self.value(node, place)?;
        let value = if let Form::Bounded { .. } = value.form { value } else { self.made(value)? };
        let (low, high) = match value.form {
            Form::Bounded { low, high } => (low.clamp(least, most), high.clamp(least, most)),
            _ => (least, most),
        };
        self.make(node, Operand::Value(Value { form: Form::Bounded { low, high }, ..value }))
    }

    /// The end of a network: probabilities, or their logarithms, of its classes.
    pub fn softmax(&mut self, node: Node<'a>) -> Found<()> {
        let value = self.real(node, 0)?;
        let default = if self.file.opset < 13 { 1 } else { -1 };
        let axis = value.view.axis(node.integer("axis", default))?;
        let axes = self.axes(&value);
        if axes.size(value.view.0[axis]) != axes.values() || axis == 0 {
            return Err(format!("its axis {axis} is not that of all classes; {REMEDY}"));
        }
        self.make(node, Operand::Value(Value { form: Form::Softmax, ..value }))
    }
}
