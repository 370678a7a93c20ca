//! Nodes of constants alone: their output is one, too.

use super::constant::{BATCH, Constant};
use super::file::{MOST_NUMBERS, Node, REMEDY};
use super::view::place;
use super::walk::{Operand, Walk};
use crate::formats::onnx::shown::Found;
use crate::geometry::product;

impl<'a> Walk<'a> {
    /// A `Constant`.
    pub fn constant_node(&mut self, node: Node<'a>) -> Found<()> {
        let constant = if let Some(tensor) = node.tensor("value") {
            Constant::read(tensor, self.file.external)?
        } else if node.has("value_float") {
            Constant::floats(Vec::new(), vec![node.float("value_float", 0.0)])
        } else if node.has("value_int") {
            Constant::integers(Vec::new(), vec![node.integer("value_int", 0)])
        } else if let Some(values) = node.floats("value_floats") {
            self.layers.pay(values.len())?;
            Constant::floats(vec![values.len()], values)
        } else if let Some(values) = node.integers("value_ints")? {
            Constant::integers(vec![values.len()], values)
        } else {
            return Err(format!("it has no number; {REMEDY}"));
        };
        self.make(node, Operand::Constant(constant))
    }

    /// All that the node reads, if it is constants and nothing else.
    pub fn constants(&self, node: Node<'a>) -> Found<Option<Vec<Constant<'a>>>> {
        let mut constants = Vec::new();
        for name in node.inputs().filter(|name| !name.is_empty()) {
            match self.operand(name)? {
                Operand::Constant(constant) if constants.len() < MOST_NUMBERS => constants.push(constant),
                _ => return Ok(None),
            }
        }
        Ok((!constants.is_empty()).then_some(constants))
    }

    /// What the node makes of these.
    pub fn fold(&mut self, node: Node<'a>, constants: &[Constant<'a>]) -> Found<()> {
        let first = &constants[0];
        let folded = match node.operator() {
            "Identity" | "Dropout" => first.clone(),
            "Cast" => self.converted(node, first)?,
            "Reshape" => first.reshaped(target(first, &self.sizes(node, "shape")?)?),
            "Flatten" => {
                let axis = place(node.integer("axis", 1), first.shape.len() + 1)?;
                let (rows, columns) = first.shape.split_at(axis);
                first.reshaped(vec![rows.iter().product(), columns.iter().product()])
            }
            "Squeeze" => {
                let axes = self.numbers(node, "axes")?;
                first.reshaped(squeezed(&first.shape, axes)?)
            }
            "Unsqueeze" => {
                let axes = self.sizes(node, "axes")?;
                first.reshaped(unsqueezed(&first.shape, &axes)?)
            }
            "Transpose" => self.transposed(node, first)?,
            "Concat" => self.concatenated(node, constants)?,
            "Gather" => {
                let index = |index: i64| place(index, first.count());
                let [_, indices] = constants else { return Err(unfit()) };
                if first.shape.len() != 1 {
                    return Err(unfit());
                }
                let (numbers, indices) = (first.numbers()?, (indices.shape.clone(), indices.numbers()?));
                let found = indices.1.into_iter().map(|one| Ok(numbers[index(one)?])).collect::<Found<_>>()?;
                Constant::integers(indices.0, found)
            }
            "Slice" => self.sliced(node, first)?,
            "Add" | "Sub" | "Mul" | "Div" => self.calculated(node, constants)?,
            "Sqrt" | "Neg" | "Reciprocal" => self.each(first, |value| match node.operator() {
                "Sqrt" => value.sqrt(),
                "Neg" => -value,
                _ => 1.0 / value,
            })?,
            _ => return Err(format!("it is of constants alone, which is not supported; fold them before: {REMEDY}")),
        };
        self.make(node, Operand::Constant(folded))
    }

    fn sizes(&self, node: Node<'a>, attribute: &str) -> Found<Vec<i64>> {
        self.numbers(node, attribute)?.ok_or_else(unfit)
    }

