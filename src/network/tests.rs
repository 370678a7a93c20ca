//! What networks become, pass by pass.

use super::graph::{Graph, Stage};
use super::lower::lower_graph;
use super::rewrites::rewrite;
use super::{Options, TrainingPlan, equal_parts, lower};
use crate::cpu::Cpu;
use crate::gemm::DeviceClass;
use crate::geometry::{Padding, Shape};
use crate::kernels::Progress;
use crate::layers::{Activation, Conv2d, Dense, Dropout, Flatten, Fused, Layer, MaxPool2d, Pool};
use crate::model::{Model, built_in, parse, resolve};
use crate::optimizers::Optimizer;
use crate::plan::{BufferId, Executor, Pass, Program, ValueId};
use crate::precision::Precision;

pub(super) fn dense(units: usize, activation: Activation) -> Layer {
    Layer::Dense(Dense { units, use_bias: true, activation })
}

pub(super) fn dropout(rate: f32) -> Layer {
    Layer::Dropout(Dropout { rate })
}

pub(super) fn plan_of(input: [usize; 3], layers: Vec<Layer>) -> TrainingPlan {
    lower(&Model::sequence("lowered", input, layers), Options::new(2, DeviceClass::Cpu, 2)).unwrap()
}

/// Dropout of the input, of a ReLU's value, and of one without a ReLU.
fn plan() -> TrainingPlan {
    let layers = vec![
        dropout(0.25),
        Layer::Flatten(Flatten {}),
        dense(5, Activation::Relu),
        dropout(0.5),
        dense(4, Activation::Linear),
        dropout(0.5),
        dropout(0.75),
        dense(3, Activation::Linear),
    ];
    plan_of([3, 3, 1], layers)
}

/// The backward passes that carry a gradient to a value: the layer, the kernel, and the ReLU mask's scale if there is one.
pub(super) fn relu_masks(plan: &TrainingPlan) -> Vec<(String, &str, Option<String>)> {
    let mask = |pass: &Pass| {
        let constants = pass.kernel.constants();
        let find = |name: &str| constants.iter().find(|(own, _)| *own == name).map(|(_, value)| value.to_string());
        let masked = find("RELU_MASK")?;
        Some((pass.layer.clone(), pass.kernel.descriptor().name, find("SCALE").filter(|_| masked == "1u")))
    };
    plan.steps.training.iter().filter_map(mask).collect()
}

/// Each pass's kernel and the last of its buffers.
fn passes(plan: &TrainingPlan, program: Program) -> Vec<String> {
    let say = |pass: &Pass| {
        format!("{} {}", pass.kernel.descriptor().name, plan.steps.buffer(*pass.buffers.last().unwrap()).name)
    };
    plan.steps.passes(program).iter().map(say).collect()
}

/// Backwards, a mask stands for its dropouts; without one each runs again, the last one first. Nothing is made for
/// the input.
#[test]
fn a_training_step_drops_gradients_as_it_dropped_values() {
    let states = Optimizer::default().states();
    let update = format!("adam weights.{}", states[states.len() - 1].name);
    let expected = [
        "gather batch.labels",
        "dropout input",
        "conv_forward dense.argmax",
        "dropout dense.output",
        "conv_forward dense_1.argmax",
        "dropout dense_1.output",
        "dropout dense_1.output",
        "conv_forward dense_2.argmax",
        "softmax_cross_entropy correct",
        "conv_input_gradient dense_1.output.gradient",
        "conv_weight_gradient weights.gradient",
        "dropout dense_1.output.gradient",
        "dropout dense_1.output.gradient",
        "conv_input_gradient dense.output.gradient",
        "conv_weight_gradient weights.gradient",
        "conv_weight_gradient weights.gradient",
        &update,
        "advance log",
    ];
    let plan = plan();
    assert_eq!(passes(&plan, Program::Training), expected);
    let layers: Vec<&str> = plan.steps.training.iter().map(|pass| pass.layer.as_str()).collect();
    assert_eq!(layers[11..13], ["dropout_3", "dropout_2"]);
}

#[test]
fn evaluation_drops_nothing() {
    let expected = [
        "gather batch.labels",
        "conv_forward dense.argmax",
        "conv_forward dense_1.argmax",
        "conv_forward dense_2.argmax",
        "softmax_cross_entropy correct",
        "advance log",
    ];
    assert_eq!(passes(&plan(), Program::Evaluation), expected);
}

