//! Training steps of the notebook's three networks, batches of 512, and what the host draws for a step. `gpu-fmnist bench` compares their results first.

mod support;

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gpu_fmnist::augment::{Augmentation, Flip, Pad, Transform};
use gpu_fmnist::measure::{Synthetic, throughput};
use gpu_fmnist::model::{NOTEBOOK, built_in};

const BATCH: usize = 512;

fn steps(criterion: &mut Criterion) {
    let device = support::chosen();
    let mut group = criterion.benchmark_group("training step");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).throughput(Throughput::Elements(BATCH as u64));
    for name in NOTEBOOK {
        let (model, _) = built_in(name).expect("the name is one of the list");
        let data = Synthetic::new(&model, BATCH);
        let engine = data.setup(&model, device.class()).initialised(|plan| device.executor(plan));
        let mut engine = engine.unwrap_or_else(|error| panic!("{error}"));
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|steps| {
                let steps = steps as usize;
                let callback = &mut |()| std::ops::ControlFlow::Continue(());
                let seconds = throughput(&mut engine, &data, steps, callback).unwrap_or_else(|error| panic!("{error}"));
                Duration::from_secs_f64(seconds * steps as f64)
            });
        });
    }
    group.finish();
}

/// What the host draws for a batch that everything may befall, to be held against a step's time.
fn draws(criterion: &mut Criterion) {
    let augmentation = Augmentation {
        flip: Flip::Horizontal,
        shift: 2,
        pad: Pad::Reflect,
        cutout: 8,
        random_erasing: 0.25,
        mixup: 0.2,
        cutmix: 1.0,
    };
    let mut group = criterion.benchmark_group("augmentation");
    for batch in [256, BATCH as u32] {
        let samples: Vec<u32> = (0..batch).collect();
        group.throughput(Throughput::Elements(batch.into()));
        group.bench_function(format!("draws of {batch}"), |bencher| {
            bencher.iter(|| augmentation.draw([28, 28, 1], 0, 1, &samples).collect::<Vec<Transform>>());
        });
    }
    group.finish();
}

criterion_group!(benches, draws, steps);
criterion_main!(benches);
