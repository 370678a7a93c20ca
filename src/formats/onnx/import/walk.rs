//! What is known while a file's nodes are read one after the other: its values, as far as they are layers' outputs
//! here.

use std::collections::HashMap;

use super::constant::Constant;
use super::file::{File, Node, REMEDY};
use super::images::Input;
use super::layers::Layers;
use super::view::{Axes, View};
use crate::formats::onnx::shown::{Found, shown};
use crate::layers::{Activate, Activation, Flatten, Layer, Rescaling};

/// The largest byte, which is a pixel of 1 here.
pub const BYTE: f64 = 255.0;

pub struct Walk<'a> {
    pub file: &'a File<'a>,
    pub layers: Layers,
    /// The size of the batch, where the file has one for all.
    pub batch: Option<i64>,
    /// Whether the file says that it takes bytes.
    is_bytes: bool,
    /// In words, what is not in the file as it is here.
    pub left_out: Vec<String>,
    known: HashMap<&'a [u8], Operand<'a>>,
    /// Values that became a layer's output: the value and what was to be done to it, and that output.
    done: Vec<(usize, Form, usize)>,
}

#[derive(Clone)]
pub enum Operand<'a> {
    Constant(Constant<'a>),
    Value(Value),
}

/// A layer's output, or the images, and what is to be done to it still.
#[derive(Clone, Debug)]
pub struct Value {
    /// 0 is the images, n + 1 the output of layer n.
    pub of: usize,
    pub view: View,
    pub form: Form,
    /// Whether nothing else in the file reads that output: then the layer may change.
    pub only: bool,
}

/// What several nodes do to a value before it is one that a layer makes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// `scale * x + offset`
    Affine {
        scale: f64,
        offset: f64,
    },
    /// x, but not less and not more.
    Bounded {
        low: f64,
        high: f64,
    },
    Sigmoid,
    /// `scale * erf(within * x) + offset`
    Erf {
        within: f64,
        scale: f64,
        offset: f64,
    },
    /// x times the same.
    TimesErf {
        within: f64,
        scale: f64,
        offset: f64,
    },
    /// Zeros around the image: `[[above, below], [left, right]]`
    Padded([[usize; 2]; 2]),
    /// Of the classes, or its logarithm.
    Softmax,
}

impl Form {
    pub const NONE: Self = Self::Affine { scale: 1.0, offset: 0.0 };
}

impl<'a> Walk<'a> {
    /// Over images of that shape, which the file's input is a view of.
    pub fn over(file: &'a File<'a>, image: [usize; 3], view: View, Input { batch, is_bytes }: Input) -> Self {
        let mut walk = Self {
            file,
            layers: Layers::over(image, file.length),
            batch,
            is_bytes,
            left_out: Vec::new(),
            known: HashMap::new(),
            done: Vec::new(),
        };
        if let Some((name, _)) = file.inputs.first() {
            let form = if is_bytes { Form::Affine { scale: BYTE, offset: 0.0 } } else { Form::NONE };
            walk.known.insert(name, Operand::Value(Value { of: 0, view, form, only: false }));
        }
        walk
    }

