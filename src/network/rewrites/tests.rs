//! Each rewrite alone, and all of them together.

use super::*;
use crate::geometry::{Padding, Shape};
use crate::layers::{
    Activate, Activation, Add, AveragePool2d, BatchNormalization, Conv2d, Dense, DepthwiseConv2d, Dropout, Flatten,
    GlobalAveragePool2d, GlobalMaxPool2d, Layer, MaxPool2d, Pool,
};
use crate::model::{Model, Node, resolve};

fn conv(filters: usize, activation: Activation) -> Layer {
    let (kernel, stride, padding) = ([3, 3], [1, 1], Padding::Same);
    Layer::Conv2d(Conv2d { filters, kernel, stride, padding, use_bias: true, activation })
}

fn pool(size: usize, stride: usize) -> Layer {
    Layer::MaxPool2d(MaxPool2d(Pool { size: [size; 2], stride: Some([stride; 2]), padding: Padding::Valid }))
}

fn dense(units: usize) -> Layer {
    Layer::Dense(Dense { units, use_bias: true, activation: Activation::Linear })
}

fn dropout(rate: f32) -> Layer {
    Layer::Dropout(Dropout { rate })
}

const RELU: Layer = Layer::Activation(Activate::new(Activation::Relu));
const FLATTEN: Layer = Layer::Flatten(Flatten {});

fn graph(layers: &[Layer]) -> Graph {
    Graph::of(&resolve(&Model::sequence("rewritten", [8, 8, 2], layers.to_vec())).unwrap())
}

/// Each stage in words: what, from which value to which, and what is fused with it. Values are numbered as they come.
fn said(graph: &Graph) -> Vec<String> {
    let mut numbers = vec![ValueId(0)];
    let mut number = |value: &ValueId| {
        numbers.iter().position(|known| known == value).unwrap_or_else(|| {
            numbers.push(*value);
            numbers.len() - 1
        })
    };
    let mut say = |stage: &Stage| {
        let name = stage.layer.operation().keys().kind;
        let inputs: Vec<String> = stage.inputs.iter().map(|input| number(input).to_string()).collect();
        let (inputs, output) = (inputs.join("+"), number(&stage.output));
        let Fused { relu, pool, function, added } = stage.fused;
        let relu = if relu { " relu" } else { "" };
        let pool = if pool { " pool" } else { "" };
        let function = if function == Function::Linear { String::new() } else { format!(" {function:?}") };
        let added = if added == Some(Added::AfterActivation) { " then sum" } else { "" };
        format!("{name} {inputs}->{output}{relu}{pool}{function}{added}")
    };
    graph.stages.iter().map(&mut say).collect()
}

fn rewritten(layers: &[Layer]) -> Vec<String> {
    let mut graph = graph(layers);
    rewrite(&mut graph);
    said(&graph)
}

/// What one rewrite alone makes of the layers, applied as long as it can be; nothing where it cannot at all.
fn alone(name: &str, layers: &[Layer]) -> Option<Vec<String>> {
    let rewrite = REWRITES.iter().find(|rewrite| rewrite.name == name).unwrap();
    let mut graph = graph(layers);
    let applied = (rewrite.apply)(&mut graph);
    while (rewrite.apply)(&mut graph) {}
    applied.then(|| said(&graph))
}

#[test]
fn what_moves_nothing_is_no_stage() {
    let name = "nothing for what moves nothing";
    let softmax = Layer::Dense(Dense { units: 2, use_bias: true, activation: Activation::Softmax });
    let linear = Layer::Activation(Activate::new(Activation::Linear));
    let stages = alone(name, &[linear, FLATTEN, dropout(0.0), FLATTEN, softmax]);
    assert_eq!(stages.unwrap(), ["dense 0->1"]);
    let stages = alone(name, &[pool(2, 2), dropout(0.5), FLATTEN, dense(2)]);
    assert_eq!(stages.unwrap(), ["max_pool2d 0->1", "dropout 1->2", "dense 2->3"]);
}

