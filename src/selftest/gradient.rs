//! Gradients of whole networks on an executor, against finite differences of the loss.

use std::ops::ControlFlow;

use crate::data::Samples;
use crate::error::Result;
use crate::kernels::Tiles;
use crate::model::{Activation, Layer, Model, Padding};
use crate::plan::{Executor, Options, Plan, lower};
use crate::random::{Sequence, Stream};
use crate::train::{Engine, Placement, Source};

/// One layer's gradient, along one random direction.
#[derive(Clone, Debug)]
pub struct GradientCheck {
    /// `conv2d.weights`, say.
    pub parameter: String,
    /// The gradient times the direction.
    pub derivative: f64,
    /// (loss(weights + h direction) - loss(weights - h direction)) / 2h
    pub difference: f64,
}

impl GradientCheck {
    /// Within 2 %, or within what f32 can tell of so small a slope.
    pub fn passes(&self) -> bool {
        let allowed = 0.02 * self.difference.abs() + 2e-3;
        self.derivative.is_finite() && (self.derivative - self.difference).abs() <= allowed
    }
}

const BATCH: usize = 8;
/// Small enough that few ReLU and max-pool decisions flip, large enough to show in f32 losses.
const STEP: f32 = 5e-5;

/// A network with every kernel that has a gradient: fused and free-standing pools, strides, both paddings.
fn network() -> Model {
    let conv = |filters, kernel, stride, padding| Layer::Conv2d {
        filters,
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding,
        activation: Activation::Relu,
    };
    let dense = |units, activation| Layer::Dense { units, activation };
    let layers = vec![
        conv(6, 3, 1, Padding::Valid),
        Layer::MaxPool2d { size: [2, 2], stride: None },
        conv(7, 2, 2, Padding::Same),
        Layer::MaxPool2d { size: [3, 3], stride: Some([1, 1]) },
        Layer::Flatten {},
        dense(11, Activation::Relu),
        dense(5, Activation::Linear),
    ];
    Model { name: "gradient check".into(), input: [18, 16, 2], layers }
}

/// Checks every layer of a small network on the executor that `make` gives for a plan.
///
/// # Errors
/// Where the device fails.
pub fn gradient_checks(
    tiles: Tiles,
    make: impl FnOnce(Plan) -> Result<Box<dyn Executor>>,
) -> Result<Vec<GradientCheck>> {
    let model = network();
    let mut random = Sequence::new(2020, Stream::Cases, 1 << 20);
    let pixels: usize = model.input.iter().product();
    let images = (0..BATCH * pixels).map(|_| random.below(256) as u8).collect();
    let labels = (0..BATCH).map(|_| random.below(5) as u8).collect();
    let samples = Samples { images, labels, shape: model.input };
    let none = Samples { images: Vec::new(), labels: Vec::new(), shape: model.input };
    let source = Source { parts: [&samples, &none] };
    let plan = lower(&model, Options::new(BATCH, tiles, BATCH))?;
    let mut engine = Engine::new(make(plan)?, source, Placement::Resident, 2020)?;
    engine.initialise()?;
    let order: Vec<u32> = (0..BATCH as u32).collect();
    // A learning rate of zero: the step leaves its gradients and changes no weight.
    engine.train(&order, 0.0, &mut |_| ControlFlow::Continue(()))?;
    let parameters = engine.plan().parameters.clone();
    let mut checks = Vec::new();
    for parameter in &parameters {
        let weights = engine.read(parameter.weights)?;
        let gradient = engine.gradient(parameter)?;
        let direction: Vec<f32> = weights.iter().map(|_| random.symmetric(1.0)).collect();
        let mut loss_at = |step: f32| {
            let moved: Vec<f32> = weights.iter().zip(&direction).map(|(weight, way)| weight + step * way).collect();
            engine.write(parameter.weights, &moved)?;
            engine.evaluate(&order).map(|tally| tally.loss())
        };
        let difference = (loss_at(STEP)? - loss_at(-STEP)?) / (2.0 * f64::from(STEP));
        engine.write(parameter.weights, &weights)?;
        let derivative = gradient.iter().zip(&direction).map(|(&slope, &way)| f64::from(slope) * f64::from(way)).sum();
        checks.push(GradientCheck { parameter: format!("{}.weights", parameter.layer), derivative, difference });
    }
    Ok(checks)
}
