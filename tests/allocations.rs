//! The CPU executor allocates by submission, never by step.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use gpu_fmnist::augment::Augmentation;
use gpu_fmnist::cpu::Cpu;
use gpu_fmnist::gemm::DeviceClass;
use gpu_fmnist::kernels::Progress;
use gpu_fmnist::model::built_in;
use gpu_fmnist::network::{Options, lower};
use gpu_fmnist::plan::{Executor, Plan, Program};

/// The system's allocator, counting.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// Safety: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn steps_allocate_nothing() {
    let batch = 32;
    let plain = Options::new(batch, DeviceClass::Cpu, batch);
    let augmentation = Augmentation { shift: 2, mixup: 1.0, ..Augmentation::default() };
    for options in [plain.clone(), Options { augmentation, label_smoothing: 0.1, ..plain }] {
        allocate_nothing(batch, options);
    }
}

fn allocate_nothing(batch: usize, options: Options) {
    let (model, _) = built_in("cnn3").unwrap();
    let plan = lower(&model, options).unwrap();
    let (progress, steps) = (plan.host.progress, Plan::BATCHES);
    let mut cpu = Cpu::new(plan.steps).unwrap();
    let mut allocations_of = |program| {
        let start = Progress { samples: (steps * batch) as u32, ..Progress::default() };
        cpu.write(progress, bytemuck::cast_slice(&[start])).unwrap();
        let before = ALLOCATIONS.load(Relaxed);
        cpu.submit(program, steps).unwrap();
        let allocations = ALLOCATIONS.load(Relaxed) - before;
        cpu.collect().unwrap();
        allocations
    };
    for program in [Program::Training, Program::Evaluation] {
        // Each thread allocates what its tasks need when it first has such a task.
        for _ in 0..4 {
            allocations_of(program);
        }
        // The submission's log, and what the thread pool allocates now and then: less than one a step, of 31 passes.
        let allocations = allocations_of(program);
        assert!(allocations < steps, "{allocations} allocations in {steps} steps ({program:?})");
    }
}
