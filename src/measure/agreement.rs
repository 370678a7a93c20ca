//! Whether an executor trains as the CPU path does. What computes something else has no speed to report.

use super::synthetic::LEARNING_RATE;
use super::{Synthetic, go_on};
use crate::callback::ProgressCallback;
use crate::error::Result;
use crate::plan::{Place, Variable};
use crate::train::Engine;

/// How far an executor may be from the CPU path: a layer's gradient, and the update of its weights, by this part
/// of their length, and a loss by a hundredth of this part of itself. Rounding alone comes to 1e-6. But where a unit is so
/// near to its ReLU's kink, or two values of a max-pool to each other, that rounding decides, some summands of a gradient
/// are others: of single values that has been seen to change 1.4e-2, of a gradient's length far less.
pub const TOLERANCE: f64 = 1e-2;

/// How often two executors may differ by what 16 bits make of a step. Each rounds what the other rounds but for numbers
/// where the order of a sum decides; were all of their roundings unrelated, they would be the root of two times as far
/// from each other as from f32. That is so on average: 1.94 times were seen.
const ROUNDINGS: f64 = 3.0;

/// The most that is allowed where 16 bits leave little of a gradient.
const MOST: f64 = 0.5;

/// What some training steps did, one by one.
#[derive(Clone, Debug)]
pub struct Steps(Vec<Step>);

#[derive(Clone, Debug)]
struct Step {
    loss: f64,
    layers: Vec<LayerStep>,
}

/// One layer in one step.
#[derive(Clone, Debug)]
struct LayerStep {
    /// `dense.weights`
    name: String,
    /// Values that the step began with, and each of the optimizer's states of them.
    before: Vec<Vec<f32>>,
    gradient: Vec<f32>,
    /// Weights that it ended with.
    after: Vec<f32>,
}

impl Steps {
    /// Trains the first `count` steps of an engine that has its initial weights. With a `reference`, each step begins with
    /// the values and states that it began with there: Adam's first step is as long for a gradient that is all rounding
    /// as for any other, so that steps of one's own soon lead elsewhere without any fault.
    pub fn run(
        engine: &mut Engine,
        data: &Synthetic,
        count: usize,
        reference: Option<&Self>,
        callback: ProgressCallback<()>,
    ) -> Result<Self> {
        let variables = engine.plan().variables.clone();
        let of_layers: Vec<&[Variable]> = variables.chunk_by(|one, other| one.layer == other.layer).collect();
        let mut steps = Vec::new();
        for (number, order) in data.order(count).chunks(data.order(1).len()).enumerate() {
            go_on(callback)?;
            let mut layers = Vec::new();
            for (place, variables) in of_layers.iter().enumerate() {
                let before = match reference {
                    None => parts(variables).iter().map(|places| get(engine, places)).collect::<Result<_>>()?,
                    Some(Self(steps)) => {
                        let before = steps[number].layers[place].before.clone();
                        parts(variables).iter().zip(&before).try_for_each(|(places, all)| put(engine, places, all))?;
                        before
                    }
                };
                let name = format!("{}.weights", variables[0].layer);
                layers.push(LayerStep { name, before, gradient: Vec::new(), after: Vec::new() });
            }
            let scale = engine.loss_scale()?.map_or(1.0, |scale| scale.scale);
            let loss = engine.train(order, LEARNING_RATE, &mut |_| std::ops::ControlFlow::Continue(()))?.loss();
            let mut gradients = engine.gradients()?.into_iter();
            for (layer, variables) in layers.iter_mut().zip(&of_layers) {
                let scaled = gradients.by_ref().take(variables.len()).flatten();
                layer.gradient = scaled.map(|gradient| gradient / scale).collect();
                layer.after = get(engine, &parts(variables)[0])?;
            }
            steps.push(Step { loss, layers });
        }
        Ok(Self(steps))
    }
}

/// Where a layer's values are, and each of the optimizer's states of them.
fn parts(variables: &[Variable]) -> Vec<Vec<Place>> {
    let trained = || variables.iter().filter_map(|variable| variable.training.as_ref());
    let states = (0..trained().map(|training| training.states.len()).max().unwrap_or(0))
        .map(|state| trained().map(|training| training.states[state]).collect());
    [variables.iter().map(|variable| variable.values).collect()].into_iter().chain(states).collect()
}

/// The values of some places, one after the other.
fn get(engine: &mut Engine, places: &[Place]) -> Result<Vec<f32>> {
    Ok(engine.get_all(places)?.concat())
}

fn put(engine: &mut Engine, places: &[Place], mut values: &[f32]) -> Result<()> {
    for place in places {
        let (own, later) = values.split_at(place.words);
        engine.put(*place, own)?;
        values = later;
    }
    Ok(())
}

/// How far two executors are apart in one place.
#[derive(Clone, Debug)]
struct Difference {
    /// `dense.weights.gradient at step 2`
    what: String,
    /// As a part of the size.
    part: f64,
    /// Whether it is a loss.
    of_loss: bool,
}