#[test]
fn a_relu_of_what_is_not_negative_disappears() {
    let name = "no ReLU of what is not negative";
    let end = [FLATTEN, dense(3), RELU, dropout(0.5), RELU, dense(2)];
    let stages = alone(name, &[&[RELU, pool(2, 2), RELU][..], &end].concat()).unwrap();
    let expected = ["max_pool2d 0->1", "flatten 1->2", "dense 2->3", "activation 3->4", "dropout 4->5", "dense 5->6"];
    assert_eq!(stages, expected);
    assert_eq!(alone(name, &[FLATTEN, dense(3), dropout(0.5), RELU, dense(2)]), None);
}

fn rescaling(scale: f64, offset: f64) -> Layer {
    Layer::Rescaling(Rescaling { scale, offset })
}

#[test]
fn a_leading_rescaling_is_no_stage() {
    let name = "pixels rescaled as they are gathered";
    let end = [conv(3, Activation::Linear), FLATTEN, dense(2)];
    let layers = |begin: &[Layer]| [begin, &end].concat();
    let scaled = PixelScaling { scale: 2.0, offset: 0.5 };
    for (layers, pixels) in [
        (layers(&[rescaling(2.0, 0.5)]), scaled),
        // (2 x + 0.5) * -4 + 1
        (layers(&[rescaling(2.0, 0.5), rescaling(-4.0, 1.0)]), PixelScaling { scale: -8.0, offset: -1.0 }),
        (vec![FLATTEN, rescaling(2.0, 0.5), dense(2)], scaled),
    ] {
        let mut graph = graph(&layers);
        rewrite(&mut graph);
        assert_eq!(graph.pixels, pixels);
        assert!(!said(&graph).iter().any(|stage| stage.contains("rescaling")), "{:?}", said(&graph));
    }
    // Not of what was made of the pixels, of what dropout left of them, nor of what others read as it is.
    assert_eq!(alone(name, &[pool(2, 2), rescaling(2.0, 0.5), FLATTEN, dense(2)]), None);
    let stages = rewritten(&layers(&[dropout(0.5), rescaling(2.0, 0.5)]));
    assert_eq!(stages[..3], ["dropout 0->0", "rescaling 0->1", "conv2d 1->2"]);
    let mut read = graph(&layers(&[rescaling(2.0, 0.5)]));
    let reader = Stage { inputs: vec![ValueId(0)], ..read.stages[1].clone() };
    read.shapes.push(reader.inferred.output);
    read.stages.push(Stage { output: ValueId(read.shapes.len() - 1), ..reader });
    assert!(!rescale_pixels(&mut read));
    // Behind it, dropout works in place.
    let stages = rewritten(&layers(&[rescaling(2.0, 0.5), dropout(0.5)]));
    assert_eq!(stages[..2], ["dropout 0->0", "conv2d 0->1"]);
}

/// What is not negative stays so under a positive factor, but pixels that were moved below zero are not.
#[test]
fn a_relu_of_rescaled_pixels_stays_where_they_can_be_negative() {
    let behind = |scale, offset| rewritten(&[rescaling(scale, offset), RELU, pool(3, 1), FLATTEN, dense(2)]);
    assert_eq!(behind(2.0, 0.5)[0], "max_pool2d 0->1");
    assert_eq!(behind(-1.0, 1.0)[0], "max_pool2d 0->1");
    for (scale, offset) in [(2.0, -0.5), (-2.0, 1.0), (-1.0, 0.0)] {
        assert_eq!(behind(scale, offset)[..2], ["activation 0->1", "max_pool2d 1->2"], "{scale} {offset}");
    }
}

