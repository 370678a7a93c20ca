//! Two classes apart by sequential minimal optimisation (Platt, 1998), with working sets by second-order information as
//! in libsvm (Fan, Chen and Lin, 2005).
//!
//! Minimises `a Q a / 2 - sum(a)` where each a is between 0 and the cost, and the sum of the signed ones is 0; Q is the
//! kernel's value times both signs.

use super::rbf::Kernel;
use crate::callback::{ProgressCallback, tell};
use crate::error::Result;

/// By how much the conditions of an optimum may be missed.
const TOLERANCE: f32 = 1e-3;
/// What a curvature is at least.
const LEAST_CURVATURE: f32 = 1e-12;
/// Steps between two calls of the callback.
const STEPS: usize = 1000;

/// The weight of each row, from 0 to the cost, and what is taken off the sum.
pub struct Solution {
    pub weights: Vec<f32>,
    pub offset: f32,
}

struct Dual<'a> {
    /// 1 or -1 by class.
    signs: &'a [f32],
    cost: f32,
    weights: Vec<f32>,
    gradient: Vec<f32>,
}

/// Solves the problem of a kernel whose diagonal is 1.
///
/// # Errors
/// An interrupt, where the callback asks for one.
pub fn solve(kernel: &mut Kernel, signs: &[f32], cost: f32, callback: ProgressCallback<()>) -> Result<Solution> {
    let count = signs.len();
    let mut dual = Dual { signs, cost, weights: vec![0.0; count], gradient: vec![-1.0; count] };
    let mut first_row = vec![0.0; count];
    // libsvm's limit; without noise it is not reached.
    for step in 1..=(100 * count).max(10_000_000) {
        let Some((first, highest)) = dual.first() else { break };
        first_row.copy_from_slice(kernel.row(first));
        let (second, lowest) = dual.second(&first_row, highest);
        let Some(second) = second else { break };
        if highest - lowest < TOLERANCE {
            break;
        }
        let changes = dual.step(first, second, curvature(first_row[second]));
        let rows = first_row.iter().zip(kernel.row(second));
        for ((gradient, sign), (one, other)) in dual.gradient.iter_mut().zip(signs).zip(rows) {
            *gradient += sign * (changes[0] * one + changes[1] * other);
        }
        if step % STEPS == 0 {
            tell(callback, ())?;
        }
    }
    Ok(Solution { offset: dual.offset(), weights: dual.weights })
}

/// The curvature along a pair's line.
fn curvature(value: f32) -> f32 {
    (2.0 - 2.0 * value).max(LEAST_CURVATURE)
}