pub(super) fn conv(activation: Activation) -> Layer {
    let (kernel, stride, padding) = ([3, 3], [1, 1], Padding::Same);
    Layer::Conv2d(Conv2d { filters: 3, kernel, stride, padding, use_bias: true, activation })
}

fn pool(size: usize, stride: usize) -> Layer {
    Layer::MaxPool2d(MaxPool2d(Pool { size: [size; 2], stride: Some([stride; 2]), padding: Padding::Valid }))
}

fn end() -> [Layer; 2] {
    [Layer::Flatten(Flatten {}), dense(2, Activation::Linear)]
}

/// What the pool puts out is as its input was: only a dropout behind it scales its gradient.
#[test]
fn a_pool_begins_a_mask_of_its_own() {
    let layers = [&[conv(Activation::Relu), dropout(0.5), pool(2, 2)][..], &end()].concat();
    let expected = [("dense", "conv_input_gradient", "1e0f"), ("max_pooling2d", "pool_backward", "2e0f")];
    assert_eq!(relu_masks(&plan_of([8, 8, 2], layers)), said(&expected));
}

/// The mask says what all dropouts behind the ReLU scaled by; each has a number, and so a choice, of its own.
#[test]
fn dropouts_of_a_relus_value_multiply_in_its_mask() {
    let middle = [conv(Activation::Relu), dropout(0.5), Layer::Flatten(Flatten {}), dropout(0.75)];
    let plan = plan_of([8, 8, 2], [&middle[..], &end()].concat());
    assert_eq!(relu_masks(&plan), said(&[("dense", "conv_input_gradient", "8e0f")]));
    let dropouts = plan.steps.training.iter().filter(|pass| pass.kernel.descriptor().name == "dropout");
    assert_eq!(dropouts.map(|pass| pass.layer.as_str()).collect::<Vec<_>>(), ["dropout_0", "dropout_1"]);
}

/// A pool in a convolution says where its ReLU left zero, so the layer behind needs no mask but a dropout's.
#[test]
fn behind_a_fused_pool_there_is_no_mask_of_the_relu() {
    let fused = vec![conv(Activation::Relu), pool(2, 2)];
    let plan = |middle: Vec<Layer>| plan_of([8, 8, 2], [middle, end().to_vec()].concat());
    assert_eq!(relu_masks(&plan(fused.clone())), [("dense".to_owned(), "conv_input_gradient", None)]);
    let dropped = [fused, vec![dropout(0.5)]].concat();
    assert_eq!(relu_masks(&plan(dropped)), said(&[("dense", "conv_input_gradient", "2e0f")]));
}

#[test]
fn without_a_relu_there_is_no_mask() {
    let layers = [&[conv(Activation::Linear), pool(3, 1)][..], &end()].concat();
    let none = |layer: &str, kernel| (layer.to_owned(), kernel, None);
    let expected = [none("dense", "conv_input_gradient"), none("max_pooling2d", "pool_backward")];
    assert_eq!(relu_masks(&plan_of([8, 8, 2], layers)), expected);
}

#[test]
fn nothing_before_the_first_weights_gets_a_gradient() {
    let layers = [&[dropout(0.5), pool(2, 2), conv(Activation::Relu), pool(2, 2)][..], &end()].concat();
    let plan = plan_of([8, 8, 2], layers);
    assert_eq!(relu_masks(&plan), [("dense".to_owned(), "conv_input_gradient", None)]);
    let unused = |name: &str| plan.steps.buffers.iter().find(|buffer| buffer.name == name).unwrap().words == 1;
    assert!(unused("input.output.gradient") && unused("max_pooling2d.output.gradient"));
}