#[test]
fn a_relu_goes_ahead_of_largest_values_and_of_a_factor_but_not_of_means() {
    let average = Layer::AveragePool2d(AveragePool2d(Pool { size: [2, 2], stride: None, padding: Padding::Same }));
    let mean = Layer::GlobalAveragePool2d(GlobalAveragePool2d {});
    let largest = Layer::GlobalMaxPool2d(GlobalMaxPool2d {});
    let linear = conv(3, Activation::Linear);
    let means = [linear.clone(), average, RELU, mean, RELU, dense(2)];
    let expected =
        ["conv2d 0->1", "average_pool2d 1->2", "activation 2->3", "global_average_pool2d 3->4", "dense 4->5"];
    assert_eq!(rewritten(&means), expected);
    // A pool over the border is none of those that a convolution ends in.
    let same = Layer::MaxPool2d(MaxPool2d(Pool { size: [3, 3], stride: None, padding: Padding::Same }));
    let expected = ["conv2d 0->1 relu", "max_pool2d 1->2", "global_max_pool2d 2->3", "dense 3->4"];
    assert_eq!(rewritten(&[linear.clone(), same, largest, RELU, dense(2)]), expected);
    let depthwise = Layer::DepthwiseConv2d(DepthwiseConv2d {
        kernel: [3, 3],
        stride: [1, 1],
        padding: Padding::Same,
        depth_multiplier: 2,
        use_bias: false,
        activation: Activation::Linear,
    });
    let scaled = [depthwise, rescaling(2.0, 0.0), RELU, FLATTEN, dense(2)];
    assert_eq!(rewritten(&scaled), ["depthwise_conv2d 0->1 relu", "rescaling 1->2", "dense 2->3"]);
    let moved = [linear, rescaling(2.0, 0.5), RELU, FLATTEN, dense(2)];
    assert_eq!(rewritten(&moved)[..3], ["conv2d 0->1", "rescaling 1->2", "activation 2->3"]);
}

#[test]
fn a_relu_goes_ahead_of_pools_and_dropouts() {
    let name = "ReLU ahead of what commutes with it";
    let layers = [conv(3, Activation::Linear), pool(3, 1), dropout(0.5), RELU];
    let mut graph = graph(&[&layers[..], &[FLATTEN, dense(2)]].concat());
    let hoist = REWRITES.iter().find(|rewrite| rewrite.name == name).unwrap();
    while (hoist.apply)(&mut graph) {}
    let expected = ["conv2d 0->1", "activation 1->2", "max_pool2d 2->3", "dropout 3->4", "flatten 4->5", "dense 5->6"];
    assert_eq!(said(&graph), expected);
    let shapes = graph.stages.iter().map(|stage| graph.shapes[stage.output.0]);
    let images = [8, 8, 6, 6].map(|size| Shape::Image([size, size, 3]));
    assert_eq!(shapes.take(4).collect::<Vec<_>>(), images);
    assert_eq!(alone(name, &[FLATTEN, dense(3), RELU, dense(2)]), None);
}

#[test]
fn a_relu_right_behind_a_product_is_its_end() {
    let name = "ReLU in a product's epilogue";
    assert_eq!(alone(name, &[FLATTEN, dense(3), RELU, dense(2)]).unwrap()[1], "dense 1->2 relu");
    assert_eq!(alone(name, &[conv(3, Activation::Relu), FLATTEN, dense(2)]).unwrap()[0], "conv2d 0->1 relu");
    assert_eq!(alone(name, &[FLATTEN, dense(3), dropout(0.5), RELU, dense(2)]), None);
}

#[test]
fn a_pool_by_two_right_behind_a_convolution_is_its_end() {
    let name = "2 x 2 max-pool in a convolution's epilogue";
    let (linear, end) = (conv(3, Activation::Linear), [FLATTEN, dense(2)]);
    let fused = |middle: &[Layer]| alone(name, &[std::slice::from_ref(&linear), middle, &end].concat());
    assert_eq!(fused(&[pool(2, 2)]).unwrap()[0], "conv2d 0->1 pool");
    let halves = Layer::MaxPool2d(MaxPool2d(Pool { size: [2, 2], stride: None, padding: Padding::Valid }));
    assert_eq!(fused(&[halves]).unwrap()[0], "conv2d 0->1 pool");
    assert_eq!(fused(&[pool(2, 2), pool(2, 2)]).unwrap()[..2], ["conv2d 0->1 pool", "max_pool2d 1->2"]);
    let same = |size: usize| {
        let halves = Layer::MaxPool2d(MaxPool2d(Pool { size: [2, 2], stride: None, padding: Padding::Same }));
        let layers = [linear.clone(), halves, FLATTEN, dense(2)];
        let mut graph = Graph::of(&resolve(&Model::sequence("same", [size, 8, 2], layers)).unwrap());
        fuse_pool(&mut graph)
    };
    assert_eq!((same(8), same(7)), (true, false));
    for other in [&[pool(2, 1)][..], &[pool(3, 2)], &[RELU, pool(2, 2)], &[dropout(0.5), pool(2, 2)]] {
        assert_eq!(fused(other), None, "{other:?}");
    }
}

