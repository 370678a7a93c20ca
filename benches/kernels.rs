//! The three products at the sizes that the notebook's networks need, batches of 512, with the configurations that ship for
//! the adapter. Each is held to its CPU reference first, to the bit; then its passes are timed by the device's own clock.
//! Criterion's elements are floating-point operations.

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};
use gpu_fmnist::Device;
use gpu_fmnist::kernels::{Access, Element};
use gpu_fmnist::model::{NOTEBOOK, built_in};
use gpu_fmnist::network::{Options, lower};
use gpu_fmnist::plan::{BufferId, Executor, Plan, Program, single};

const BATCH: usize = 512;

/// The most passes of one submission.
const SUBMISSION: usize = 64;

fn products(criterion: &mut Criterion) {
    let device = support::chosen();
    let mut group = criterion.benchmark_group("kernel");
    group.sample_size(10).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1));
    let mut seen = BTreeSet::new();
    for name in NOTEBOOK {
        let (model, _) = built_in(name).expect("the name is one of the list");
        let options = Options::new(BATCH, device.class(), BATCH);
        let plan = lower(&model, options).expect("the notebook's networks can be lowered");
        for number in 0..plan.steps.training.len() {
            let kernel = &plan.steps.training[number].kernel;
            let text = kernel.text();
            let product =
                ["conv_forward", "conv_weight_gradient", "conv_input_gradient"].contains(&kernel.descriptor().name);
            if product && seen.insert(text) {
                bench(&mut group, name, &plan.steps, number, &device);
            }
        }
    }
    group.finish();
}

/// One pass of the plan, by itself.
fn bench(group: &mut BenchmarkGroup<WallTime>, model: &str, plan: &Plan, number: usize, device: &Device) {
    let pass = &plan.training[number];
    let name = format!("{model}/{}/{}", pass.layer, pass.kernel.descriptor().name);
    let words: Vec<usize> = pass.buffers.iter().map(|id| plan.buffer(*id).words).collect();
    let alone = single(pass.kernel.clone(), &words).unwrap_or_else(|error| panic!("{name}: {error}"));
    let bound = alone.training[0].buffers.clone();
    let mut executor = device.executor(alone).unwrap_or_else(|error| panic!("{name}: {error}"));
    group.throughput(Throughput::Elements(pass.kernel.operations() as u64));
    let mut checked = false;
    group.bench_function(&name, |bencher| {
        // Only what is chosen on the command line is made and checked.
        if !checked {
            check(plan, number, &mut *executor, &bound);
            checked = true;
        }
        bencher.iter_custom(|times| {
            let mut sum = Duration::ZERO;
            for first in (0..times).step_by(SUBMISSION) {
                let passes = (times - first).min(SUBMISSION as u64) as usize;
                let timeline = executor.time(Program::Training, passes).unwrap_or_else(|error| panic!("{error}"));
                let times = timeline.passes.iter().map(|pass| Duration::from_nanos((pass.end - pass.start) as u64));
                sum += times.sum::<Duration>();
            }
            sum
        });
    });
}

/// Fills the buffers with multiples of 1/8, whose sums are exact in any order, and runs the pass once.
///
/// # Panics
/// Where the result is not the CPU reference's.
fn check(plan: &Plan, number: usize, executor: &mut dyn Executor, bound: &[BufferId]) {
    let pass = &plan.training[number];
    let mut state = 2020_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 16
    };
    let bindings = pass.kernel.descriptor().bindings;
    let mut memory = Vec::new();
    for (binding, id) in bindings.iter().zip(bound) {
        let mut word = || match (binding.access, binding.element) {
            (Access::Write, _) => 0,
            // The winners of an argmax have four bits each, and windows have four elements.
            (Access::Read, Element::Words) => (random() << 16 | random()) & 0x3333_3333,
            (Access::Read, _) => ((random() % 17) as f32 / 8.0 - 1.0).to_bits(),
        };
        let words: Vec<u32> = (0..executor.plan().buffer(*id).words).map(|_| word()).collect();
        executor.write(*id, &words).unwrap_or_else(|error| panic!("{error}"));
        memory.push(words);
    }
    executor.time(Program::Training, 1).unwrap_or_else(|error| panic!("{error}"));
    let mut views: Vec<&mut [u32]> = memory.iter_mut().map(Vec::as_mut_slice).collect();
    pass.kernel.reference(&mut views);
    for ((binding, id), expected) in bindings.iter().zip(bound).zip(&memory) {
        let actual = executor.read(*id).unwrap_or_else(|error| panic!("{error}"));
        // As numbers, since a sum of nothing may be +0 or -0; a NaN equals nothing.
        let equal = |(one, other): (&u32, &u32)| match binding.element {
            Element::Words => one == other,
            _ => f32::from_bits(*one) == f32::from_bits(*other),
        };
        let wrong = actual.iter().zip(expected).position(|pair| !equal(pair));
        assert_eq!(
            wrong,
            None,
            "{} of {}: the first wrong number of {}",
            pass.kernel.descriptor().name,
            pass.layer,
            binding.name
        );
    }
}

criterion_group!(benches, products);
criterion_main!(benches);
