//! What an executor refuses: plans that were changed into others, and calls that go beyond a plan.

use std::sync::Arc;

use gpu_fmnist::cpu::Cpu;
use gpu_fmnist::data::Samples;
use gpu_fmnist::gemm::{DeviceClass, MOST_WORDS};
use gpu_fmnist::kernels::{CeilingBandwidth, Progress};
use gpu_fmnist::model::built_in;
use gpu_fmnist::network::{Options, TrainingPlan, lower};
use gpu_fmnist::plan::{BufferId, Executor, Plan, Program, single};
use gpu_fmnist::train::{Engine, Placement, Source};

fn training_plan() -> TrainingPlan {
    lower(&built_in("cnn1").unwrap().0, Options::new(4, DeviceClass::Cpu, 10)).unwrap()
}

fn no_samples() -> Samples {
    Samples { images: Vec::new(), labels: Vec::new(), shape: [28, 28, 1] }
}

fn plan() -> Plan {
    Arc::into_inner(training_plan().steps).unwrap()
}

fn refused(change: impl FnOnce(&mut Plan), words: &str) {
    let mut plan = plan();
    change(&mut plan);
    let error = Cpu::new(plan).err().expect(words).to_string();
    assert!(error.contains(words) && !error.contains('\n'), "{error}");
}

#[test]
fn a_plan_that_was_changed_into_one_that_cannot_run_is_refused() {
    plan().check().unwrap();
    refused(|plan| plan.buffers[0].words = MOST_WORDS + 1, "images would need 4.3 GB");
    refused(|plan| plan.buffers[plan.training[1].buffers[1].0].words = 319, "the buffer has 319");
    refused(|plan| plan.buffers.iter_mut().for_each(|buffer| buffer.initial.extend([0; 40])), "begins with 40 words");
    refused(|plan| plan.training[1].buffers[0] = BufferId(999), "a buffer that is none");
    refused(|plan| plan.training[1].buffers[0] = plan.training[1].buffers[1], "binds a buffer twice");
    refused(|plan| _ = plan.training[1].buffers.pop(), "binds 3 buffers at [0, 0, 0, 0]");
    refused(|plan| plan.evaluation[1].offsets[0] = 1, "binds 4 buffers at [1, 0, 0, 0]");
    refused(|plan| plan.evaluation[1].offsets[0] = 1 << 40, "starts behind its end");
    refused(|plan| plan.evaluation[1].offsets[0] = 64, "needs 3136 words of input, the buffer has 3072");
    refused(|plan| plan.log = BufferId(999), "its log is no buffer of 32 words");
    let short = |plan: &Plan| BufferId(plan.buffers.iter().position(|buffer| buffer.words == 6).unwrap());
    refused(|plan| plan.log = short(plan), "its log is no buffer of 32 words");
    let kernel = Arc::new(CeilingBandwidth { words: 10 });
    assert!(single(kernel.clone(), &[10, 9]).is_err());
    assert!(single(kernel, &[10]).is_err());
}

#[test]
fn a_training_plan_that_was_changed_into_one_that_cannot_train_is_refused() {
    let refused = |change: fn(&mut TrainingPlan), words: &str| {
        let mut plan = training_plan();
        change(&mut plan);
        let (cpu, none) = (Cpu::new(plan.steps.clone()).unwrap(), no_samples());
        let engine = Engine::new(plan, Box::new(cpu), Source::from(&none), Placement::Resident, 0);
        let error = engine.err().expect(words).to_string();
        assert!(error.contains(words) && !error.contains('\n'), "{error}");
    };
    refused(|plan| plan.host.order = BufferId(999), "no buffer 999 of 0 words");
    refused(|plan| plan.host.rates = plan.host.progress, "of 16 words");
    refused(|plan| plan.views = true, "no buffer says how samples are augmented");
    refused(|plan| plan.augmentation.shift = 1, "no buffer says how samples are augmented");
    refused(|plan| plan.host.transforms = Some(BufferId(999)), "no buffer 999 of 18 words");
    refused(|plan| plan.micro_batch = 0, "micro-batches of 0 rows");
    refused(|plan| plan.micro_batch = 5, "micro-batches of 5 rows");
    let (cpu, none) = (Cpu::new(plan()).unwrap(), no_samples());
    let engine = Engine::new(training_plan(), Box::new(cpu), Source::from(&none), Placement::Resident, 0);
    assert!(engine.err().unwrap().to_string().contains("the executor runs another plan"));
}

#[test]
fn what_an_executor_cannot_do_is_an_error() {
    let plan = training_plan();
    let mut cpu = Cpu::new(plan.steps).unwrap();
    let progress = plan.host.progress;
    cpu.write(progress, &[0; Progress::WORDS]).unwrap();
    assert!(cpu.write(progress, &[0; Progress::WORDS + 1]).unwrap_err().to_string().contains("which has 6"));
    assert!(cpu.write(BufferId(999), &[]).is_err() && cpu.read(BufferId(999)).is_err());
    cpu.write_at(progress, 4, &[7, 8]).unwrap();
    assert_eq!(cpu.read_at(progress, 3..6).unwrap(), [0, 7, 8]);
    assert!(cpu.write_at(progress, 5, &[7, 8]).unwrap_err().to_string().contains("which has 6"));
    assert!(cpu.write_at(progress, usize::MAX, &[7, 8]).is_err());
    #[expect(clippy::reversed_empty_ranges)]
    let reversed = 4..3;
    assert!(cpu.read_at(progress, 5..7).is_err() && cpu.read_at(progress, reversed).is_err());
    assert!(cpu.submit(Program::Training, Plan::BATCHES + 1).is_err());
    assert!(cpu.time(Program::Training, Plan::BATCHES + 1).is_err());
}

/// Numbers that lead out of other buffers, without an engine that asks first.
#[test]
fn wild_numbers_in_buffers_harm_nothing() {
    let plan = training_plan();
    let mut cpu = Cpu::new(plan.steps).unwrap();
    let host = plan.host;
    cpu.write(host.order, &[u32::MAX, 10, 0, 1]).unwrap();
    cpu.write(host.labels, &[u32::MAX; 3]).unwrap();
    for progress in [[0, 0, 4, 0, 0, 0], [0, u32::MAX, u32::MAX, 0, 0, 0], [u32::MAX; 6], [15, 1, 400, 7, 0, 0]] {
        for program in [Program::Evaluation, Program::Training] {
            cpu.write(host.progress, &progress).unwrap();
            cpu.submit(program, Plan::BATCHES).unwrap();
            cpu.collect().unwrap();
        }
    }
}
