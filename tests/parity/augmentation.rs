//! Augmented training steps: the same bits on both executors, wherever the samples are, in any number of micro-batches,
//! and wherever in an epoch a run goes on.

use std::ops::ControlFlow;
use std::sync::Arc;

use gpu_fmnist::augment::{Augmentation, Flip, Pad, Transform};
use gpu_fmnist::cpu::Cpu;
use gpu_fmnist::data::Samples;
use gpu_fmnist::gemm::DeviceClass;
use gpu_fmnist::gpu::Gpu;
use gpu_fmnist::layers::{Activation, Dense, Flatten, Layer};
use gpu_fmnist::model::Model;
use gpu_fmnist::plan::{BufferId, Executor, Plan, Program};
use gpu_fmnist::train::{Engine, Placement, Setup};

const BATCH: usize = 8;
const SHAPE: [usize; 3] = [9, 7, 2];
const PIXELS: usize = 9 * 7 * 2;
const EPOCH: u32 = 3;

type Make = fn(Arc<Plan>) -> gpu_fmnist::Result<Box<dyn Executor>>;

const EXECUTORS: [(&str, Make); 2] = [
    ("CPU", |plan| Ok(Box::new(Cpu::new(plan)?))),
    ("adapter", |plan| Ok(Box::new(Gpu::new(crate::adapter(), plan)?))),
];

fn everything() -> Augmentation {
    Augmentation {
        flip: Flip::Alternating,
        shift: 2,
        pad: Pad::Reflect,
        cutout: 3,
        random_erasing: 0.5,
        mixup: 0.4,
        cutmix: 1.0,
    }
}

fn samples() -> Samples {
    let byte = |place: usize| (place.wrapping_mul(0x9E37_79B9) >> 11) as u8;
    Samples { images: (0..40 * PIXELS).map(byte).collect(), labels: (0..40).map(|at| at % 5).collect(), shape: SHAPE }
}

fn model() -> Model {
    let layers = vec![
        Layer::Flatten(Flatten {}),
        Layer::Dense(Dense { units: 5, use_bias: true, activation: Activation::Linear }),
    ];
    Model::sequence("small", SHAPE, layers)
}

/// In no order of their numbers.
fn order() -> Vec<u32> {
    (0..20).map(|place| place * 7 % 20 + 3).collect()
}

/// The buffer of that name, as the last pass left it.
fn bits(engine: &mut Engine, name: &str) -> Vec<u32> {
    let place = engine.plan().steps.buffers.iter().position(|buffer| buffer.name == name).unwrap();
    engine.read(BufferId(place)).unwrap().into_iter().map(f32::to_bits).collect()
}

struct Way {
    make: Make,
    placement: Placement,
    micro_batch: usize,
}

impl Way {
    fn engine<'a>(&self, samples: &'a Samples, augmentation: Augmentation) -> Engine<'a> {
        let mut setup = Setup { seed: 5, ..Setup::new(&model(), samples, BATCH, DeviceClass::Cpu) };
        setup = setup.placed(self.placement);
        setup.options.micro_batch = self.micro_batch;
        setup.options.augmentation = augmentation;
        let mut engine = setup.initialised(self.make).unwrap();
        engine.epoch = EPOCH;
        engine
    }

    /// Input and labels of the last micro-batch after training on these rows.
    fn left(&self, augmentation: Augmentation, rows: &[u32]) -> [Vec<u32>; 2] {
        let samples = samples();
        let mut engine = self.engine(&samples, augmentation);
        engine.train(rows, 0.0, &mut |_| ControlFlow::Continue(())).unwrap();
        ["input", "batch.labels"].map(|name| bits(&mut engine, name))
    }
}

fn ways() -> impl Iterator<Item = (String, Way)> {
    let all = EXECUTORS
        .into_iter()
        .flat_map(|executor| [Placement::Resident, Placement::Streamed].map(|placement| (executor, placement)));
    all.flat_map(|((name, make), placement)| {
        [8, 4, 3]
            .map(|micro_batch| (format!("{name}, {placement:?}, {micro_batch}"), Way { make, placement, micro_batch }))
    })
}

#[test]
fn a_batch_has_the_same_bits_however_it_is_made() {
    let (all, augmentation) = (order(), everything());
    let one = Way { make: EXECUTORS[0].1, placement: Placement::Resident, micro_batch: BATCH };
    // Two whole batches and a short one.
    for end in [8, 16, 20] {
        let expected = one.left(augmentation, &all[..end]);
        let plain = one.left(Augmentation { mixup: 1e-3, ..Augmentation::default() }, &all[..end]);
        assert!(expected[0] != plain[0] && expected[1] != plain[1], "something befalls them");
        for (name, way) in ways() {
            // Rows of the last micro-batch, those beyond the batch are zeros.
            let first = (BATCH.div_ceil(way.micro_batch) - 1) * way.micro_batch;
            for from in (0..end).step_by(BATCH) {
                let left = way.left(augmentation, &all[from..end]);
                for ((left, expected), size) in left.iter().zip(&expected).zip([PIXELS, 3]) {
                    let (rows, rest) = left.split_at((BATCH - first) * size);
                    assert!(*rows == expected[first * size..], "{name}: rows {from} to {end}");
                    assert!(rest.iter().all(|&word| word == 0), "{name}: rows {from} to {end}");
                }
            }
        }
    }
}

