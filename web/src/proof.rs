//! Whether the kernels compute what they should on this adapter, and how fast: keys as in the survey's `survey.json`.

use std::ops::ControlFlow;

use gpu_fmnist::gpu::Probe;
use gpu_fmnist::kernels::REGISTRY;
use gpu_fmnist::measure::{StepBench, Synthetic, median};
use gpu_fmnist::selftest::{
    GradientCheck, Outcome, check_kernel, dropout_gradient_checks, gradient_checks, soft_gradient_checks,
};
use gpu_fmnist::train::Config;
use gpu_fmnist::{Device, Error, Result, model};
use serde_json::{Value, json};

use crate::session::{Request, Session};
use crate::{Answer, host, plain, required};

const BATCH_SIZE: usize = 512;
const REPEATS: usize = 5;

/// Every kernel against its CPU reference, then gradients against finite differences.
pub fn selftest(session: &Session) -> Answer {
    let device = session.device()?;
    let Device::Gpu(adapter) = device else { return Err(Error::Usage("no GPU; there is nothing to test".into())) };
    let probe = Probe::open(adapter)?;
    let mut kernels = Vec::new();
    for row in REGISTRY {
        let outcome = kernel(&check_kernel(&probe, adapter.class(), row)?);
        host::tell("kernel", &outcome, Vec::new());
        kernels.push(outcome);
        if host::stopped() {
            return plain(json!({ "on": "adapter", "complete": false, "kernels": kernels, "gradients": [] }));
        }
    }
    drop(probe);
    let mut checks = gradient_checks(device.class(), |plan| device.executor(plan))?;
    checks.extend(dropout_gradient_checks(device.class(), |plan| device.executor(plan))?);
    checks.extend(soft_gradient_checks(device.class(), |plan| device.executor(plan))?);
    let gradients: Vec<Value> = checks.iter().map(gradient).collect();
    plain(json!({ "on": "adapter", "complete": true, "kernels": kernels, "gradients": gradients }))
}

fn kernel(outcome: &Outcome) -> Value {
    let Outcome { kernel, cases, in_16_bits, worst, failures, .. } = outcome;
    json!({ "kernel": kernel, "cases": cases, "in_16_bits": in_16_bits, "worst": worst, "failures": failures })
}

fn gradient(check: &GradientCheck) -> Value {
    let GradientCheck { parameter, derivative, difference } = check;
    json!({ "gradient": parameter, "derivative": derivative, "difference": difference, "passes": check.passes() })
}

/// Training steps of a network on synthetic data, whose first ones must be the CPU path's.
pub fn bench(session: &Session, request: &Request) -> Answer {
    let device = session.device()?;
    let (model, recipe) = required(model::built_in(&request.model), "network")?;
    let config = Config { batch_size: request.batch_size.unwrap_or(BATCH_SIZE), ..Config::new(model, recipe) };
    config.check()?;
    let batch_size = config.batch_size;
    let data = Synthetic::new(&config.model, batch_size);
    let setup = data.setup(&config.model, device.class()).configured(&config);
    let callback = &mut |()| if host::stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let mut bench = StepBench::new(&setup, &data, (&device.describe(), &|plan| device.executor(plan)), callback)?;
    let seconds = (0..REPEATS).map(|_| bench.time(bench.steps, callback)).collect::<Result<Vec<f64>>>()?;
    let median = median(seconds.iter().copied());
    plain(json!({
        "on": "adapter",
        "model": config.model.name,
        "batch_size": batch_size,
        "tiles": "table",
        "steps": bench.steps,
        "seconds_per_step": median,
        "seconds_per_step_of_repeats": seconds,
        "images_per_second": batch_size as f64 / median,
        "operations_per_step": bench.operations,
        "operations_per_second": bench.operations as f64 / median,
        "memory_bytes": bench.memory,
        "start_up_seconds": bench.start_up,
        "tolerance_used": bench.used,
    }))
}
