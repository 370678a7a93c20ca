//! What pools, depthwise convolutions and concatenations become: their masks, pass by pass.

use super::tests::{conv, dense, dropout, plan_of, relu_masks, said};
use super::{Options, TrainingPlan, lower};
use crate::gemm::DeviceClass;
use crate::geometry::Padding;
use crate::layers::{
    Activation, AveragePool2d, Concatenate, DepthwiseConv2d, Flatten, GlobalAveragePool2d, GlobalMaxPool2d, Layer,
    MaxPool2d, Pool, Rescaling,
};
use crate::model::{Model, Node};
use crate::plan::Program;

const MEAN: Layer = Layer::GlobalAveragePool2d(GlobalAveragePool2d {});
const MOST: Layer = Layer::GlobalMaxPool2d(GlobalMaxPool2d {});

fn average(size: usize) -> Layer {
    Layer::AveragePool2d(AveragePool2d(Pool { size: [size; 2], stride: None, padding: Padding::Same }))
}

fn depthwise(activation: Activation) -> Layer {
    let (kernel, stride, padding) = ([3, 3], [1, 1], Padding::Same);
    Layer::DepthwiseConv2d(DepthwiseConv2d { kernel, stride, padding, depth_multiplier: 2, use_bias: true, activation })
}

/// What goes through a ReLU and then a pool has gone through it; dropout scales what it drops alone.
#[test]
fn a_mask_goes_through_pools_of_all_kinds() {
    let layers = vec![
        conv(Activation::Relu),
        average(2),
        dropout(0.5),
        depthwise(Activation::Relu),
        dropout(0.75),
        MOST,
        dense(2, Activation::Linear),
    ];
    let expected = [
        ("dense", "conv_input_gradient", "1e0f"),
        ("global_max_pooling2d", "global_max_pool_backward", "4e0f"),
        ("depthwise_conv2d", "depthwise_input_gradient", "2e0f"),
        ("average_pooling2d", "average_pool_backward", "1e0f"),
    ];
    assert_eq!(relu_masks(&plan_of([8, 8, 2], layers)), said(&expected));
}

/// Dropout behind a mean of what is no ReLU's runs again over the gradient.
#[test]
fn without_a_relu_pools_have_no_mask() {
    let layers = vec![conv(Activation::Linear), average(2), depthwise(Activation::Linear), MEAN, dropout(0.5)];
    let plan = plan_of([8, 8, 2], [layers, vec![dense(2, Activation::Linear)]].concat());
    assert!(relu_masks(&plan).iter().all(|(.., mask)| mask.is_none()) && relu_masks(&plan).len() == 4);
    let dropouts = plan.steps.training.iter().filter(|pass| pass.kernel.descriptor().name == "dropout");
    assert_eq!(dropouts.count(), 2);
}

fn graph(layers: &[(&str, &[&str], Layer)]) -> TrainingPlan {
    let node = |(name, inputs, layer): &(&str, &[&str], Layer)| Node {
        name: Some((*name).into()),
        inputs: inputs.iter().map(|&input| input.into()).collect(),
        ..Node::from(layer.clone())
    };
    let model = Model { name: "graph".into(), input: [6, 5, 2], layers: layers.iter().map(node).collect() };
    lower(&model, Options::new(2, DeviceClass::Cpu, 2)).unwrap()
}

/// Only where every part of it went through a ReLU did a concatenation; each part gets its gradient through its own mask.
#[test]
fn a_concatenation_has_a_mask_where_all_its_inputs_have_one() {
    for (of_right, of_all, of_part) in
        [(Activation::Relu, Some("1e0f"), Some("2e0f")), (Activation::Linear, None, None)]
    {
        let plan = graph(&[
            ("left", &["input"], conv(Activation::Relu)),
            ("right", &["input"], conv(of_right)),
            ("dropped", &["right"], dropout(0.5)),
            ("all", &["left", "dropped"], Layer::Concatenate(Concatenate {})),
            ("conv", &["all"], conv(Activation::Linear)),
            ("flat", &["conv"], Layer::Flatten(Flatten {})),
            ("dense", &["flat"], dense(2, Activation::Linear)),
        ]);
        let own = |layer: &str, kernel, mask: Option<&str>| (layer.to_owned(), kernel, mask.map(str::to_owned));
        let expected = [
            own("all", "copy_channels", None),
            own("all", "copy_channels", None),
            own("dense", "conv_input_gradient", None),
            own("conv", "conv_input_gradient", of_all),
            own("all", "copy_channels", Some("1e0f")),
            own("all", "copy_channels", of_part),
        ];
        assert_eq!(relu_masks(&plan), expected);
    }
}

/// What a layer reads twice gets both parts of its gradient.
#[test]
fn a_value_may_be_concatenated_with_itself() {
    let plan = graph(&[
        ("conv", &["input"], conv(Activation::Relu)),
        ("twice", &["conv", "conv"], Layer::Concatenate(Concatenate {})),
        ("mean", &["twice"], MEAN),
    ]);
    let added = plan.steps.training.iter().filter(|pass| pass.kernel.descriptor().name == "add");
    let added: Vec<Vec<&str>> =
        added.map(|pass| pass.buffers.iter().map(|id| plan.steps.buffer(*id).name.as_str()).collect()).collect();
    let name = "conv.output.gradient";
    assert_eq!(added, [[&format!("{name}.0"), &format!("{name}.1"), name]]);
}

/// The pool reads the loss' gradient itself, also where its input went through a ReLU.
#[test]
fn a_network_may_end_in_a_global_pool() {
    let mean = (MEAN, "average_pool_forward", "average_pool_backward");
    let most = (MOST, "pool_forward", "global_max_pool_backward");
    for ((last, forward, backward), activation) in
        [mean, most].into_iter().flat_map(|pool| [Activation::Linear, Activation::Relu].map(|one| (pool.clone(), one)))
    {
        let plan = plan_of([8, 8, 2], vec![conv(activation), last]);
        let pass = |program, name: &str| {
            let passes = plan.steps.passes(program);
            passes.iter().find(|pass| pass.kernel.descriptor().name == name).map(|pass| pass.buffers.clone())
        };
        for program in [Program::Training, Program::Evaluation] {
            assert_eq!(pass(program, forward).unwrap()[1], plan.host.logits);
        }
        let of_loss = pass(Program::Training, "softmax_cross_entropy").unwrap()[3];
        assert_eq!(pass(Program::Training, backward).unwrap()[0], of_loss);
    }
}

/// Nothing that has no weights before it gets a gradient.
#[test]
fn nothing_is_made_for_pixels() {
    let max = Layer::MaxPool2d(MaxPool2d(Pool { size: [3, 3], stride: Some([2, 2]), padding: Padding::Same }));
    let scaled = Layer::Rescaling(Rescaling { scale: 2.0, offset: 1.0 });
    let plan = graph(&[
        ("pool", &["input"], max),
        ("scaled", &["pool"], scaled),
        ("means", &["scaled"], average(1)),
        ("twice", &["means", "scaled"], Layer::Concatenate(Concatenate {})),
        ("depthwise", &["twice"], depthwise(Activation::Linear)),
        ("most", &["depthwise"], MOST),
    ]);
    let names: Vec<&str> = plan.steps.training.iter().map(|pass| pass.kernel.descriptor().name).collect();
    let backward = names.iter().skip_while(|name| **name != "softmax_cross_entropy").skip(1);
    let expected = ["global_max_pool_backward", "depthwise_weight_gradient", "adam", "advance"];
    assert_eq!(backward.copied().collect::<Vec<&str>>(), expected);
}
