//! `shaders/col2im.wgsl` against its CPU reference.

use std::ops::ControlFlow;
use std::sync::Arc;

use gpu_fmnist::cpu::Cpu;
use gpu_fmnist::data::Samples;
use gpu_fmnist::gemm::DeviceClass;
use gpu_fmnist::gpu::Gpu;
use gpu_fmnist::model::built_in;
use gpu_fmnist::plan::{Executor, Plan};
use gpu_fmnist::train::Setup;

use crate::mutation::{all_go_red, mutation};
use crate::{adapter, holds};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("col2im");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("a patch's y", "y / STRIDE_Y - kernel_y / STRIDE_Y", "y / STRIDE_Y"),
        mutation("a patch's x", "x / STRIDE_X - kernel_x / STRIDE_X", "x / STRIDE_X"),
        mutation("the tap", "kernel_y * KERNEL_WIDTH + kernel_x;", "kernel_y * KERNEL_WIDTH;"),
        mutation("the stride", "kernel_x += STRIDE_X", "kernel_x += 1u"),
        mutation("the padding", "column + PAD_LEFT", "column"),
        mutation("the patch's address", "patch_y * PATCHES_WIDTH + patch_x", "patch_y * PATCHES_WIDTH"),
        mutation("the image's address", "image_row / HEIGHT * PATCHES_HEIGHT * PATCHES_WIDTH", "0u"),
        mutation("the channel", "tap * CHANNELS + channel", "tap * CHANNELS"),
        mutation("the last patch", "patch_x < PATCHES_WIDTH", "patch_x + 1 < PATCHES_WIDTH"),
        mutation("the sum", "sum += patches[", "sum = patches["),
        mutation("the ReLU mask", "value > 0.0", "value >= 0.0"),
        mutation("the mask's scale", "gradient * SCALE", "gradient"),
        mutation("the tail of rows", "image_row >= BATCH * HEIGHT", "image_row >= BATCH * HEIGHT - 1"),
        mutation("the tail of channels", "channel >= CHANNELS", "channel >= CHANNELS - 1"),
    ];
    all_go_red("col2im", &mutations);
}

/// The gradient of cnn2's first convolution, which comes through the second one's fold, for a batch of 128.
fn gradient(tiles: DeviceClass, make: impl FnOnce(Arc<Plan>) -> Box<dyn Executor>) -> Vec<f32> {
    const BATCH: usize = 128;
    let (model, _) = built_in("cnn2").unwrap();
    let images = (0..BATCH * 784).map(|at| ((at * 2_654_435_761) >> 7) as u8).collect();
    let labels = (0..BATCH).map(|at| (at % 10) as u8).collect();
    let samples = Samples { images, labels, shape: model.input };
    let setup = Setup { seed: 2020, ..Setup::new(&model, &samples, BATCH, tiles) };
    let passes =
        setup.plan().unwrap().steps.training.iter().filter(|pass| pass.kernel.descriptor().name == "col2im").count();
    assert_eq!(passes, if tiles == DeviceClass::Software { 2 } else { 0 });
    let mut engine = setup.initialised(|plan| Ok(make(plan))).unwrap();
    let order: Vec<u32> = (0..BATCH as u32).collect();
    engine.train(&order, 0.0, &mut |_| ControlFlow::Continue(())).unwrap();
    engine.gradients().unwrap()[..2].concat()
}

#[test]
fn a_batch_added_up_in_parts_has_the_gradients_of_one_in_one_product() {
    let whole = gradient(DeviceClass::Cpu, |plan| Box::new(Cpu::new(plan).unwrap()));
    let gpu: fn(Arc<Plan>) -> Box<dyn Executor> = |plan| Box::new(Gpu::new(adapter(), plan).unwrap());
    let cpu: fn(Arc<Plan>) -> Box<dyn Executor> = |plan| Box::new(Cpu::new(plan).unwrap());
    for make in [gpu, cpu] {
        let added = gradient(DeviceClass::Software, make);
        let largest = whole.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
        for (index, (added, whole)) in added.iter().zip(&whole).enumerate() {
            assert!((added - whole).abs() <= 1e-5 * largest, "conv2d.weights.gradient[{index}]: {added}, not {whole}");
        }
    }
}
