//! `shaders/gather.wgsl` against its twin.

use crate::{goes_red, holds};

#[test]
fn agrees_with_its_twin() {
    holds("gather");
}

#[test]
fn a_broken_shader_is_noticed() {
    goes_red("gather", "+ 127) / 255", "+ 0) / 255");
}

/// Every byte becomes the f32 nearest to byte / 255, on every device.
#[test]
fn every_byte_is_normalised_to_the_nearest_number() {
    use gpu_fmnist::kernels::{Case, Gather, Progress};
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
    let kernel = Box::new(Gather { batch: 1, portion: 1, pixels: 256 });
    let after =
        crate::probe().run(&Case { label: "all bytes".into(), kernel, memory, tolerance: 0.0, tiles: None }).unwrap();
    for (byte, word) in after[4].iter().enumerate() {
        assert_eq!(f32::from_bits(*word), (byte as f64 / 255.0) as f32, "byte {byte}");
    }
}
