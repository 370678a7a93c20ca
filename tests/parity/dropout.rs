//! `shaders/dropout.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{all_go_red, mutation};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("dropout");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the rounds", "round < 10", "round < 9"),
        mutation("a multiplier", "0xcd9e8d57", "0xcd9e8d59"),
        mutation("the key", "0x9e3779b9u", "0x9e3779b8u"),
        mutation("the carry", "(middle >> 16) + (other >> 16)", "(middle >> 16)"),
        mutation("the seed", "progress.seed)", "progress.seed.yx)"),
        mutation("the step", "progress.step, LAYER", "0u, LAYER"),
        mutation("the layer", "LAYER, 0)", "0u, 0)"),
        mutation("the micro-batch's blocks", "((VALUES + 3) / 4) + block", "(VALUES / 4) + block"),
        mutation("the lane", "words[lane]", "words[0]"),
        mutation("the choice", "< KEEP", "> KEEP"),
        mutation("the scale", "values[at] * SCALE", "values[at]"),
        mutation("the tail", "at < VALUES", "at + 1 < VALUES"),
    ];
    all_go_red("dropout", &mutations);
}

/// Three in four values stay, scaled so that the mean stays, and the choice is another one in the next step.
#[test]
fn the_mean_stays_and_each_step_chooses_anew() {
    use gpu_fmnist::kernels::{Case, Dropout, Progress};
    let values = 100_000;
    let after = |time| {
        let progress = Progress { step: time, seed: [7, 0], ..Progress::default() };
        let memory = vec![bytemuck::cast_slice(&[progress]).to_vec(), vec![1.0_f32.to_bits(); values]];
        let kernel = Box::new(Dropout { values, layer: 1, rate: 0.25 });
        crate::probe()
            .run(&Case { label: String::new(), kernel, memory, tolerances: Vec::new(), class: None })
            .unwrap()
            .remove(1)
    };
    let (first, second) = (after(0), after(1));
    let kept = first.iter().filter(|&&word| word != 0).count();
    // Four standard deviations of a binomial of 100,000 at 3/4 are 548.
    assert!((74_452..=75_548).contains(&kept), "{kept} of {values} stayed");
    assert!(first.iter().all(|&word| word == 0 || word == (4.0_f32 / 3.0).to_bits()));
    let differ = first.iter().zip(&second).filter(|(one, other)| one != other).count();
    assert!((37_500 - 548..=37_500 + 548).contains(&differ), "{differ} choices differ");
}