pub(super) fn said<'a>(masks: &[(&str, &'a str, &str)]) -> Vec<(String, &'a str, Option<String>)> {
    masks.iter().map(|(layer, kernel, scale)| ((*layer).to_owned(), *kernel, Some((*scale).to_owned()))).collect()
}
/// What a pass is for and what it has to move, by hand; a binding that a kernel misnames would count as any other.
#[test]
fn work_is_counted() {
    let (model, _) = built_in("cnn1").unwrap();
    let plan = lower(&model, Options::new(512, DeviceClass::Cpu, 10_000)).unwrap();
    let work = |layer: &str, kernel: &str| {
        let pass = plan
            .steps
            .training
            .iter()
            .find(|pass| pass.layer == layer && pass.kernel.descriptor().name == kernel)
            .unwrap();
        (pass.kernel.operations(), pass.traffic())
    };
    let order = 4 * 512;
    let pixels = 512 * 784;
    assert_eq!(work("input", "gather"), (pixels, pixels + 512 + order + 4 * 6 + 4 * pixels + 4 * 512));
    // 26 x 26 positions and 13 x 13 after the pool, 9 taps, 32 filters; eight windows' winners in a word.
    let [rows, pooled] = [512 * 26 * 26, 512 * 13 * 13];
    let moved = pixels + 10 * 32 + pooled * 32 + pooled / 8 * 32;
    assert_eq!(work("conv2d", "conv_forward"), (2 * rows * 9 * 32, 4 * moved));
    assert_eq!(work("conv2d", "conv_weight_gradient").0, 2 * pooled * 9 * 32);
    let [convolution, dense, last] = [10 * 32, 5409 * 128, 129 * 10];
    let values = convolution + dense + last;
    let partitions = 64 * convolution + dense + 4 * last;
    // A word a workgroup of 256 values, kernels and biases each for themselves, and seven a variable.
    let table = 2 + 1 + 2_704 + 1 + 5 + 1 + 7 * 6;
    assert_eq!(work("weights", "adam"), (11 * values + partitions, 4 * (partitions + 1 + 6 + table + 6 * values)));
    assert_eq!(plan.steps.operations(Program::Evaluation), {
        let products = rows * 9 * 32 + 512 * (5408 * 128 + 128 * 10);
        2 * products + pixels + 4 * 512 * 10 + 512
    });
}

/// A product in partitions is for as much as one that is not, but writes more; `split_k_reduce` adds that up.
#[test]
fn work_in_partitions_is_counted() {
    let (model, _) = built_in("cnn1").unwrap();
    let plan = lower(&model, Options::new(512, DeviceClass::Gpu, 10_000)).unwrap();
    let work = |kernel: &str| {
        let of_kernel = |pass: &&Pass| pass.layer == "dense" && pass.kernel.descriptor().name == kernel;
        let pass = plan.steps.evaluation.iter().find(of_kernel).unwrap();
        (pass.kernel.operations(), pass.traffic())
    };
    let (outputs, partitions) = (512 * 128, 16);
    let moved = 512 * 5408 + 5409 * 128 + partitions * outputs + 1;
    assert_eq!(work("conv_forward"), (2 * 5408 * outputs, 4 * moved));
    assert_eq!(work("split_k_reduce"), (partitions * outputs, 4 * (partitions * outputs + 128 + outputs)));
}

/// Sums that passes leave for one another are a small part of buffers that other layers have parts of, too.
#[test]
fn of_a_shared_buffer_only_what_a_pass_touches_is_counted() {
    let text = "input = [12, 12, 1]
    layers = [
        { type = 'conv2d', filters = 8, kernel = 3, padding = 'same', use_bias = false },
        { type = 'batch_normalization' },
        { type = 'activation', activation = 'relu' },
        { type = 'flatten' },
        { type = 'dense', units = 300 },
        { type = 'dense', units = 4 },
    ]";
    let (model, _) = parse("normalised", text).unwrap();
    for precision in Precision::ALL {
        let options = Options { precision, ..Options::new(64, DeviceClass::Gpu, 100) };
        let plan = lower(&model, options).unwrap();
        let moved = |kernel: &str| {
            let of_kernel = |pass: &&Pass| pass.kernel.descriptor().name == kernel;
            plan.steps.training.iter().find(of_kernel).unwrap().traffic()
        };
        let [channels, positions, progress] = [8, 64 * 12 * 12, 6];
        // Partitions of 1,024 positions; two sums a channel in each.
        let partials = positions / 1024 * 2 * channels;
        assert_eq!(moved("batch_norm_affine"), 4 * (partials + progress + 2 * channels + 4 * channels + 2 * channels));
        assert_eq!(moved("batch_norm_gradient_totals"), 4 * (partials + 2 * channels));
        let values = positions * channels / if precision == Precision::F32 { 1 } else { 2 };
        assert_eq!(moved("batch_norm_statistics"), 4 * (values + progress + partials));
        assert_eq!(moved("pointwise_backward"), 4 * (3 * values + 4 * channels + 2 * channels + progress));
    }
}

#[test]
fn a_batch_is_cut_into_the_fewest_equal_parts() {
    let parts = [(600, 512), (512, 512), (4096, 512), (513, 512), (1000, 300), (5, 10), (1, 1), (7, 0)];
    assert_eq!(parts.map(|(batch, most)| equal_parts(batch, most)), [300, 512, 512, 257, 250, 5, 1, 1]);
}