impl Dual<'_> {
    /// Up to where the weight goes in the direction of its sign, and in the other.
    fn bounds(&self, place: usize) -> [f32; 2] {
        if self.signs[place] > 0.0 { [self.cost, 0.0] } else { [0.0, self.cost] }
    }

    /// By how much the objective falls where the signed weight grows.
    fn fall(&self, place: usize) -> f32 {
        -self.signs[place] * self.gradient[place]
    }

    /// Of the signed weights that can grow, the one with the steepest fall.
    fn first(&self) -> Option<(usize, f32)> {
        let mut best = None;
        let mut highest = f32::MIN;
        for place in 0..self.weights.len() {
            if self.weights[place] != self.bounds(place)[0] && self.fall(place) >= highest {
                highest = self.fall(place);
                best = Some((place, highest));
            }
        }
        best
    }

    /// Of the signed weights that can shrink, the one with which the first, whose row this is, wins most; and the
    /// lowest fall of all.
    fn second(&self, row: &[f32], highest: f32) -> (Option<usize>, f32) {
        let (mut best, mut most, mut lowest) = (None, 0.0, f32::MAX);
        for (place, &value) in row.iter().enumerate() {
            if self.weights[place] == self.bounds(place)[1] {
                continue;
            }
            lowest = lowest.min(self.fall(place));
            let difference = highest - self.fall(place);
            if difference > 0.0 {
                let gain = difference * difference / curvature(value);
                if gain >= most {
                    most = gain;
                    best = Some(place);
                }
            }
        }
        (best, lowest)
    }

    /// Moves a pair to where the objective is least on its line. Gives by how much the signed weights changed.
    fn step(&mut self, first: usize, second: usize, curvature: f32) -> [f32; 2] {
        let ends = [self.bounds(first)[0], self.bounds(second)[1]];
        let rooms = [first, second].map(|place| self.weights[place]);
        let rooms = [(ends[0] - rooms[0]).abs(), (ends[1] - rooms[1]).abs()];
        let wanted = (self.fall(first) - self.fall(second)) / curvature;
        let length = wanted.min(rooms[0]).min(rooms[1]);
        let mut moved = |place: usize, side: usize, direction: f32| {
            let (before, sign) = (self.weights[place], self.signs[place]);
            // At the bound itself whatever rounding says: the others ask whether it is there.
            self.weights[place] = if length == rooms[side] { ends[side] } else { before + sign * direction * length };
            sign * (self.weights[place] - before)
        };
        [moved(first, 0, 1.0), moved(second, 1, -1.0)]
    }

    /// Halfway between the falls of those that can grow and of those that can shrink; the mean of those that can do
    /// both.
    fn offset(&self) -> f32 {
        let (mut above, mut below, mut sum, mut free) = (f64::MAX, f64::MIN, 0.0, 0);
        for place in 0..self.weights.len() {
            let rise = -f64::from(self.fall(place));
            let [grown, shrunk] = self.bounds(place);
            if self.weights[place] == grown {
                below = below.max(rise);
            } else if self.weights[place] == shrunk {
                above = above.min(rise);
            } else {
                sum += rise;
                free += 1;
            }
        }
        (if free > 0 { sum / f64::from(free) } else { f64::midpoint(above, below) }) as f32
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::error::Error;
    use crate::random::{Sequence, Stream};

    /// Classes that no line separates, and some noise.
    fn problem(count: usize) -> (Kernel, Vec<f32>) {
        let columns = 5;
        let mut random = Sequence::new(1, Stream::Cases, 0);
        let rows: Vec<f32> = (0..count * columns).map(|_| random.symmetric(1.0)).collect();
        let positive = |row: &[f32]| row[0] * row[1] + 0.2 * row[2] > 0.0;
        let signs = rows.chunks_exact(columns).map(|row| if positive(row) { 1.0 } else { -1.0 }).collect();
        (Kernel::of(&rows, columns, 1.0, Vec::new(), &mut |_| ControlFlow::Continue(())).unwrap(), signs)
    }

    /// Karush, Kuhn and Tucker's conditions.
    #[test]
    fn the_solution_is_an_optimum() {
        let (mut kernel, signs) = problem(300);
        let Solution { weights, offset } =
            solve(&mut kernel, &signs, 1.0, &mut |()| ControlFlow::Continue(())).unwrap();
        assert!(weights.iter().zip(&signs).map(|(weight, sign)| weight * sign).sum::<f32>().abs() < 1e-3);
        let mut kinds = [0; 3];
        for (place, &weight) in weights.iter().enumerate() {
            let sums = kernel.row(place).iter().zip(&weights).zip(&signs);
            let sum: f32 = sums.map(|((value, weight), sign)| value * weight * sign).sum();
            let margin = signs[place] * (sum - offset);
            let (kind, holds) = match weight {
                0.0 => (0, margin >= 1.0 - 2e-3),
                1.0 => (1, margin <= 1.0 + 2e-3),
                _ => (2, (margin - 1.0).abs() < 2e-3),
            };
            kinds[kind] += 1;
            assert!(holds && (0.0..=1.0).contains(&weight), "weight {weight}, margin {margin}");
        }
        assert!(kinds.iter().all(|&count| count > 10), "{kinds:?}");
    }

    #[test]
    fn a_callback_ends_it() {
        let (mut kernel, signs) = problem(1000);
        // So large a cost takes many steps.
        let solution = solve(&mut kernel, &signs, 1e4, &mut |()| ControlFlow::Break(()));
        assert!(matches!(solution, Err(Error::Interrupted(_))));
    }
}
