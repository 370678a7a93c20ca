//! What a kernel is: its row in the table, what it decides of a pass, and a case that holds shader and CPU reference together.

use std::any::Any;
use std::fmt::Debug;

use super::specialise::{Constants, Value, specialise};
use crate::gemm::{DeviceClass, OnChip};
use crate::precision::Precision;

/// Words of a buffer that a binding's offset is a multiple of; what WebGPU guarantees of every adapter.
pub const BINDING_ALIGNMENT: usize = 64;

/// How a shader uses a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
}

/// What a buffer's 32-bit words are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    F32,
    /// Activations or their gradients: f32, or in 16 bits where a plan stores them so.
    Activation,
    /// f32 that a product multiplies by, rounded to 16 bits where activations are in 16 bits.
    Weights,
    /// Integers, packed bytes, or a struct.
    Words,
}

impl Element {
    /// Whether the shader's own text has numbers here.
    pub fn is_number(self) -> bool {
        self != Self::Words
    }
}

/// One `@binding` of a shader, in order.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    pub name: &'static str,
    pub access: Access,
    pub element: Element,
}

/// One kernel's row in the table.
#[derive(Debug)]
pub struct Descriptor {
    /// The name of the shader, the host file and the test.
    pub name: &'static str,
    /// One line for `gpu-fmnist shaders`.
    pub about: &'static str,
    /// The shader and the parts that it shares with others, as one text.
    pub wgsl: &'static str,
    pub bindings: &'static [Binding],
    /// The cases that hold the shader to its CPU reference, in the self-test and in `tests/parity`.
    pub cases: fn() -> Vec<Case>,
}

/// A kernel with everything about its pass decided: shapes, options, configuration.
pub trait Kernel: Any + Debug + Send + Sync {
    fn descriptor(&self) -> &'static Descriptor;

    /// The numbers of the shader's `const` lines that this pass sets. With the row they are the whole specialisation.
    fn constants(&self) -> Constants;

    /// The shader's text with everything decided.
    fn text(&self) -> String {
        self.in_its_precision(specialise(self.descriptor().wgsl, &self.constants()))
    }

    /// The text of a shader over f32, over what the buffers really have.
    fn in_its_precision(&self, text: String) -> String {
        text
    }

    /// In how many bits the numbers of a binding's buffer are.
    fn precision(&self, _binding: usize) -> Precision {
        Precision::F32
    }

    /// Workgroups to dispatch in x, y, z.
    fn workgroups(&self) -> [usize; 3];

    /// Threads of a workgroup.
    fn threads(&self) -> usize {
        let constants = self.constants();
        let threads = constants.iter().filter(|(name, _)| ["THREADS", "THREADS_X", "THREADS_Y"].contains(name));
        threads.map(|(_, value)| if let Value::U32(count) = value { *count as usize } else { 1 }).product()
    }

    /// Floating-point operations that the pass is for: a multiply-add counts as two; a comparison, a choice, and what only
    /// finds addresses, as none. Of the three products the multiply-adds alone are counted, taps outside of the image
    /// included; gradients through a max-pool have one element of each window, and Winograd's filtering its own products. Elsewhere every addition, product, root or
    /// exponential of an element counts as one.
    fn operations(&self) -> usize;

    /// The fewest words that the buffer of each binding must have, in order. Places that other buffers hold, as an order
    /// of samples does, are not counted: the shaders of such kernels are checked at run time, and so is every shader that is
    /// not this crate's, of which nothing need be known.
    fn words(&self) -> Vec<usize> {
        vec![1; self.descriptor().bindings.len()]
    }

    /// Words that have to move between memory and the pass through one binding, of whose buffer it needs `words`
    /// ([`Kernel::words`]): each once, and so twice where it is read and written. A pass that touches but a part of
    /// them, or others, too, says which. The buffer itself may have far more: many passes share one.
    fn traffic(&self, _binding: &str, words: usize) -> usize {
        words
    }

    /// What a workgroup asks of its compute unit, of kernels that more than memory limits.
    fn on_chip(&self) -> Option<OnChip> {
        None
    }