    fn converted(&mut self, node: Node<'a>, constant: &Constant<'a>) -> Found<Constant<'a>> {
        let to_integers = !matches!(node.integer("to", 0), 1 | 10 | 11 | 16);
        match to_integers && !constant.is_integer() {
            true => Ok(Constant::integers(constant.shape.clone(), constant.numbers()?)),
            false => Ok(constant.clone()),
        }
    }

    fn transposed(&mut self, node: Node<'a>, constant: &Constant<'a>) -> Found<Constant<'a>> {
        let rank = constant.shape.len();
        let order = node.integers("perm")?.unwrap_or_else(|| (0..rank as i64).rev().collect());
        let order: Vec<usize> = order.into_iter().map(|axis| place(axis, rank)).collect::<Found<_>>()?;
        if (0..rank).any(|axis| !order.contains(&axis)) || order.len() != rank {
            return Err(unfit());
        }
        self.layers.pay(constant.count())?;
        let shape = order.iter().map(|&axis| constant.shape[axis]).collect();
        Ok(Constant::floats(shape, constant.permuted(&constant.shape, &order)))
    }

    /// Along the first axis of sizes and short vectors.
    fn concatenated(&mut self, node: Node<'a>, constants: &[Constant<'a>]) -> Found<Constant<'a>> {
        if constants.iter().any(|constant| constant.shape.len() != 1) || place(node.integer("axis", 0), 1)? != 0 {
            return Err(unfit());
        }
        let count = constants.iter().map(Constant::count).sum::<usize>();
        if constants.iter().all(Constant::is_integer) {
            let numbers = constants.iter().map(Constant::numbers).collect::<Found<Vec<_>>>()?.concat();
            return Ok(Constant::integers(vec![count], numbers));
        }
        self.layers.pay(count)?;
        let values = |constant: &Constant| (0..constant.count()).map(|place| constant.at(place)).collect::<Vec<_>>();
        Ok(Constant::floats(vec![count], constants.iter().flat_map(values).collect()))
    }

    /// Part of a short list of sizes.
    fn sliced(&mut self, node: Node<'a>, constant: &Constant<'a>) -> Found<Constant<'a>> {
        let numbers = constant.numbers()?;
        let count = numbers.len() as i64;
        let part = |name: &str, index: usize, default: i64| -> Found<i64> {
            let given = match self.constant(node, index)? {
                Some(constant) => Some(constant.numbers()?),
                None => node.integers(name)?,
            };
            match given.as_deref() {
                None => Ok(default),
                Some([number]) => Ok(*number),
                Some(_) => Err(unfit()),
            }
        };
        let end = |place: i64| (if place < 0 { place.saturating_add(count) } else { place }).clamp(0, count) as usize;
        let (start, stop) = (end(part("starts", 1, 0)?), end(part("ends", 2, count)?));
        if (constant.shape.len(), part("axes", 3, 0)?, part("steps", 4, 1)?) != (1, 0, 1) {
            return Err(unfit());
        }
        let numbers = numbers.get(start..stop).unwrap_or_default().to_vec();
        Ok(Constant::integers(vec![numbers.len()], numbers))
    }

    /// Of two of the same shape, or of one and a number.
    fn calculated(&mut self, node: Node<'a>, constants: &[Constant<'a>]) -> Found<Constant<'a>> {
        let [one, other] = constants else { return Err(unfit()) };
        let is_number = |constant: &Constant| constant.count() == 1;
        if one.shape != other.shape && !is_number(one) && !is_number(other) {
            return Err(unfit());
        }
        let shape = if is_number(one) { other.shape.clone() } else { one.shape.clone() };
        let operator = node.operator();
        if one.is_integer() && other.is_integer() {
            let (ones, others) = (one.numbers()?, other.numbers()?);
            let at = |numbers: &[i64], place: usize| numbers[if numbers.len() == 1 { 0 } else { place }];
            let number = |place: usize| {
                let (one, other) = (at(&ones, place), at(&others, place));
                let number = match operator {
                    _ if one == BATCH || other == BATCH => None,
                    "Add" => one.checked_add(other),
                    "Sub" => one.checked_sub(other),
                    "Mul" => one.checked_mul(other),
                    _ => one.checked_div(other),
                };
                number.ok_or_else(unfit)
            };
            let numbers = (0..ones.len().max(others.len())).map(number).collect::<Found<_>>()?;
            return Ok(Constant::integers(shape, numbers));
        }
        let count = product(&shape).ok_or_else(unfit)?;
        self.layers.pay(count)?;
        let at = |constant: &Constant, place: usize| constant.at(if is_number(constant) { 0 } else { place });
        let value = |place: usize| {
            let (one, other) = (at(one, place), at(other, place));
            match operator {
                "Add" => one + other,
                "Sub" => one - other,
                "Mul" => one * other,
                _ => one / other,
            }
        };
        Ok(Constant::floats(shape, (0..count).map(value).collect()))
    }

    fn each(&mut self, constant: &Constant<'a>, of: impl Fn(f32) -> f32) -> Found<Constant<'a>> {
        self.layers.pay(constant.count())?;
        let values = (0..constant.count()).map(|place| of(constant.at(place))).collect();
        Ok(Constant::floats(constant.shape.clone(), values))
    }
}

fn unfit() -> String {
    format!("its constants do not fit it; {REMEDY}")
}

/// The shape that a constant gets, where one size may be -1 and 0 is the size that is there.
fn target(constant: &Constant, target: &[i64]) -> Found<Vec<usize>> {
    let size = |(index, &size): (usize, &i64)| match size {
        0 => constant.shape.get(index).copied(),
        -1 => Some(1),
        size => usize::try_from(size).ok(),
    };
    let mut shape: Vec<usize> = target.iter().enumerate().map(size).collect::<Option<_>>().ok_or_else(unfit)?;
    let known = product(&shape).filter(|&known| known > 0).ok_or_else(unfit)?;
    if let Some(open) = target.iter().position(|&size| size == -1) {
        shape[open] = constant.count() / known;
    }
    if product(&shape) == Some(constant.count()) { Ok(shape) } else { Err(unfit()) }
}

fn squeezed(shape: &[usize], axes: Option<Vec<i64>>) -> Found<Vec<usize>> {
    let gone = match axes {
        None => (0..shape.len()).filter(|&axis| shape[axis] == 1).collect(),
        Some(axes) => axes.into_iter().map(|axis| place(axis, shape.len())).collect::<Found<Vec<_>>>()?,
    };
    if gone.iter().any(|&axis| shape[axis] != 1) {
        return Err(unfit());
    }
    Ok((0..shape.len()).filter(|axis| !gone.contains(axis)).map(|axis| shape[axis]).collect())
}

fn unsqueezed(shape: &[usize], axes: &[i64]) -> Found<Vec<usize>> {
    let rank = shape.len() + axes.len();
    let new: Vec<usize> = axes.iter().map(|&axis| place(axis, rank)).collect::<Found<_>>()?;
    let mut old = shape.iter().copied();
    Ok((0..rank).map(|axis| if new.contains(&axis) { 1 } else { old.next().unwrap_or(1) }).collect())
}