fn named(name: &str, inputs: &[&str], layer: Layer) -> Node {
    let inputs = inputs.iter().map(|&input| input.into()).collect();
    Node { name: Some(name.into()), inputs, ..Node::from(layer) }
}

const BATCH_NORMALIZATION: Layer =
    Layer::BatchNormalization(BatchNormalization { momentum: 0.9, epsilon: 1e-3, center: true, scale: true });

/// A residual: `conv`, then the nodes, which end at `sum`, and a dense layer.
fn residual(nodes: &[Node]) -> Vec<String> {
    let end = [named("flat", &["sum"], FLATTEN), named("dense", &[], dense(2))];
    let layers = [&[named("conv", &[], conv(2, Activation::Linear))][..], nodes, &end].concat();
    let model = Model { name: "residual".into(), input: [8, 8, 2], layers };
    let mut graph = Graph::of(&resolve(&model).unwrap());
    rewrite(&mut graph);
    let stages = said(&graph);
    stages[1..stages.len() - 1].to_vec()
}

#[test]
fn an_activation_goes_into_the_normalisation_before_it() {
    let name = "activation in the pass before it";
    let gelu = Layer::Activation(Activate::new(Activation::Gelu));
    let layers = [conv(3, Activation::Linear), BATCH_NORMALIZATION, gelu.clone(), gelu.clone(), FLATTEN, dense(2)];
    let stages = alone(name, &layers).unwrap();
    assert_eq!(stages[1..3], ["batch_normalization 1->2 Gelu", "activation 2->3"]);
    assert_eq!(alone(name, &[conv(3, Activation::Linear), gelu, FLATTEN, dense(2)]), None);
    assert_eq!(alone(name, &[conv(3, Activation::Linear), BATCH_NORMALIZATION, RELU, FLATTEN, dense(2)]), None);
    let relu = rewritten(&[conv(3, Activation::Linear), BATCH_NORMALIZATION, RELU, FLATTEN, dense(2)]);
    assert_eq!(relu[1], "batch_normalization 1->2 relu");
}

#[test]
fn a_sum_is_made_with_the_later_of_its_normalisations() {
    let (gelu, add) = (Layer::Activation(Activate::new(Activation::Gelu)), Layer::Add(Add {}));
    let one = named("one", &["conv"], BATCH_NORMALIZATION);
    let [two, sum] = [named("two", &["conv"], BATCH_NORMALIZATION), named("sum", &["two", "one"], add.clone())];
    let both = ["batch_normalization 1->2", "batch_normalization 1+2->3"];
    assert_eq!(residual(&[one.clone(), two.clone(), sum]), both);
    // The activation is of the sum, or ahead of it.
    let behind = [one.clone(), named("add", &["conv", "one"], add.clone()), named("sum", &[], RELU)];
    assert_eq!(residual(&behind), ["batch_normalization 1+1->2 relu"]);
    let behind = [one.clone(), named("add", &["conv", "one"], add.clone()), named("sum", &[], gelu.clone())];
    assert_eq!(residual(&behind), ["batch_normalization 1+1->2 Gelu"]);
    let ahead = [one.clone(), named("a", &[], gelu.clone()), named("sum", &["a", "conv"], add.clone())];
    assert_eq!(residual(&ahead), ["batch_normalization 1+1->2 Gelu then sum"]);
    let ahead = [one.clone(), named("a", &[], RELU), named("sum", &["a", "conv"], add.clone())];
    assert_eq!(residual(&ahead), ["batch_normalization 1+1->2 Relu then sum"]);
    // On both sides of it: two passes.
    let sides = [one.clone(), named("a", &[], RELU), named("b", &["a", "conv"], add.clone()), named("sum", &[], gelu)];
    assert_eq!(residual(&sides), ["batch_normalization 1->2 relu", "add 2+1->3 Gelu"]);
    // What others read stays what it is, and of three values nothing is made with another one.
    let read = [one.clone(), two, named("b", &["two", "one"], add.clone()), named("sum", &["b", "two", "one"], add)];
    let stages = residual(&read);
    assert_eq!(stages, ["batch_normalization 1->2", "batch_normalization 1->3", "add 3+2->4", "add 4+3+2->5"]);
}

