//! Shaders and numbers that are not this crate's, through its public interface: wherever they point, what is beside their
//! buffers stays as it was.

use std::sync::Arc;

use gpu_fmnist::gemm::{Convolution, GemmKind};
use gpu_fmnist::gpu::Gpu;
use gpu_fmnist::kernels::{
    Access, Binding, Case, Constants, ConvForward, Descriptor, Element, Gather, Kernel, PixelScaling,
};
use gpu_fmnist::plan::{BufferId, CustomPlan, Executor, Program};

use crate::{adapter, probe, row};

/// A kernel of anyone's: this row, these constants, one workgroup.
#[derive(Debug)]
struct Foreign {
    row: &'static Descriptor,
    constants: Constants,
}

impl Kernel for Foreign {
    fn descriptor(&self) -> &'static Descriptor {
        self.row
    }

    fn constants(&self) -> Constants {
        self.constants.clone()
    }

    fn workgroups(&self) -> [usize; 3] {
        [1, 1, 1]
    }

    fn operations(&self) -> usize {
        0
    }

    fn reference(&self, _: &mut [&mut [u32]]) {}
}

const THREADS: usize = 64;

/// Each thread writes where a number of the host's says: to a buffer, to its workgroup's memory and to its own, of which the
/// last places are then told.
const WILD: Descriptor = Descriptor {
    name: "wild",
    about: "",
    wgsl: "
@group(0) @binding(0) var<storage, read> places: array<u32>;
@group(0) @binding(1) var<storage, read_write> words: array<u32>;
@group(0) @binding(2) var<storage, read_write> seen: array<vec2<u32>>;
var<workgroup> together: array<u32, 4>;
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) thread: u32) {
    let at = places[thread];
    var own: array<u32, 4>;
    own[at] = 0xdead0000;
    together[at] = 0xdead0000;
    workgroupBarrier();
    words[at] = words[at + 1] | thread;
    seen[thread] = vec2(own[3], together[3]);
}",
    bindings: &[
        Binding { name: "places", access: Access::Read, element: Element::Words },
        Binding { name: "words", access: Access::Write, element: Element::Words },
        Binding { name: "seen", access: Access::Write, element: Element::Words },
    ],
    cases: Vec::new,
};

/// Runs a kernel on buffers that other buffers lie between; these must not change. What the kernel's then hold.
fn between_fences(kernel: impl Kernel, memory: &[Vec<u32>]) -> Vec<Vec<u32>> {
    const FENCE: [u32; 64] = [0xfe7c_e000; 64];
    let mut plan = CustomPlan::new("foreign");
    let fence = |plan: &mut CustomPlan, number: usize| plan.buffer(&format!("fence {number}"), &[FENCE.len()]);
    let mut fences = vec![fence(&mut plan, 0)];
    let mut buffers: Vec<BufferId> = Vec::new();
    for (number, words) in (1..).zip(memory) {
        buffers.push(plan.buffer("foreign", &[words.len()]));
        fences.push(fence(&mut plan, number));
    }
    plan.pass(Arc::new(kernel), &buffers);
    let mut gpu = Gpu::new(adapter(), plan.plan().unwrap()).unwrap();
    fences.iter().for_each(|id| gpu.write(*id, &FENCE).unwrap());
    buffers.iter().zip(memory).for_each(|(id, words)| gpu.write(*id, words).unwrap());
    gpu.submit(Program::Training, 3).unwrap();
    gpu.collect().unwrap();
    assert!(fences.iter().all(|id| gpu.read(*id).unwrap() == FENCE), "a buffer that was not the kernel's has changed");
    buffers.iter().map(|id| gpu.read(*id).unwrap()).collect()
}

/// One beyond, some pages beyond, and as far as a number goes.
fn wild_places() -> Vec<u32> {
    (0..THREADS as u32)
        .map(|thread| [64, 65, 128 + thread, 4096, 1 << 20, 1 << 28, 1 << 31, u32::MAX][thread as usize % 8])
        .collect()
}

#[test]
fn a_foreign_shader_that_writes_out_of_bounds_harms_nothing() {
    let places = wild_places();
    for size in [1, 64, 1000] {
        let kernel = Foreign { row: &WILD, constants: Vec::new() };
        let after = between_fences(kernel, &[places.clone(), vec![7; size], vec![0; 2 * THREADS]]);
        assert_eq!(after[0], places);
        // A driver may be safe by itself. wgpu's check is what leads every place beyond an array to its last one.
        if adapter().backend() == "vulkan" {
            assert_eq!(after[2], [0xdead_0000; 2 * THREADS], "no check is in the shader");
        }
    }
    // In bounds it does what it says.
    let kernel = Foreign { row: &WILD, constants: Vec::new() };
    let after = between_fences(kernel, &[vec![1; THREADS], vec![8; 8], vec![9; 2 * THREADS]]);
    assert_eq!((after[1][0], &after[1][2..], &after[2]), (8, &[8; 6][..], &vec![0; 2 * THREADS]));
}

/// A probe's own fences, too: one word that is written behind a buffer is found, wherever. Only one thread writes there:
/// of several that write different words to one place any may be the last, and one of them writes what was there.
#[test]
fn a_probe_notices_a_foreign_shader() {
    for beyond in [64, 66, 127] {
        let kernel = Box::new(Foreign { row: &WILD, constants: Vec::new() });
        let mut places: Vec<u32> = (0..THREADS as u32).collect();
        places[37] = beyond;
        let memory = vec![places, vec![7; 64], vec![0; 2 * THREADS]];
        let case = Case { label: "wild".into(), kernel, memory, tolerances: Vec::new(), class: None };
        let error = probe().run(&case).unwrap_err().to_string();
        assert!(error.contains("words: written past its end"), "{beyond}: {error}");
    }
}

/// The crate's own shaders, with constants of a product that is far larger than the buffers.
#[test]
fn an_own_shader_with_foreign_constants_harms_nothing() {
    let convolution = Convolution::dense(64, 512, 64);
    let config = adapter().class().config(GemmKind::Forward, &convolution);
    let kernel = ConvForward { convolution, bias: true, relu: true, config };
    let small = || [64, 64, 64, 1].map(|words| vec![1; words]);
    between_fences(Foreign { row: row("conv_forward"), constants: kernel.constants() }, &small());
    let gather = Gather { batch: 64, micro_batch: 64, pixels: 1, floats: false, rescaling: PixelScaling::NONE };
    let memory = [4, 4, 4, 6, 4, 4].map(|words| vec![0xffff_fff0; words]);
    between_fences(Foreign { row: row("gather"), constants: gather.constants() }, &memory);
}

/// The crate's own kernel with such buffers is not even begun with.
#[test]
fn an_own_kernel_with_small_buffers_is_refused() {
    let convolution = Convolution::dense(64, 512, 64);
    let config = adapter().class().config(GemmKind::Forward, &convolution);
    let kernel = ConvForward { convolution, bias: true, relu: true, config };
    let mut plan = CustomPlan::new("small");
    let buffers: Vec<BufferId> = [64, 64, 64, 1].map(|words| plan.buffer("small", &[words])).into();
    plan.pass(Arc::new(kernel), &buffers);
    assert!(plan.plan().unwrap_err().to_string().contains("conv_forward needs 32768 words of input"));
    let memory = [64, 64, 64, 1].map(|words| vec![1; words]).into();
    let case = Case { label: "small".into(), kernel: Box::new(kernel), memory, tolerances: Vec::new(), class: None };
    assert!(probe().run(&case).unwrap_err().to_string().contains("conv_forward needs 32768 words of input"));
}
