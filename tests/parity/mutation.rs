//! Shaders broken on purpose, which the cases must notice.

use std::cmp::Reverse;

use gpu_fmnist::error::Error;
use gpu_fmnist::gemm::DeviceClass;
use gpu_fmnist::kernels::{Case, Constants, Descriptor, Kernel, Value};
use gpu_fmnist::selftest::compare;
use naga::valid::{Capabilities, ValidationFlags, Validator};

use crate::skips::skip;
use crate::{adapter, probe, row};

/// A replacement in a shader's text. What it computes is wrong, but no address is far outside of its buffer.
#[derive(Clone, Copy)]
pub struct Mutation {
    /// What it breaks, in a word or two.
    breaks: &'static str,
    from: &'static str,
    to: &'static str,
    /// The classes of device whose configurations have what is broken.
    classes: &'static [DeviceClass],
}

pub const fn mutation(breaks: &'static str, from: &'static str, to: &'static str) -> Mutation {
    Mutation { breaks, from, to, classes: &BROKEN }
}

/// Classes whose cases see a shader broken. SwiftShader's tiles are of the same kind as those before Mesa 25.1.
const BROKEN: [DeviceClass; 4] = [DeviceClass::Gpu, DeviceClass::Software, DeviceClass::OldSoftware, DeviceClass::Cpu];
/// Classes whose configurations put B through workgroup memory.
pub const STAGED: [DeviceClass; 1] = [DeviceClass::Gpu];
/// Classes whose threads load B themselves, and have several windows of a pool in every case.
pub const UNSTAGED: [DeviceClass; 3] = [DeviceClass::Software, DeviceClass::OldSoftware, DeviceClass::Cpu];

const MATRIX_UNITS: Capabilities =
    Capabilities::SHADER_FLOAT16.union(Capabilities::COOPERATIVE_MATRIX).union(Capabilities::SUBGROUP);

impl Mutation {
    pub const fn only(self, classes: &'static [DeviceClass]) -> Self {
        Self { classes, ..self }
    }

    /// The kernel with a broken shader, which is valid all the same.
    pub fn of(&self, original: &'static Descriptor) -> &'static Descriptor {
        let Self { breaks, from, to, .. } = self;
        let name = original.name;
        assert_eq!(original.wgsl.matches(from).count(), 1, "{name}, {breaks}: \"{from}\" must stand there once");
        let wgsl: &'static str = original.wgsl.replace(from, to).leak();
        let module = naga::front::wgsl::parse_str(wgsl)
            .unwrap_or_else(|error| panic!("{name}, {breaks}: does not compile: {}", error.emit_to_string(wgsl)));
        Validator::new(ValidationFlags::all(), Capabilities::default() | MATRIX_UNITS)
            .validate(&module)
            .unwrap_or_else(|error| panic!("{name}, {breaks}: does not compile: {}", error.emit_to_string(wgsl)));
        Box::leak(Box::new(Descriptor { wgsl, ..*original }))
    }
}

/// Every mutant compiles, runs, and gives a wrong result in one of the kernel's cases: where these have
/// configurations, in one of each class that the adapter can compile.
pub fn all_go_red(name: &str, mutations: &[Mutation]) {
    let cases: &'static mut [Case] = (row(name).cases)().leak();
    // Those with the most numbers beyond one show the most.
    cases.sort_by_key(|case| Reverse(beyond_one(case)));
    let configured = cases.iter().any(|case| case.class.is_some());
    let (mut unnoticed, mut dropped) = (Vec::new(), 0);
    for mutation in mutations {
        let broken = mutation.of(row(name));
        let classes = if configured { mutation.classes.iter().copied().map(Some).collect() } else { vec![None] };
        for class in classes {
            if class.is_some_and(|class| !class.compiles_on(adapter().class())) {
                dropped += 1;
            } else if !cases
                .iter()
                .filter(|case| case.class == class)
                .any(|case| probe().runs(case) && is_red(case, broken))
            {
                unnoticed.push(format!("{} ({class:?})", mutation.breaks));
            }
        }
    }
    assert!(unnoticed.is_empty(), "{name}: no case notices {}", unnoticed.join(", "));
    if dropped > 0 {
        skip(&format!("{dropped} mutants of {name} that this adapter takes minutes to compile"));
    }
}

fn beyond_one(case: &Case) -> usize {
    case.kernel.constants().iter().filter(|(_, value)| matches!(value, Value::U32(2..))).count()
}

/// Whether the broken shader ran and left something else than the CPU reference does, or wrote where nothing is.
fn is_red(case: &'static Case, broken: &'static Descriptor) -> bool {
    let kernel = Box::new(Broken { kernel: &*case.kernel, row: broken });
    let (label, memory, tolerances) = (case.label.clone(), case.memory.clone(), case.tolerances.clone());
    let case = Case { label, kernel, memory, tolerances, class: case.class };
    match probe().run(&case) {
        Ok(actual) => compare(&case, &actual).is_err(),
        // Words behind a buffer's end.
        Err(Error::Failed(_)) => true,
        Err(error) => panic!("{}: a mutant does not run: {error}", broken.name),
    }
}

/// A kernel with another shader.
#[derive(Debug)]
pub struct Broken {
    pub kernel: &'static dyn Kernel,
    pub row: &'static Descriptor,
}

impl Kernel for Broken {
    fn descriptor(&self) -> &'static Descriptor {
        self.row
    }

    fn constants(&self) -> Constants {
        self.kernel.constants()
    }

    fn workgroups(&self) -> [usize; 3] {
        self.kernel.workgroups()
    }

    fn operations(&self) -> usize {
        self.kernel.operations()
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        self.kernel.reference(memory);
    }
}

#[test]
#[should_panic(expected = "gather, a name: does not compile")]
fn a_mutant_that_does_not_compile_is_no_red() {
    all_go_red("gather", &[mutation("a name", "let row = group.y;", "let row = nothing;")]);
}

#[test]
#[should_panic(expected = "gather, a type: does not compile")]
fn a_mutant_that_is_not_valid_is_no_red() {
    all_go_red("gather", &[mutation("a type", "let row = group.y;", "let row = 1.5;")]);
}

#[test]
#[should_panic(expected = "gather: no case notices nothing (None)")]
fn a_mutant_that_computes_the_same_is_no_red() {
    all_go_red("gather", &[mutation("nothing", "let row = group.y;", "let row = 0u + group.y;")]);
}