#[test]
fn dropout_works_in_place() {
    let name = "in place where nothing else reads the value";
    let stages = alone(name, &[FLATTEN, dense(3), dropout(0.5), dropout(0.75), dense(2)]).unwrap();
    assert_eq!(stages, ["flatten 0->1", "dense 1->2", "dropout 2->2", "dropout 2->2", "dense 2->3"]);
    assert_eq!(alone(name, &[FLATTEN, dense(3), RELU, dense(2)]), None);
}

/// What two layers read stays what it is: whatever one of them would change, the other must not see.
#[test]
fn nothing_is_fused_into_a_value_that_others_read() {
    let layers = vec![
        named("conv", &[], conv(3, Activation::Linear)),
        named("relu", &["conv"], RELU),
        named("pool", &["relu"], pool(2, 2)),
        named("dropout", &["pool"], dropout(0.5)),
        named("flatten", &["dropout"], FLATTEN),
        named("dense", &["flatten"], dense(2)),
    ];
    let chain = Graph::of(&resolve(&Model { name: "read".into(), input: [8, 8, 2], layers }).unwrap());
    let mut alone = chain.clone();
    rewrite(&mut alone);
    assert_eq!(said(&alone), ["conv2d 0->1 relu pool", "dropout 1->1", "dense 1->2"]);
    // The same with one more reader of one value.
    for (read, expected) in [
        (0, &["conv2d 0->1", "activation 1->2", "max_pool2d 2->3", "dropout 3->3", "dense 3->4"][..]),
        (1, &["conv2d 0->1 relu", "max_pool2d 1->2", "dropout 2->2", "dense 2->3"]),
        (2, &["conv2d 0->1 relu pool", "dropout 1->2", "dense 2->3"]),
    ] {
        let mut graph = chain.clone();
        let reader = Stage { inputs: vec![graph.stages[read].output], ..graph.stages[5].clone() };
        graph.shapes.push(Shape::Features(2));
        graph.stages.push(Stage { output: ValueId(graph.shapes.len() - 1), ..reader });
        rewrite(&mut graph);
        assert_eq!(said(&graph)[..expected.len()], *expected, "another reader of value {read}");
    }
}

#[test]
fn a_relu_goes_into_the_product_before_it_wherever_it_stands() {
    let before = [conv(3, Activation::Relu), pool(3, 1), dropout(0.5), FLATTEN, dense(2)];
    let behind = [conv(3, Activation::Linear), pool(3, 1), dropout(0.5), FLATTEN, RELU, dense(2)];
    let between = [conv(3, Activation::Linear), pool(3, 1), RELU, dropout(0.5), FLATTEN, dense(2)];
    for layers in [&before[..], &behind, &between] {
        assert_eq!(rewritten(layers), ["conv2d 0->1 relu", "max_pool2d 1->2", "dropout 2->2", "dense 2->3"]);
    }
    let layers = [conv(3, Activation::Linear), conv(4, Activation::Linear), RELU, FLATTEN, dense(5), dense(2)];
    assert_eq!(rewritten(&layers), ["conv2d 0->1", "conv2d 1->2 relu", "dense 2->3", "dense 3->4"]);
}

#[test]
fn relu_and_pool_are_fused_in_either_order() {
    for middle in [[RELU, pool(2, 2)], [pool(2, 2), RELU]] {
        let layers = [&[conv(3, Activation::Linear)][..], &middle, &[FLATTEN, dense(2)]].concat();
        assert_eq!(rewritten(&layers), ["conv2d 0->1 relu pool", "dense 1->2"]);
    }
    // Dropout before the pool is another network than dropout behind it.
    let dropped = ["conv2d 0->1 relu", "dropout 1->1", "max_pool2d 1->2", "dense 2->3"];
    assert_eq!(rewritten(&[conv(3, Activation::Relu), dropout(0.5), pool(2, 2), FLATTEN, dense(2)]), dropped);
}

#[test]
fn nothing_before_the_first_weights_is_a_relu() {
    let layers = [RELU, dropout(0.5), pool(2, 2), RELU, FLATTEN, dense(3), RELU, dense(2)];
    assert_eq!(rewritten(&layers), ["dropout 0->0", "max_pool2d 0->1", "dense 1->2 relu", "dense 2->3"]);
}
