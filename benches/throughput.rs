//! Training steps of the notebook's three networks, batches of 512. `gpu-fmnist bench` compares their results first.

mod support;

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gpu_fmnist::measure::{Synthetic, throughput};
use gpu_fmnist::model::{NAMES, notebook};
use gpu_fmnist::plan::{Options, lower};

const BATCH: usize = 512;

fn steps(criterion: &mut Criterion) {
    let device = support::Device::chosen();
    let mut group = criterion.benchmark_group("training step");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).throughput(Throughput::Elements(BATCH as u64));
    for name in NAMES {
        let (model, _) = notebook(name).expect("the name is one of the list");
        let data = Synthetic::new(&model, BATCH);
        let options = Options::new(BATCH, device.class(), Synthetic::samples(BATCH));
        let plan = lower(&model, options).expect("the notebook's networks can be lowered");
        let engine = device.executor(plan).and_then(|executor| data.engine(executor));
        let mut engine = engine.unwrap_or_else(|error| panic!("{error}"));
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|steps| {
                let steps = steps as usize;
                let visit = &mut || std::ops::ControlFlow::Continue(());
                let seconds = throughput(&mut engine, &data, steps, visit).unwrap_or_else(|error| panic!("{error}"));
                Duration::from_secs_f64(seconds * steps as f64)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, steps);
criterion_main!(benches);
