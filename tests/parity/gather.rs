//! `shaders/gather.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{all_go_red, mutation};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("gather");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("rounding", "+ 127) / 255", "+ 0) / 255"),
        mutation("the factor", "* FACTOR", "* 1.0"),
        mutation("the offset", "+ OFFSET", "+ 0.0"),
        mutation("the exponent", "(127 - shift)", "(126 - shift)"),
        mutation("the byte of a word", "images[at / 4] >> (8 * (at % 4))", "images[at / 4] >> (8 * (at % 2))"),
        mutation("the order of images", "order[place] * PIXELS", "place * PIXELS"),
        mutation("the order of labels", "let sample = order[place];", "let sample = place;"),
        mutation("the batch", "progress.batch * BATCH + row_of_batch", "row_of_batch"),
        mutation("the micro-batch", "progress.micro_batch * MICRO_BATCH + row", "row"),
        mutation("the end of the batch", "row_of_batch < BATCH && place", "place"),
        mutation("the end of the order", "place < progress.samples", "place + 1 < progress.samples"),
        mutation("what an image is made of", "if FLOATS == 1", "if FLOATS == 2"),
        mutation("the place of a number", "bitcast<f32>(images[at])", "bitcast<f32>(images[at / 4])"),
        mutation("the tail", "pixel < PIXELS", "pixel + 1 < PIXELS"),
        mutation("the address", "input[row * PIXELS + pixel]", "input[row * PIXELS + PIXELS - 1 - pixel]"),
    ];
    all_go_red("gather", &mutations);
}

/// Every byte becomes the f32 nearest to byte / 255, on every device.
#[test]
fn every_byte_is_normalised_to_the_nearest_number() {
    use gpu_fmnist::kernels::{Case, Gather, PixelScaling, Progress};
    let bytes: Vec<u8> = (0..=255).collect();
    let progress = Progress { samples: 1, ..Progress::default() };
    let memory = vec![
        bytemuck::pod_collect_to_vec(&bytes),
        vec![0],
        vec![0],
        bytemuck::cast_slice(&[progress]).to_vec(),
        vec![0; 256],
        vec![0],
    ];
    let kernel =
        Box::new(Gather { batch: 1, micro_batch: 1, pixels: 256, floats: false, rescaling: PixelScaling::NONE });
    let after = crate::probe()
        .run(&Case { label: "all bytes".into(), kernel, memory, tolerances: Vec::new(), class: None })
        .unwrap();
    for (byte, word) in after[4].iter().enumerate() {
        assert_eq!(f32::from_bits(*word), (byte as f64 / 255.0) as f32, "byte {byte}");
    }
}