    /// Does on the CPU what the shader does, on the buffers of the row's bindings, in order.
    fn reference(&self, memory: &mut [&mut [u32]]);
}

// The kinds of binding, for the rows of the table.
pub(super) const fn read(name: &'static str) -> Binding {
    Binding { name, access: Access::Read, element: Element::F32 }
}

pub(super) const fn write(name: &'static str) -> Binding {
    Binding { name, access: Access::Write, element: Element::F32 }
}

pub(super) const fn read_activation(name: &'static str) -> Binding {
    Binding { name, access: Access::Read, element: Element::Activation }
}

pub(super) const fn write_activation(name: &'static str) -> Binding {
    Binding { name, access: Access::Write, element: Element::Activation }
}

pub(super) const fn read_weights(name: &'static str) -> Binding {
    Binding { name, access: Access::Read, element: Element::Weights }
}

pub(super) const fn read_words(name: &'static str) -> Binding {
    Binding { name, access: Access::Read, element: Element::Words }
}

pub(super) const fn write_words(name: &'static str) -> Binding {
    Binding { name, access: Access::Write, element: Element::Words }
}

/// A linear run of workgroups as x and y of a dispatch, since no adapter allows more than 65,535 in one direction. The
/// shader's GRID_WIDTH constant is x and turns it back. Where y does not divide the run, some workgroups are too many;
/// the shaders let those do nothing.
pub(super) fn grid(workgroups: usize) -> [usize; 2] {
    let rows = workgroups.div_ceil(32_768).max(1);
    [workgroups.div_ceil(rows).max(1), rows]
}

/// One kernel, one specialisation, and what its buffers hold before it runs.
pub struct Case {
    pub label: String,
    pub kernel: Box<dyn Kernel>,
    /// One buffer for each binding of the kernel's row.
    pub memory: Vec<Vec<u32>>,
    /// How far numbers of each binding may be apart; those of bindings beyond the list, and integers, agree to the bit.
    pub tolerances: Vec<Tolerance>,
    /// The class of device whose profile the kernel's configuration is from, if it has one.
    pub class: Option<DeviceClass>,
}

/// How far a number may be from the CPU reference's: `|shader - reference| <= relative * |reference| + absolute`. The absolute part is for what
/// is left where larger numbers cancel; small numbers that come of none need it to be zero, or nobody would look at them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tolerance {
    pub relative: f32,
    pub absolute: f32,
}

impl Tolerance {
    /// The same bits, or both zero.
    pub const EXACT: Self = Self { relative: 0.0, absolute: 0.0 };
}

impl Case {
    /// The buffers after the CPU reference ran.
    pub fn expected(&self) -> Vec<Vec<u32>> {
        let mut memory = self.memory.clone();
        let mut views: Vec<&mut [u32]> = memory.iter_mut().map(Vec::as_mut_slice).collect();
        self.kernel.reference(&mut views);
        memory
    }

    /// How far numbers of the binding may be apart: what is only read stays as it is. What is rounded to 16 bits after a
    /// difference may come to the neighbouring number.
    pub fn tolerance(&self, binding: usize) -> Tolerance {
        let tolerance = self.tolerances.get(binding).filter(|_| self.writes(binding));
        let Tolerance { relative, absolute } = tolerance.copied().unwrap_or(Tolerance::EXACT);
        let step = if relative + absolute > 0.0 { self.kernel.precision(binding).step() } else { 0.0 };
        Tolerance { relative: relative + step, absolute }
    }

    /// In how many bits its activations are stored; of one without any f32.
    pub fn precision(&self) -> Precision {
        let of_bindings = (0..self.memory.len()).map(|binding| self.kernel.precision(binding));
        of_bindings.max_by_key(|precision| !precision.is_f32()).unwrap_or_default()
    }

    /// Whether the binding's buffer is written.
    pub fn writes(&self, binding: usize) -> bool {
        self.kernel.descriptor().bindings[binding].access == Access::Write
    }
}

/// What the executor broke if a CPU reference gets other buffers than its row names.
pub(super) const BINDINGS: &str = "the executor passes one buffer for each binding of the row";