#[test]
fn evaluation_sees_samples_as_they_are() {
    let (samples, rows) = (samples(), &order()[..BATCH]);
    let exact: Vec<u32> = rows
        .iter()
        .flat_map(|&sample| &samples.images[sample as usize * PIXELS..][..PIXELS])
        .map(|&byte| (f32::from(byte) / 255.0).to_bits())
        .collect();
    for (name, way) in ways().filter(|(_, way)| way.micro_batch == BATCH) {
        let mut engine = way.engine(&samples, everything());
        engine.train(rows, 0.0, &mut |_| ControlFlow::Continue(())).unwrap();
        assert!(bits(&mut engine, "input") != exact, "{name}");
        engine.evaluate(rows).unwrap();
        assert!(bits(&mut engine, "input") == exact, "{name}");
        let problem = engine.predict_as(Transform::NONE, rows).unwrap_err().to_string();
        assert!(problem.contains("make one with `views`"), "{problem}");
    }
}

/// With nothing to do, no kernel of these is in a plan and no buffer for them.
#[test]
fn a_plan_without_augmentation_is_what_it_always_was() {
    let samples = samples();
    let setup = Setup::new(&model(), &samples, BATCH, DeviceClass::Cpu);
    let names = |setup: &Setup, program| {
        let plan = setup.plan().unwrap().steps;
        let kernels = plan.passes(program).iter().map(|pass| pass.kernel.descriptor().name).collect::<Vec<_>>();
        (kernels, plan.buffers.iter().any(|buffer| buffer.name == "transforms"))
    };
    for program in [Program::Training, Program::Evaluation] {
        let (kernels, transforms) = names(&setup, program);
        assert!(!transforms && kernels.contains(&"gather") && kernels.contains(&"softmax_cross_entropy"));
        assert!(kernels.iter().all(|name| !name.starts_with("augmented") && !name.starts_with("soft_")));
    }
    let mut augmented = Setup::new(&model(), &samples, BATCH, DeviceClass::Cpu);
    augmented.options.augmentation = Augmentation { shift: 1, ..Augmentation::default() };
    let (kernels, transforms) = names(&augmented, Program::Training);
    assert!(transforms && kernels.contains(&"augmented_gather") && kernels.contains(&"softmax_cross_entropy"));
    assert!(names(&augmented, Program::Evaluation).0.contains(&"gather"));
    augmented.options.label_smoothing = 0.1;
    assert!(names(&augmented, Program::Evaluation).0.contains(&"soft_cross_entropy"));
}

/// Hits are of the label that has the larger share, and losses of both.
#[test]
fn mixed_labels_are_judged_by_the_larger_share() {
    let images = [[0; PIXELS], [255; PIXELS]].concat();
    let samples = Samples { images, labels: vec![0, 4], shape: SHAPE };
    for (name, make) in EXECUTORS {
        let mut setup = Setup { seed: 5, ..Setup::new(&model(), &samples, 2, DeviceClass::Cpu) };
        setup.options.augmentation = Augmentation { mixup: 1e-3, ..Augmentation::default() };
        setup.options.label_smoothing = 0.5;
        let mut engine = setup.engine(make).unwrap();
        // All weights are zero but a bias: every sample is taken for class 4.
        let bias = engine.plan().variables[1].values;
        engine.put(bias, &[0.0, 0.0, 0.0, 0.0, 2.0]).unwrap();
        let mut train = |epoch| {
            engine.epoch = epoch;
            let metrics = engine.train(&[0, 1], 0.0, &mut |_| ControlFlow::Continue(())).unwrap();
            let shares: Vec<u32> = bits(&mut engine, "batch.labels");
            let larger = shares.chunks(3).filter(|row| {
                let label = if f32::from_bits(row[2]) >= 0.5 { row[0] } else { row[1] };
                label == 4
            });
            // log sum exp is of 0, 0, 0, 0, 2; a target's part of class 4 is its share, smoothed.
            let normaliser = (4.0 + 2.0_f64.exp()).ln();
            let loss: f64 = shares
                .chunks(3)
                .map(|row| {
                    let share = f64::from(f32::from_bits(row[2]));
                    let of_four = if row[0] == 4 { share } else { 0.0 } + if row[1] == 4 { 1.0 - share } else { 0.0 };
                    normaliser - 2.0 * (0.5 * of_four + 0.1)
                })
                .sum();
            assert_eq!(metrics.correct, larger.count() as u64, "{name}");
            assert!((metrics.loss - loss).abs() < 1e-5, "{name}: {} {loss}", metrics.loss);
            metrics.correct
        };
        let correct: Vec<u64> = (0..12).map(&mut train).collect();
        assert!(correct.iter().any(|&correct| correct != 1), "{name}: {correct:?}");
        let evaluated = engine.evaluate(&[0, 1]).unwrap();
        let normaliser = (4.0 + 2.0_f64.exp()).ln();
        let expected = 2.0 * normaliser - 2.0 * 0.1 - 2.0 * 0.6;
        assert!((evaluated.loss - expected).abs() < 1e-5 && evaluated.correct == 1, "{name}: {evaluated:?} {expected}");
    }
}
