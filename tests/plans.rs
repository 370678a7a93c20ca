//! What an executor refuses: plans that were changed into others, and calls that go beyond a plan.

use std::sync::Arc;

use gpu_fmnist::cpu::Cpu;
use gpu_fmnist::gemm::{DeviceClass, MOST_WORDS};
use gpu_fmnist::kernels::{CeilingBandwidth, Progress};
use gpu_fmnist::model::notebook;
use gpu_fmnist::plan::{BufferId, Executor, Options, Plan, Program, lower, single};

fn plan() -> Plan {
    lower(&notebook("cnn1").unwrap().0, Options::new(4, DeviceClass::Cpu, 10)).unwrap()
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
    refused(|plan| plan.buffers[plan.training[1].buffers[1].0].words -= 1, "the buffer has 319");
    refused(|plan| plan.training[1].buffers[0] = BufferId(999), "a buffer that is none");
    refused(|plan| plan.training[1].buffers[0] = plan.training[1].buffers[1], "binds a buffer twice");
    refused(|plan| _ = plan.training[1].buffers.pop(), "binds 3 buffers at [0, 0, 0, 0]");
    refused(|plan| plan.evaluation[1].offsets[0] = 1, "binds 4 buffers at [1, 0, 0, 0]");
    refused(|plan| plan.evaluation[1].offsets[0] = 1 << 40, "starts behind its end");
    refused(|plan| plan.evaluation[1].offsets[0] = 64, "needs 3136 words of input, the buffer has 3072");
    refused(|plan| plan.host.log = BufferId(999), "no buffer 999 of 32 words");
    refused(|plan| plan.host.log = plan.host.progress, "of 32 words");
    refused(|plan| plan.portion = 0, "portions of 0 rows");
    let kernel = Arc::new(CeilingBandwidth { words: 10 });
    assert!(single(kernel.clone(), &[10, 9], DeviceClass::Cpu).is_err());
    assert!(single(kernel, &[10], DeviceClass::Cpu).is_err());
}

#[test]
fn what_an_executor_cannot_do_is_an_error() {
    let mut cpu = Cpu::new(plan()).unwrap();
    let progress = cpu.plan().host.progress;
    cpu.write(progress, &[0; Progress::WORDS]).unwrap();
    assert!(cpu.write(progress, &[0; Progress::WORDS + 1]).unwrap_err().to_string().contains("which has 6"));
    assert!(cpu.write(BufferId(999), &[]).is_err() && cpu.read(BufferId(999)).is_err());
    assert!(cpu.submit(Program::Training, Plan::BATCHES + 1).is_err());
    assert!(cpu.time(Program::Training, Plan::BATCHES + 1).is_err());
}

/// Numbers that lead out of other buffers, without an engine that asks first.
#[test]
fn wild_numbers_in_buffers_harm_nothing() {
    let mut cpu = Cpu::new(plan()).unwrap();
    let host = cpu.plan().host;
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