/// A step of a plan on the CPU path, in which no weight moves; the values of the buffers of these names.
fn stepped(plan: &TrainingPlan, output_gradient: Option<&[f32]>, names: [&str; 3]) -> [Vec<f32>; 3] {
    let mut cpu = Cpu::new(plan.steps.clone()).unwrap();
    let find = |name: &str| plan.steps.buffers.iter().position(|buffer| buffer.name == name).map(BufferId);
    cpu.write(plan.host.images, &[0x4080_20ff, 0x0a50_c010, 0x9030_7044, 0x2211_8899, 0x0000_0017]).unwrap();
    cpu.write(plan.host.labels, &[0x0201]).unwrap();
    cpu.write(plan.host.order, &[0, 1]).unwrap();
    let progress = Progress { samples: 2, ..Progress::default() };
    cpu.write(plan.host.progress, bytemuck::cast_slice(&[progress])).unwrap();
    for (number, variable) in (1..).zip(&plan.variables) {
        let value = |at: usize| ((at * 7 + number * 3) % 11) as f32 / 10.0 - 0.45;
        let values: Vec<f32> = (0..variable.values.words).map(value).collect();
        cpu.write_at(variable.values.buffer, variable.values.first, bytemuck::cast_slice(&values)).unwrap();
    }
    if let Some(gradient) = output_gradient {
        cpu.write(find("extra.output.gradient").unwrap(), bytemuck::cast_slice(gradient)).unwrap();
    }
    cpu.submit(Program::Training, 1).unwrap();
    names.map(|name| find(name).map_or(Vec::new(), |id| bytemuck::cast_vec(cpu.read(id).unwrap())))
}

/// Each reader of a value leaves its part of the gradient, and the parts are added in a fixed order.
#[test]
fn the_gradient_of_a_value_that_two_layers_read_is_the_sum_of_theirs() {
    let layers = vec![Layer::Flatten(Flatten {}), dense(6, Activation::Relu), dense(3, Activation::Linear)];
    let model = Model::sequence("read twice", [3, 3, 1], layers);
    let mut graph = Graph::of(&resolve(&model).unwrap());
    rewrite(&mut graph);
    let options = || Options::new(2, DeviceClass::Cpu, 2);
    let alone = lower_graph(&graph, &model, options()).unwrap();
    assert!(!alone.steps.training.iter().any(|pass| pass.kernel.descriptor().name == "add"));

    let (layer, output) = (dense(4, Activation::Linear), ValueId(graph.shapes.len()));
    let inferred = layer.operation().infer(&[Shape::Features(6)]).unwrap();
    graph.shapes.push(inferred.output);
    let inputs = vec![graph.stages[0].output];
    let fused = Fused::default();
    graph.stages.push(Stage { name: "extra".into(), layer, inferred, trainable: true, inputs, output, fused });
    let both = lower_graph(&graph, &model, options()).unwrap();

    let name = "dense.output.gradient";
    let [expected, ..] = stepped(&alone, None, [name; 3]);
    let from_extra = [0.5, -0.25, 1.0, 0.125, -1.0, 0.75, 0.0, 2.0];
    let names = [name, "dense.output.gradient.0", "dense.output.gradient.1"];
    let [sum, of_extra, of_dense] = stepped(&both, Some(&from_extra), names);
    assert_eq!(of_dense, expected, "the other reader's part");
    let parts = of_extra.iter().zip(&of_dense);
    assert_eq!(sum, parts.map(|(left, right)| left + right).collect::<Vec<f32>>());
    assert!([&sum, &of_extra, &of_dense].into_iter().all(|values| values.iter().any(|value| *value != 0.0)));
    // The part of `extra` where the ReLU let the value through: its output's gradient times its kernel, transposed.
    let kernel = |input: usize, unit: usize| (((input * 4 + unit) * 7 + 5 * 3) % 11) as f32 / 10.0 - 0.45;
    for (at, &part) in of_extra.iter().enumerate().filter(|(_, part)| **part != 0.0) {
        let by_hand: f32 = (0..4).map(|unit| from_extra[at / 6 * 4 + unit] * kernel(at % 6, unit)).sum();
        assert!((part - by_hand).abs() < 1e-6, "{at}: {part}, by hand {by_hand}");
    }
}