/// The largest part of the tolerance that was used, or what differs and by how much. Where activations have 16 bits, `wide`
/// are the reference's steps in f32, each from the weights and states that its own began with.
///
/// # Panics
/// Where the others' steps are not as many, or of another model.
pub fn agree(reference: &Steps, other: &Steps, wide: Option<&Steps>) -> std::result::Result<f64, String> {
    let mut worst = 0.0_f64;
    let rounded = wide.map(|wide| differences(reference, wide));
    for (place, Difference { what, part, of_loss }) in differences(reference, other).into_iter().enumerate() {
        // Of a loss roundings may happen to cancel out in one of the two.
        let own = match (of_loss, &rounded) {
            (true, Some(_)) => TOLERANCE / 10.0,
            (true, None) => TOLERANCE / 100.0,
            (false, _) => TOLERANCE,
        };
        let of_rounding = rounded.as_ref().map_or(0.0, |rounded| (ROUNDINGS * rounded[place].part).min(MOST));
        let allowed = own.max(of_rounding);
        // What must hold is asked, so that a NaN fails.
        if part <= allowed {
            worst = worst.max(part / allowed);
            continue;
        }
        return Err(format!("{what} differs from the CPU path's by {part:.1e} of its size; allowed is {allowed:.0e}"));
    }
    Ok(worst)
}

/// Of each step the loss, and of each layer the gradient and the update.
fn differences(reference: &Steps, other: &Steps) -> Vec<Difference> {
    assert_eq!(reference.0.len(), other.0.len(), "steps");
    let mut all = Vec::new();
    let mut add = |what: String, apart: f64, size: f64, of_loss: bool| {
        all.push(Difference { what, part: if apart == 0.0 { 0.0 } else { apart / size }, of_loss });
    };
    for ((expected, actual), number) in reference.0.iter().zip(&other.0).zip(1..) {
        let apart = (actual.loss - expected.loss).abs();
        add(format!("the loss of step {number}"), apart, expected.loss.abs(), true);
        assert_eq!(expected.layers.len(), actual.layers.len(), "layers");
        for (expected, actual) in expected.layers.iter().zip(&actual.layers) {
            let (gradient, name) = (&expected.gradient, &expected.name);
            let apart = length(&difference(gradient, &actual.gradient));
            add(format!("{name}.gradient at step {number}"), apart, length(gradient), false);
            // Each weight counts by its gradient: as much as its update changes the loss.
            let update = counted(&difference(&expected.after, &expected.before[0]), gradient);
            let apart = length(&counted(&difference(&expected.after, &actual.after), gradient));
            add(format!("the update of {name} in step {number}"), apart, length(&update), false);
        }
    }
    all
}

/// Element by element.
fn counted(values: &[f32], weights: &[f32]) -> Vec<f32> {
    values.iter().zip(weights).map(|(value, weight)| value * weight).collect()
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
        let (before, gradient) = (vec![vec![0.5; 100]; 3], values.clone());
        let layers = vec![LayerStep { name: "a.weights".into(), before, gradient, after: values }];
        Steps(vec![Step { loss: 2.3, layers: layers.clone() }, Step { loss: 2.2, layers }])
    }

    #[test]
    fn equal_steps_agree_and_rounding_does() {
        assert_eq!(agree(&steps(), &steps(), None), Ok(0.0));
        let mut rounded = steps();
        rounded.0[0].layers[0].gradient[3] += 1e-6;
        assert!(agree(&steps(), &rounded, None).is_ok_and(|used| used > 0.0));
    }

    /// As far apart as 16 bits and f32 are, but not more; and never as far as something else.
    #[test]
    fn what_16_bits_round_is_allowed_and_no_more() {
        let apart = |by: f32| {
            let mut other = steps();
            other.0[0].layers[0].gradient[17] += by;
            other
        };
        assert!(agree(&steps(), &apart(0.2), None).is_err());
        assert!(
            agree(&steps(), &apart(0.2), Some(&apart(-0.2))).is_ok_and(|used| (used - 1.0 / ROUNDINGS).abs() < 1e-3)
        );
        assert!(agree(&steps(), &apart(0.8), Some(&apart(-0.2))).is_err());
        assert!(agree(&steps(), &apart(f32::NAN), Some(&apart(0.2))).is_err());
        assert!(agree(&steps(), &apart(5.0), Some(&apart(5.0))).is_err());
        let problem = agree(&steps(), &apart(0.2), Some(&steps())).unwrap_err();
        assert!(problem.ends_with("allowed is 1e-2"), "{problem}");
    }

    /// One wrong number in one place, of any kind, and a NaN: no agreement, and the message says where.
    #[test]
    fn one_wrong_number_is_noticed() {
        for wrong in [0.1_f32, -0.1, 0.5, f32::NAN, f32::INFINITY] {
            let mut broken = steps();
            broken.0[0].layers[0].gradient[17] += wrong;
            let problem = agree(&steps(), &broken, None).unwrap_err();
            assert!(problem.starts_with("a.weights.gradient at step 1 differs"), "{problem}");
            let mut broken = steps();
            broken.0[1].loss += f64::from(wrong) / 50.0;
            assert!(agree(&steps(), &broken, None).unwrap_err().starts_with("the loss of step 2 differs"));
        }
        for wrong in [0.2, f32::NAN] {
            let mut broken = steps();
            broken.0[1].layers[0].after[17] += wrong;
            assert!(
                agree(&steps(), &broken, None).unwrap_err().starts_with("the update of a.weights in step 2 differs")
            );
        }
        let mut unmoved = steps();
        unmoved.0[0].layers[0].after.fill(0.5);
        assert!(agree(&steps(), &unmoved, None).is_err());
    }
}