    /// What the name stands for.
    pub fn operand(&self, name: &'a [u8]) -> Found<Operand<'a>> {
        if let Some(known) = self.known.get(name) {
            return Ok(known.clone());
        }
        match self.file.initializers.get(name) {
            Some(tensor) => Constant::read(tensor, self.file.external).map(Operand::Constant),
            None => Err(format!("reads {}, which nothing before it makes; export the network again", shown(name))),
        }
    }

    /// What the node reads there; none where it is left out.
    pub fn input(&self, node: Node<'a>, index: usize) -> Found<Option<Operand<'a>>> {
        node.input(index).map(|name| self.operand(name)).transpose()
    }

    /// The value that the node reads there, as it is.
    pub fn value(&self, node: Node<'a>, index: usize) -> Found<Value> {
        match self.input(node, index)? {
            Some(Operand::Value(value)) => Ok(self.passed(value, node, index)),
            Some(Operand::Constant(_)) => Err(format!("its input {} is a constant; {REMEDY}", index + 1)),
            None => Err(format!("has no input {}; {REMEDY}", index + 1)),
        }
    }

    /// The value with `only` saying what it does for those who read what the node makes of it.
    pub fn passed(&self, value: Value, node: Node<'a>, index: usize) -> Value {
        let readers = node.input(index).map_or(0, |name| self.file.readers(name));
        Value { only: value.only && readers == 1, ..value }
    }

    /// The value that the node reads there, as a layer's output or the images.
    pub fn real(&mut self, node: Node<'a>, index: usize) -> Found<Value> {
        let value = self.value(node, index)?;
        self.made(value)
    }

    /// The weights, sizes or numbers that the node reads there; none where they are left out.
    pub fn constant(&self, node: Node<'a>, index: usize) -> Found<Option<Constant<'a>>> {
        match self.input(node, index)? {
            None => Ok(None),
            Some(Operand::Constant(constant)) => Ok(Some(constant)),
            Some(Operand::Value(_)) => Err(format!("its input {} must be a constant; {REMEDY}", index + 1)),
        }
    }

    /// Says what the node makes.
    pub fn make(&mut self, node: Node<'a>, made: Operand<'a>) -> Found<()> {
        for (index, name) in node.outputs().enumerate() {
            if index > 0 && !name.is_empty() && self.file.readers(name) > 0 {
                return Err(format!("its output {} is read, which no layer makes; {REMEDY}", index + 1));
            }
        }
        let Some(name) = node.outputs().next() else { return Ok(()) };
        if self.file.initializers.contains_key(name) || self.known.insert(name, made).is_some() {
            return Err(format!("makes {}, which is there already; export the network again", shown(name)));
        }
        Ok(())
    }

    /// Says that the node makes the output of a layer.
    pub fn make_output(&mut self, node: Node<'a>, of: usize, view: View) -> Found<()> {
        self.make(node, Operand::Value(Value { of, view, form: Form::NONE, only: true }))
    }

    pub fn axes(&self, value: &Value) -> &Axes {
        self.layers.axes(value.of)
    }

    /// The value as a layer's output or the images, with all done to it.
    pub fn made(&mut self, value: Value) -> Found<Value> {
        if value.form == Form::NONE {
            return Ok(value);
        }
        let done = self.done.iter().find(|(of, form, _)| (*of, *form) == (value.of, value.form));
        let of = match done {
            Some((.., made)) => *made,
            None => {
                let made = self.apply(&value)?;
                self.done.push((value.of, value.form, made));
                made
            }
        };
        Ok(Value { of, form: Form::NONE, ..value })
    }

    fn apply(&mut self, value: &Value) -> Found<usize> {
        match value.form {
            Form::Affine { scale, offset } => self.affine(value, scale, offset),
            Form::Bounded { low: f64::NEG_INFINITY, high: f64::INFINITY } => Ok(value.of),
            Form::Bounded { low: 0.0, high } => {
                let max_value = high.is_finite().then_some(high as f32);
                self.activated(value, Activate { max_value, ..Activate::new(Activation::Relu) })
            }
            Form::Bounded { low, high } => {
                Err(format!("reads a value between {low} and {high}; supported are bounds from 0 on"))
            }
            Form::Sigmoid => self.activated(value, Activate::new(Activation::Sigmoid)),
            Form::TimesErf { within, scale, offset } => {
                let is = |value: f64, wanted: f64| (value - wanted).abs() < 1e-5;
                match is(within, std::f64::consts::FRAC_1_SQRT_2) && is(scale, 0.5) && is(offset, 0.5) {
                    true => self.activated(value, Activate::new(Activation::Gelu)),
                    false => Err(format!("reads x * (a * erf(b * x) + c), which is no gelu; {REMEDY}")),
                }
            }
            Form::Erf { .. } => Err(format!("reads an error function that is not part of a gelu; {REMEDY}")),
            Form::Padded(_) => Err(format!("reads an image with zeros around it, which only a Conv may; {REMEDY}")),
            Form::Softmax => Err(format!("reads a softmax, which is only supported as the network's end; {REMEDY}")),
        }
    }

    /// `scale * x + offset`, in the layer before where that can be; of the images, a rescaling of their pixels / 255.
    fn affine(&mut self, value: &Value, scale: f64, offset: f64) -> Found<usize> {
        let scale = if self.is_of_bytes(value, scale, offset) { scale * BYTE } else { scale };
        // 1 / 255 as a number of 32 bits times 255.
        if (scale - 1.0).abs() < 1e-6 && offset.abs() < 1e-6 {
            return Ok(value.of);
        }
        let channels = self.axes(value).channels();
        if value.only
            && let Some(layer) = self.layers.of(value.of)
            && layer.is_linear()
        {
            layer.scale(channels, |_| scale, |_| offset);
            return Ok(value.of);
        }
        let axes = self.axes(value).clone();
        self.layers.push(Layer::Rescaling(Rescaling { scale, offset }), &[value.of], Vec::new(), Some(axes))
    }

    /// Whether the file's pixels, which it scales and moves so, are bytes, where nothing says so: nobody makes
    /// numbers of 0 to 1 so much smaller, or subtracts so much.
    pub fn is_of_bytes(&self, value: &Value, scale: f64, offset: f64) -> bool {
        value.of == 0 && !self.is_bytes && (scale.abs() < 1.0 / 16.0 || offset.abs() > 4.0 * scale.abs())
    }

    /// The value with an activation, of the layer before where that can be.
    pub fn activated(&mut self, value: &Value, mut activate: Activate) -> Found<usize> {
        activate.negative_slope = activate.negative_slope.filter(|&slope| slope != Activate::NEGATIVE_SLOPE);
        activate.alpha = activate.alpha.filter(|&alpha| alpha != Activate::ALPHA);
        let is_plain = activate == Activate::new(activate.activation);
        if value.only
            && is_plain
            && let Some(built) = self.layers.of(value.of)
            && built.is_linear()
            && let Some(own) = built.layer.own_activation()
        {
            *own = activate.activation;
            return Ok(value.of);
        }
        let axes = self.axes(value).clone();
        self.layers.push(Layer::Activation(activate), &[value.of], Vec::new(), Some(axes))
    }

    /// The value as features, and where the values of its one axis are in memory.
    pub fn flat(&mut self, value: Value) -> Found<Value> {
        let axes = self.axes(&value);
        if axes.flat {
            return Ok(value);
        }
        let flattened = axes.flattened();
        let flatten = Layer::Flatten(Flatten {});
        let done = self.done.iter().find(|(of, form, _)| (*of, *form) == (value.of, FLATTENED));
        let of = match done {
            Some((.., made)) => *made,
            None => {
                let made = self.layers.push(flatten, &[value.of], Vec::new(), Some(flattened))?;
                self.done.push((value.of, FLATTENED, made));
                made
            }
        };
        Ok(Value { of, only: false, ..value })
    }
}

/// What stands for a flatten among what is done: nothing is padded so.
const FLATTENED: Form = Form::Padded([[usize::MAX; 2]; 2]);
