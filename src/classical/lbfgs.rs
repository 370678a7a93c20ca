//! Minimising without second derivatives: L-BFGS (Liu and Nocedal, 1989; the recursion is Nocedal's of 1980), with a
//! line search by bisection for the weak conditions of Wolfe.

use std::collections::VecDeque;

use crate::callback::{ProgressCallback, tell};
use crate::error::Result;

/// When to stop.
#[derive(Clone, Copy)]
pub struct Limits {
    pub iterations: usize,
    /// The largest slope along an axis that counts as none.
    pub tolerance: f64,
}

/// Steps that are kept, as in scikit-learn.
const MEMORY: usize = 10;
/// Tries of a line search.
const TRIES: usize = 20;
/// Parts of the slope: how much of the promised decrease there has to be, and how much of the slope may be left.
const DECREASE: f64 = 1e-4;
const CURVATURE: f64 = 0.9;

/// A step, and by how much it changed the gradient.
struct Step {
    place: Vec<f64>,
    gradient: Vec<f64>,
    /// The product of both.
    curvature: f64,
}

/// Where a function has a value and a gradient.
struct Point {
    place: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

/// Where `function`, which gives value and gradient, is least, as far as it can be found from `start`.
///
/// # Errors
/// An interrupt, where the callback asks for one.
pub fn minimise(
    start: Vec<f64>,
    function: impl Fn(&[f64]) -> (f64, Vec<f64>),
    limits: Limits,
    callback: ProgressCallback,
) -> Result<Vec<f64>> {
    let point = |place: Vec<f64>| {
        let (value, gradient) = function(&place);
        Point { place, value, gradient }
    };
    let mut here = point(start);
    let mut steps: VecDeque<Step> = VecDeque::with_capacity(MEMORY);
    for iteration in 1..=limits.iterations {
        if here.gradient.iter().all(|slope| slope.abs() <= limits.tolerance) {
            break;
        }
        let Some(next) = line_search(&here, &direction(&here.gradient, &steps), point) else { break };
        let difference = |next: &[f64], here: &[f64]| -> Vec<f64> {
            next.iter().zip(here).map(|(next, here)| next - here).collect()
        };
        let (place, gradient) = (difference(&next.place, &here.place), difference(&next.gradient, &here.gradient));
        let curvature = dot(&place, &gradient);
        // One without curvature would make the next direction infinite.
        if curvature > 1e-14 * dot(&gradient, &gradient) {
            steps.truncate(MEMORY - 1);
            steps.push_front(Step { place, gradient, curvature });
        }
        here = next;
        tell(callback, iteration as f64 / limits.iterations as f64)?;
    }
    Ok(here.place)
}

/// The gradient times what the steps, the last one first, say of the inverse Hessian, downhill.
fn direction(gradient: &[f64], steps: &VecDeque<Step>) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|slope| -slope).collect();
    let mut factors = Vec::with_capacity(steps.len());
    for step in steps {
        let factor = dot(&step.place, &direction) / step.curvature;
        add(&mut direction, -factor, &step.gradient);
        factors.push(factor);
    }
    let scale = match steps.front() {
        Some(step) => step.curvature / dot(&step.gradient, &step.gradient),
        None => dot(gradient, gradient).sqrt().recip(),
    };
    direction.iter_mut().for_each(|value| *value *= scale);
    for (step, factor) in steps.iter().zip(factors).rev() {
        let other = dot(&step.gradient, &direction) / step.curvature;
        add(&mut direction, factor - other, &step.place);
    }
    direction
}

/// A point in the direction that is low enough, and where the slope is less steep.
fn line_search(here: &Point, direction: &[f64], point: impl Fn(Vec<f64>) -> Point) -> Option<Point> {
    let slope = dot(direction, &here.gradient);
    let (mut low, mut high, mut length) = (0.0, f64::INFINITY, 1.0);
    let mut found = None;
    for _ in 0..TRIES {
        let mut place = here.place.clone();
        add(&mut place, length, direction);
        let next = point(place);
        if next.value <= here.value + DECREASE * length * slope {
            let flat = dot(direction, &next.gradient) >= CURVATURE * slope;
            found = Some(next);
            if flat {
                break;
            }
            low = length;
        } else {
            // What is no number is too far as well.
            high = length;
        }
        length = if high.is_finite() { f64::midpoint(low, high) } else { 2.0 * low };
    }
    found
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

/// Adds `factor * addend`.
fn add(sum: &mut [f64], factor: f64, addend: &[f64]) {
    sum.iter_mut().zip(addend).for_each(|(sum, addend)| *sum += factor * addend);
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::error::Error;

    /// Rosenbrock's valley (1960), whose lowest point is (1, 1).
    fn valley(place: &[f64]) -> (f64, Vec<f64>) {
        let [x, y] = [place[0], place[1]];
        let rise = y - x * x;
        ((1.0 - x).powi(2) + 100.0 * rise * rise, vec![-2.0 * (1.0 - x) - 400.0 * x * rise, 200.0 * rise])
    }

    #[test]
    fn the_valleys_lowest_point_is_found() {
        let limits = Limits { iterations: 100, tolerance: 1e-8 };
        let place = minimise(vec![-1.2, 1.0], valley, limits, &mut |_| ControlFlow::Continue(())).unwrap();
        assert!(place.iter().all(|value| (value - 1.0).abs() < 1e-6), "{place:?}");
    }

    #[test]
    fn a_callback_ends_it() {
        let limits = Limits { iterations: 100, tolerance: 0.0 };
        let mut calls = 0;
        let ended = minimise(vec![-1.2, 1.0], valley, limits, &mut |_| {
            calls += 1;
            if calls == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(matches!(ended, Err(Error::Interrupted(_))));
        assert_eq!(calls, 3);
    }
}
