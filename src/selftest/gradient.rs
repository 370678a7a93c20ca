//! Gradients of whole networks on an executor, against finite differences of the loss.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::augment::{Augmentation, Flip};
use crate::data::Samples;
use crate::error::Result;
use crate::gemm::DeviceClass;
use crate::geometry::Padding;
use crate::layers::{
    Activate, Activation, AveragePool2d, Concatenate, Conv2d, Dense, DepthwiseConv2d, Dropout, Flatten,
    GlobalAveragePool2d, GlobalMaxPool2d, Layer, MaxPool2d, Pool, Rescaling,
};
use crate::model::{Model, Node, parse};
use crate::network::Options;
use crate::plan::{Executor, Place, Plan};
use crate::random::{Sequence, Stream};
use crate::train::{Engine, Metrics, Setup};

/// One layer's gradient, along one random direction.
#[derive(Clone, Debug)]
pub struct GradientCheck {
    /// `features with dropout: dense.weights`, say.
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
/// Small enough that few ReLU and max-pool decisions flip, large enough to show in f32 losses: a GPU's logarithms may be
/// 2^-21 off each.
const STEP: f32 = 1e-4;

/// The step that a loss with dropout is of: its choices are the same each time.
const TIME: u32 = 6;

fn conv(filters: usize, kernel: usize, stride: usize, padding: Padding, activation: Activation) -> Layer {
    Layer::Conv2d(Conv2d { filters, kernel: [kernel; 2], stride: [stride; 2], padding, use_bias: true, activation })
}

fn dense(units: usize, activation: Activation) -> Layer {
    Layer::Dense(Dense { units, use_bias: true, activation })
}

fn model(name: &str, layers: Vec<Layer>) -> Model {
    Model::sequence(name, [18, 16, 2], layers)
}

/// A network with every kernel that has a gradient: fused and free-standing pools, strides, both paddings.
fn network() -> Model {
    let layers = vec![
        conv(6, 3, 1, Padding::Valid, Activation::Relu),
        Layer::MaxPool2d(MaxPool2d(Pool { size: [2, 2], stride: None, padding: Padding::Valid })),
        conv(7, 2, 2, Padding::Same, Activation::Relu),
        Layer::MaxPool2d(MaxPool2d(Pool { size: [3, 3], stride: Some([1, 1]), padding: Padding::Valid })),
        Layer::Flatten(Flatten {}),
        dense(11, Activation::Relu),
        dense(5, Activation::Linear),
    ];
    model("images", layers)
}

fn depthwise(kernel: [usize; 2], stride: usize, depth_multiplier: usize, activation: Activation) -> Layer {
    let (stride, padding, use_bias) = ([stride; 2], Padding::Same, activation == Activation::Relu);
    Layer::DepthwiseConv2d(DepthwiseConv2d { kernel, stride, padding, depth_multiplier, use_bias, activation })
}

/// Pools of all kinds and over the border, depthwise convolutions, and values that several layers read.
fn branches() -> Model {
    let (size, stride, padding) = ([3, 3], Some([2, 2]), Padding::Same);
    let layers: [(&str, &[&str], Layer); 13] = [
        ("pixels", &[], Layer::Rescaling(Rescaling { scale: 2.0, offset: -0.5 })),
        ("conv", &[], conv(6, 3, 1, Padding::Same, Activation::Relu)),
        ("scaled", &[], Layer::Rescaling(Rescaling { scale: 1.5, offset: -0.25 })),
        ("mean", &[], Layer::AveragePool2d(AveragePool2d(Pool { size, stride, padding }))),
        ("wide", &[], depthwise([3, 2], 1, 2, Activation::Relu)),
        ("largest", &[], Layer::MaxPool2d(MaxPool2d(Pool { size, stride, padding }))),
        ("means", &["wide"], Layer::AveragePool2d(AveragePool2d(Pool { size: [2, 2], stride: None, padding }))),
        ("short", &["mean"], depthwise([3, 3], 2, 1, Activation::Linear)),
        ("all", &["largest", "means", "short", "means"], Layer::Concatenate(Concatenate {})),
        ("of_all", &[], Layer::GlobalAveragePool2d(GlobalAveragePool2d {})),
        ("most", &["all"], Layer::GlobalMaxPool2d(GlobalMaxPool2d {})),
        ("flat", &["all"], Layer::Flatten(Flatten {})),
        ("both", &["of_all", "most", "flat"], Layer::Concatenate(Concatenate {})),
    ];
    let named = |(name, inputs, layer): (&str, &[&str], Layer)| Node {
        name: Some(name.into()),
        inputs: inputs.iter().map(|&input| input.into()).collect(),
        ..Node::from(layer)
    };
    let end = Node::from(dense(5, Activation::Linear));
    Model { layers: layers.into_iter().map(named).chain([end]).collect(), ..model("branches", Vec::new()) }
}

/// A network whose logits are a pool's.
fn pooled() -> Model {
    let layers = vec![
        conv(6, 3, 2, Padding::Same, Activation::Linear),
        depthwise([3, 3], 2, 1, Activation::Linear),
        conv(5, 1, 1, Padding::Valid, Activation::Relu),
        Layer::GlobalMaxPool2d(GlobalMaxPool2d {}),
    ];
    model("pooled", layers)
}

/// Convolutions with dropout wherever it may stand: over the input, behind ReLUs, and behind convolutions without one;
/// ahead of pools of both kinds, of a convolution, and of a dense layer.
fn dropped_images() -> Model {
    let layers = vec![
        Layer::Dropout(Dropout { rate: 0.25 }),
        conv(6, 3, 1, Padding::Valid, Activation::Relu),
        Layer::MaxPool2d(MaxPool2d(Pool { size: [2, 2], stride: None, padding: Padding::Valid })),
        Layer::Dropout(Dropout { rate: 0.25 }),
        conv(7, 2, 1, Padding::Same, Activation::Linear),
        Layer::Dropout(Dropout { rate: 0.5 }),
        conv(9, 3, 2, Padding::Same, Activation::Relu),
        Layer::Dropout(Dropout { rate: 0.5 }),
        Layer::MaxPool2d(MaxPool2d(Pool { size: [2, 2], stride: None, padding: Padding::Valid })),
        Layer::Dropout(Dropout { rate: 0.25 }),
        Layer::Flatten(Flatten {}),
        dense(5, Activation::Linear),
    ];
    model("images with dropout", layers)
}

/// Dense layers with dropout, one and two at a time, behind a ReLU, ahead of one, and without any.
fn dropped_features() -> Model {
    let layers = vec![
        Layer::Flatten(Flatten {}),
        dense(24, Activation::Relu),
        Layer::Dropout(Dropout { rate: 0.5 }),
        Layer::Dropout(Dropout { rate: 0.25 }),
        dense(20, Activation::Linear),
        Layer::Dropout(Dropout { rate: 0.25 }),
        Layer::Dropout(Dropout { rate: 0.5 }),
        dense(15, Activation::Linear),
        Layer::Dropout(Dropout { rate: 0.25 }),
        Layer::Activation(Activate::new(Activation::Relu)),
        dense(5, Activation::Linear),
    ];
    model("features with dropout", layers)
}

/// Residuals with batch normalisation, whose sums are made in every place that there is one: ahead of an activation, behind
/// one, alone, and of three values; with dropout of a value that others read, too.
fn residuals() -> Result<Model> {
    let mut text = String::from("input = [18, 16, 2]\n");
    for layer in [
        "name = 'a'\ntype = 'conv2d'\nfilters = 6\nkernel = 3\nstride = 2\npadding = 'same'\nuse_bias = false",
        "type = 'batch_normalization'",
        "name = 'b'\ntype = 'activation'\nactivation = 'gelu'",
        "name = 'c'\ntype = 'conv2d'\nfilters = 6\nkernel = 3\npadding = 'same'",
        "name = 'd'\ntype = 'batch_normalization'\nscale = false",
        "name = 'e'\ntype = 'activation'\nactivation = 'silu'",
        "name = 'f'\ntype = 'add'\ninputs = ['e', 'b']",
        "name = 'g'\ntype = 'dropout'\nrate = 0.25\ninputs = ['f']",
        "name = 'h'\ntype = 'conv2d'\nfilters = 6\nkernel = 1\nuse_bias = false",
        "name = 'i'\ntype = 'batch_normalization'\ncenter = false",
        "name = 'j'\ntype = 'add'\ninputs = ['f', 'i']",
        "name = 'k'\ntype = 'activation'\nactivation = 'elu'",
        "name = 'l'\ntype = 'add'\ninputs = ['k', 'g', 'a']",
        "name = 'm'\ntype = 'activation'\nactivation = 'relu'",
        "type = 'max_pool2d'\nsize = 2",
        "type = 'flatten'",
        "type = 'dense'\nunits = 9\nuse_bias = false",
        "type = 'batch_normalization'",
        "type = 'activation'\nactivation = 'tanh'",
        "type = 'dense'\nunits = 5",
    ] {
        text += &format!("[[layers]]\n{layer}\n");
    }
    parse("residuals", &text).map(|(model, _)| model)
}

/// Layers that are not trained below others that are, between such ones, and beside one.
fn partly_frozen() -> Result<Model> {
    let mut text = String::from("input = [18, 16, 2]\n");
    for layer in [
        "type = 'conv2d'\nfilters = 6\nkernel = 3\nstride = 2\npadding = 'same'\ntrainable = false",
        "type = 'batch_normalization'\ntrainable = false",
        "name = 'a'\ntype = 'activation'\nactivation = 'gelu'",
        "type = 'conv2d'\nfilters = 6\nkernel = 3\npadding = 'same'",
        "type = 'batch_normalization'\nscale = false\ntrainable = false",
        "name = 'b'\ntype = 'activation'\nactivation = 'silu'",
        "type = 'add'\ninputs = ['a', 'b']",
        "type = 'depthwise_conv2d'\nkernel = 3\ntrainable = false",
        "type = 'conv2d'\nfilters = 7\nkernel = 1",
        "type = 'conv2d'\nfilters = 8\nkernel = 2\ntrainable = false",
        "type = 'batch_normalization'\ntrainable = false",
        "type = 'activation'\nactivation = 'relu'",
        "type = 'max_pool2d'\nsize = 2",
        "type = 'flatten'",
        "type = 'dense'\nunits = 9\nactivation = 'tanh'\ntrainable = false",
        "type = 'dense'\nunits = 5",
    ] {
        text += &format!("[[layers]]\n{layer}\n");
    }
    parse("partly frozen", &text).map(|(model, _)| model)
}

/// Checks every trained layer of small networks without dropout on the executors that `make` gives for their plans: against the
/// loss that evaluation finds.
///
/// # Errors
/// Where the device fails.
pub fn gradient_checks(
    tiles: DeviceClass,
    make: impl Fn(Arc<Plan>) -> Result<Box<dyn Executor>>,
) -> Result<Vec<GradientCheck>> {
    let mut checks = Vec::new();
    for network in [network(), branches(), pooled(), partly_frozen()?] {
        checks.extend(layer_checks(&network, tiles, |_| (), &make, |engine, order| engine.evaluate(order))?);
    }
    Ok(checks)
}

/// Checks every layer of small networks with dropout or batch statistics: against the training loss of one step.
///
/// # Errors
/// Where the device fails.
pub fn dropout_gradient_checks(
    tiles: DeviceClass,
    make: impl Fn(Arc<Plan>) -> Result<Box<dyn Executor>>,
) -> Result<Vec<GradientCheck>> {
    let mut checks = Vec::new();
    for (network, smoothing) in [(dropped_images(), 0.0), (dropped_features(), 0.0), (residuals()?, 0.1)] {
        // Each micro-batch has choices of its own.
        let halves = |options: &mut Options| {
            options.micro_batch = BATCH / 2;
            options.label_smoothing = smoothing;
        };
        checks.extend(layer_checks(&network, tiles, halves, &make, train)?);
    }
    Ok(checks)
}

/// Checks every layer of a small network whose targets are smoothed, and in training mixed, too: against the loss that
/// evaluation finds, and against the training loss of one step.
///
/// # Errors
/// Where the device fails.
pub fn soft_gradient_checks(
    tiles: DeviceClass,
    make: impl Fn(Arc<Plan>) -> Result<Box<dyn Executor>>,
) -> Result<Vec<GradientCheck>> {
    let smoothed = |options: &mut Options| options.label_smoothing = 0.2;
    let mixed = |options: &mut Options| {
        smoothed(options);
        options.micro_batch = BATCH / 2;
        options.augmentation =
            Augmentation { flip: Flip::Horizontal, shift: 2, mixup: 1.0, cutmix: 1.0, ..Augmentation::default() };
    };
    let evaluate = |engine: &mut Engine, order: &[u32]| engine.evaluate(order);
    let mut checks = layer_checks(&named("smoothed images"), tiles, smoothed, &make, evaluate)?;
    checks.extend(layer_checks(&named("mixed images"), tiles, mixed, &make, train)?);
    Ok(checks)
}

/// The network without dropout by another name.
fn named(name: &str) -> Model {
    Model { name: name.into(), ..network() }
}

/// Step [`TIME`] once more. At a learning rate of zero it leaves its gradients and changes no weight.
fn train(engine: &mut Engine, order: &[u32]) -> Result<Metrics> {
    engine.iterations = TIME;
    engine.train(order, 0.0, &mut |_| ControlFlow::Continue(()))
}

fn layer_checks(
    network: &Model,
    tiles: DeviceClass,
    options: impl Fn(&mut Options),
    make: impl FnOnce(Arc<Plan>) -> Result<Box<dyn Executor>>,
    loss: impl Fn(&mut Engine, &[u32]) -> Result<Metrics>,
) -> Result<Vec<GradientCheck>> {
    let Model { name, input, .. } = network;
    let mut random = Sequence::new(2020, Stream::Cases, 1 << 20);
    let pixels: usize = input.iter().product();
    let images = (0..BATCH * pixels).map(|_| random.below(256) as u8).collect();
    let labels = (0..BATCH).map(|_| random.below(5) as u8).collect();
    let samples = Samples { images, labels, shape: *input };
    let mut setup = Setup { seed: 2020, ..Setup::new(network, &samples, BATCH, tiles) };
    options(&mut setup.options);
    let mut engine = setup.initialised(make)?;
    let order: Vec<u32> = (0..BATCH as u32).collect();
    train(&mut engine, &order)?;
    let variables = engine.plan().variables.clone();
    // All gradients before any weight changes: a training loss leaves others.
    let mut gradients = engine.gradients()?.into_iter();
    let mut checks = Vec::new();
    for variables in variables.chunk_by(|one, other| one.layer == other.layer) {
        let gradient: Vec<f32> = gradients.by_ref().take(variables.len()).flatten().collect();
        if variables.iter().all(|variable| !variable.is_trainable()) {
            continue;
        }
        let places: Vec<Place> = variables.iter().map(|variable| variable.values).collect();
        let weights = engine.get_all(&places)?;
        let direction: Vec<f32> = gradient.iter().map(|_| random.symmetric(1.0)).collect();
        let mut loss_at = |step: f32| {
            let mut ways = direction.iter();
            for (place, weights) in places.iter().zip(&weights) {
                let moved: Vec<f32> = weights.iter().zip(&mut ways).map(|(weight, way)| weight + step * way).collect();
                engine.put(*place, &moved)?;
            }
            loss(&mut engine, &order).map(|metrics| metrics.loss())
        };
        let difference = (loss_at(STEP)? - loss_at(-STEP)?) / (2.0 * f64::from(STEP));
        places.iter().zip(&weights).try_for_each(|(place, weights)| engine.put(*place, weights))?;
        let derivative = gradient.iter().zip(&direction).map(|(&slope, &way)| f64::from(slope) * f64::from(way)).sum();
        checks.push(GradientCheck {
            parameter: format!("{name}: {}.weights", variables[0].layer),
            derivative,
            difference,
        });
    }
    Ok(checks)
}
