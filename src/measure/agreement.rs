//! Whether an executor trains as the CPU path does. What computes something else has no speed to report.

use super::synthetic::LEARNING_RATE;
use super::{Synthetic, Visit, go_on};
use crate::error::Result;
use crate::train::Engine;

/// How far an executor may be from the CPU path: a layer's gradient, and the way that its weights have moved, by this part
/// of their length, and a loss by a hundredth of this part of itself. Rounding alone comes to 1e-6. But where a unit is so
/// near to its ReLU's kink, or two values of a max-pool to each other, that rounding decides, some summands of a gradient
/// are others: of single values that has been seen to change 1.4e-2, of a gradient's length far less.
pub const TOLERANCE: f64 = 1e-2;

/// What some training steps left.
#[derive(Clone, Debug)]
pub struct Steps {
    /// Of each step.
    losses: Vec<f64>,
    /// `dense.weights.gradient at step 2`, with its values.
    gradients: Vec<(String, Vec<f32>)>,
    /// `dense.weights`, with how far they moved in all steps.
    ways: Vec<(String, Vec<f32>)>,
}

impl Steps {
    /// Trains the first `count` steps of an engine that has its initial weights.
    pub fn run(engine: &mut Engine, data: &Synthetic, count: usize, visit: Visit) -> Result<Self> {
        let parameters = engine.plan().parameters.clone();
        let before = parameters.iter().map(|one| engine.read(one.weights)).collect::<Result<Vec<_>>>()?;
        let mut steps = Self { losses: Vec::new(), gradients: Vec::new(), ways: Vec::new() };
        for (order, step) in data.order(count).chunks(data.order(1).len()).zip(1..) {
            go_on(visit)?;
            let tally = engine.train(order, LEARNING_RATE, &mut |_| std::ops::ControlFlow::Continue(()))?;
            steps.losses.push(tally.loss());
            for parameter in &parameters {
                let name = format!("{}.weights.gradient at step {step}", parameter.layer);
                steps.gradients.push((name, engine.gradient(parameter)?));
            }
        }
        for (parameter, before) in parameters.iter().zip(before) {
            let after = engine.read(parameter.weights)?;
            let way = after.iter().zip(before).map(|(after, before)| after - before).collect();
            steps.ways.push((format!("{}.weights", parameter.layer), way));
        }
        Ok(steps)
    }
}

/// The largest part of the tolerance that was used, or what differs and by how much.
pub fn agree(reference: &Steps, other: &Steps) -> std::result::Result<f64, String> {
    if reference.losses.len() != other.losses.len() || reference.gradients.len() != other.gradients.len() {
        return Err("not as many steps were run as on the CPU path".into());
    }
    let mut worst = 0.0_f64;
    let mut check = |what: &str, difference: f64, of: f64, part: f64| {
        worst = worst.max(difference / (part * of));
        // What must hold is asked, so that a NaN fails.
        if difference <= part * of {
            return Ok(());
        }
        let difference = difference / of;
        Err(format!("{what} differs from the CPU path's by {difference:.1e} of its size; allowed is {part:.0e}"))
    };
    for ((&expected, &actual), step) in reference.losses.iter().zip(&other.losses).zip(1..) {
        check(&format!("the loss of step {step}"), (actual - expected).abs(), expected.abs(), TOLERANCE / 100.0)?;
    }
    for ((name, expected), (_, actual)) in reference.gradients.iter().zip(&other.gradients) {
        check(name, length(&difference(expected, actual)), length(expected), TOLERANCE)?;
    }
    for ((name, expected), (_, actual)) in reference.ways.iter().zip(&other.ways) {
        let way = format!("the way of {name}");
        check(&way, length(&difference(expected, actual)), length(expected), TOLERANCE)?;
    }
    Ok(worst)
}

fn difference(expected: &[f32], actual: &[f32]) -> Vec<f32> {
    expected.iter().zip(actual).map(|(expected, actual)| expected - actual).collect()
}

fn length(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps() -> Steps {
        let values: Vec<f32> = (0..100).map(|number| (number as f32 - 50.0) / 50.0).collect();
        let gradients = vec![("a.weights.gradient at step 1".into(), values.clone())];
        Steps { losses: vec![2.3, 2.2], gradients, ways: vec![("a.weights".into(), values)] }
    }

    #[test]
    fn equal_steps_agree_and_rounding_does() {
        assert_eq!(agree(&steps(), &steps()), Ok(0.0));
        let mut rounded = steps();
        rounded.gradients[0].1[3] += 1e-6;
        assert!(agree(&steps(), &rounded).is_ok_and(|used| used > 0.0));
    }

    /// One wrong number in one place, of any kind, and a NaN: no agreement, and the message says where.
    #[test]
    fn one_wrong_number_is_noticed() {
        for wrong in [0.1_f32, -0.1, 0.5, f32::NAN, f32::INFINITY] {
            let mut broken = steps();
            broken.gradients[0].1[17] += wrong;
            let problem = agree(&steps(), &broken).unwrap_err();
            assert!(problem.starts_with("a.weights.gradient at step 1 differs"), "{problem}");
            let mut broken = steps();
            broken.losses[1] += f64::from(wrong) / 50.0;
            assert!(agree(&steps(), &broken).unwrap_err().starts_with("the loss of step 2 differs"));
        }
        for wrong in [0.1, f32::NAN] {
            let mut broken = steps();
            broken.ways[0].1[17] += wrong;
            assert!(agree(&steps(), &broken).unwrap_err().starts_with("the way of a.weights differs"));
        }
        let mut unmoved = steps();
        unmoved.ways[0].1.fill(0.0);
        assert!(agree(&steps(), &unmoved).is_err());
        let mut short = steps();
        short.losses.pop();
        assert!(agree(&steps(), &short).is_err());
    }
}
