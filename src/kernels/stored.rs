//! A kernel over activations in 16 bits. Each kernel's shader and CPU reference are of f32; where a plan keeps a buffer in
//! 16 bits, what is read of it is made f32 first, and what is written is rounded. So no kernel needs to know.
//!
//! A shader stays as it is but for its accesses to such a binding: `input[at]` becomes `load_input(at)`, and
//! `output[at] = value;` becomes `store_output(at, value);`, with these functions behind its text. An f16 is a number of its
//! own in memory, by `enable f16`. Two bf16 share a word, the first one its lower half, and neighbouring threads may write
//! both: each exchanges its own half for another one by an exclusive or, which leaves the neighbour's alone, whoever comes
//! first. That takes atomics of integers, which WebGPU promises everywhere.

use std::sync::Arc;

use rayon::prelude::*;

use super::kernel::{Access, Case, Descriptor, Element, Kernel};
use super::scratch::Scratch;
use super::specialise::Constants;
use super::{floats, floats_mut};
use crate::gemm::OnChip;
use crate::precision::Precision;

/// What becomes of the numbers of a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// They stay as they are.
    Plain,
    /// They are stored in 16 bits.
    Stored,
    /// They are stored in 32 bits, and rounded where they are read.
    Rounded,
}

/// A kernel some of whose buffers are in 16 bits.
#[derive(Debug)]
pub struct Stored {
    kernel: Arc<dyn Kernel>,
    precision: Precision,
    /// Of each binding.
    formats: Vec<Format>,
}

impl Stored {
    /// The kernel over buffers of which those where `stored` says so have numbers of that precision; weights that it
    /// multiplies by are rounded to it.
    fn new(kernel: Arc<dyn Kernel>, precision: Precision, stored: impl Fn(usize) -> bool) -> Self {
        let format = |(place, element)| match element {
            Element::Weights => Format::Rounded,
            _ if stored(place) => Format::Stored,
            _ => Format::Plain,
        };
        let elements = kernel.descriptor().bindings.iter().map(|binding| binding.element);
        let formats = elements.enumerate().map(format).collect();
        Self { kernel, precision, formats }
    }

    /// The same; the kernel itself where nothing is to be done.
    pub fn of(kernel: Arc<dyn Kernel>, precision: Precision, stored: impl Fn(usize) -> bool) -> Arc<dyn Kernel> {
        let own = Self::new(kernel, precision, stored);
        match precision == Precision::F32 || own.formats.iter().all(|format| *format == Format::Plain) {
            true => own.kernel,
            false => Arc::new(own),
        }
    }

    /// The kernel itself.
    pub fn inner(&self) -> &(dyn Kernel + 'static) {
        &*self.kernel
    }

    /// Words of so many numbers.
    fn words_of(&self, place: usize, numbers: usize) -> usize {
        match self.formats[place] {
            Format::Stored => numbers.div_ceil(2),
            Format::Plain | Format::Rounded => numbers,
        }
    }
}

impl Kernel for Stored {
    fn descriptor(&self) -> &'static Descriptor {
        self.kernel.descriptor()
    }

    fn constants(&self) -> Constants {
        self.kernel.constants()
    }

    fn in_its_precision(&self, own: String) -> String {
        let formats: Vec<(&str, Access, Format)> = (self.descriptor().bindings.iter().zip(&self.formats))
            .map(|(binding, format)| (binding.name, binding.access, *format))
            .collect();
        shader(&own, self.precision, &formats)
    }

    fn precision(&self, binding: usize) -> Precision {
        match self.formats[binding] {
            Format::Stored => self.precision,
            Format::Plain | Format::Rounded => Precision::F32,
        }
    }

    fn workgroups(&self) -> [usize; 3] {
        self.kernel.workgroups()
    }

    fn threads(&self) -> usize {
        self.kernel.threads()
    }

    fn operations(&self) -> usize {
        self.kernel.operations()
    }

    fn words(&self) -> Vec<usize> {
        self.kernel.words().into_iter().enumerate().map(|(place, numbers)| self.words_of(place, numbers)).collect()
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        let place = self.descriptor().bindings.iter().position(|own| own.name == binding);
        match place.filter(|place| self.formats[*place] == Format::Stored) {
            Some(_) => self.kernel.traffic(binding, 2 * words).div_ceil(2),
            None => self.kernel.traffic(binding, words),
        }
    }

    fn on_chip(&self) -> Option<OnChip> {
        self.kernel.on_chip()
    }

    /// The kernel's own over f32, which what is in 16 bits is made before, and again after.
    fn reference(&self, memory: &mut [&mut [u32]]) {
        let mut wide: [Option<Scratch>; MOST_BINDINGS] = Default::default();
        let numbers = self.kernel.words();
        for (place, words) in memory.iter().enumerate() {
            let format = self.formats[place];
            if format == Format::Plain {
                continue;
            }
            let count = numbers[place].min(if format == Format::Stored { 2 * words.len() } else { words.len() });
            let mut values = Scratch::new(count);
            match format {
                Format::Stored => widen(self.precision, words, floats_mut(&mut values)),
                Format::Plain | Format::Rounded => {
                    round(self.precision, &floats(words)[..count], floats_mut(&mut values))
                }
            }
            wide[place] = Some(values);
        }
        let mut views: [&mut [u32]; MOST_BINDINGS] = Default::default();
        for ((view, words), wide) in views.iter_mut().zip(memory.iter_mut()).zip(&mut wide) {
            *view = wide.as_mut().map_or(&mut **words, |wide| &mut **wide);
        }
        self.kernel.reference(&mut views[..numbers.len()]);
        for (place, binding) in self.descriptor().bindings.iter().enumerate().rev() {
            let wide = wide[place].take();
            if let Some(values) = wide.filter(|_| binding.access == Access::Write) {
                narrow(self.precision, floats(&values), memory[place]);
            }
        }
    }
}

/// As many bindings as WebGPU promises to any kernel.
const MOST_BINDINGS: usize = 8;

/// Numbers of a task.
const BLOCK: usize = 1 << 14;

/// The numbers of words that have two each, the first one the lower half: on a machine whose lower bytes come first.
fn widen(precision: Precision, words: &[u32], values: &mut [f32]) {
    let halves = &bytemuck::cast_slice(words)[..values.len()];
    let blocks = values.par_chunks_mut(BLOCK).zip(halves.par_chunks(BLOCK));
    blocks.for_each(|(values, halves)| precision.widen(halves, values));
}

/// The words of these numbers; where they are odd, the upper half of the last word stays.
fn narrow(precision: Precision, values: &[f32], words: &mut [u32]) {
    let halves = &mut bytemuck::cast_slice_mut(words)[..values.len()];
    let blocks = halves.par_chunks_mut(BLOCK).zip(values.par_chunks(BLOCK));
    blocks.for_each(|(halves, values)| precision.narrow(values, halves));
}

/// The numbers, rounded.
fn round(precision: Precision, values: &[f32], rounded: &mut [f32]) {
    let blocks = rounded.par_chunks_mut(BLOCK).zip(values.par_chunks(BLOCK));
    blocks.for_each(|(rounded, values)| {
        let mut halves = [0; BLOCK];
        let halves = &mut halves[..values.len()];
        precision.narrow(values, halves);
        precision.widen(halves, rounded);
    });
}

/// A shader's text with other accesses to the bindings that are not plain.
fn shader(own: &str, precision: Precision, formats: &[(&str, Access, Format)]) -> String {
    let changed: Vec<_> = formats.iter().copied().filter(|(.., format)| *format != Format::Plain).collect();
    let mut text = String::new();
    if precision == Precision::F16 && changed.iter().any(|(.., format)| *format == Format::Stored) {
        text.push_str("enable f16;\n");
    }
    for line in own.lines() {
        let (code, comment) = line.split_at(line.find("//").unwrap_or(line.len()));
        match code.starts_with("@group") {
            true => text.push_str(&declared(code, precision, &changed)),
            false => text.push_str(&accesses(code, &changed)),
        }
        text.push_str(comment);
        text.push('\n');
    }
    text.push_str(if precision == Precision::F16 { ROUNDED_TO_F16 } else { ROUNDED_TO_BF16 });
    for (name, access, _) in changed.into_iter().filter(|(.., format)| *format == Format::Stored) {
        text.push_str(&functions(name, access, precision));
    }
    text
}

/// A binding's declaration, with the elements that it has in memory.
fn declared(code: &str, precision: Precision, changed: &[(&str, Access, Format)]) -> String {
    let is_stored = |(name, _, format): &&(&str, Access, Format)| {
        *format == Format::Stored && code.contains(&format!(" {name}: array<f32>"))
    };
    let element = match (precision, changed.iter().find(is_stored)) {
        (_, None) => return code.to_owned(),
        (Precision::F16, _) => "f16",
        (_, Some((_, Access::Write, _))) => "atomic<u32>",
        (_, Some((_, Access::Read, _))) => "u32",
    };
    code.replace("array<f32>", &format!("array<{element}>"))
}

/// A line with a function for each access to a changed binding. A store is a line of its own.
///
/// # Panics
/// Where brackets or a store go on in the next line: a test specialises every kernel that ships.
fn accesses(code: &str, changed: &[(&str, Access, Format)]) -> String {
    let begins = |at: usize| !code[..at].ends_with(|before: char| before.is_alphanumeric() || "_.".contains(before));
    let found = changed.iter().flat_map(|binding| {
        code.match_indices(binding.0)
            .filter(|(at, _)| begins(*at))
            .map(move |(at, name)| (at, at + name.len(), binding))
    });
    let found = found.filter(|(_, end, _)| code[*end..].starts_with('[')).min_by_key(|(at, ..)| *at);
    let Some((at, open, &(name, _, format))) = found else { return code.to_owned() };
    let close = open + closing(&code[open..]).unwrap_or_else(|| panic!("`{code}` must close what it opens"));
    let index = accesses(&code[open + 1..close], changed);
    let (before, after) = (&code[..at], &code[close + 1..]);
    match (format, after.strip_prefix(" = ")) {
        (Format::Rounded, _) => format!("{before}rounded({name}[{index}]){}", accesses(after, changed)),
        (_, None) => format!("{before}load_{name}({index}){}", accesses(after, changed)),
        (_, Some(value)) => {
            let value = value.trim_end().strip_suffix(';');
            let value = value.unwrap_or_else(|| panic!("`{code}` must end its store"));
            format!("{before}store_{name}({index}, {});", accesses(value, changed))
        }
    }
}

/// Where the bracket closes that the text begins with.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    text.char_indices().find_map(|(at, letter)| {
        depth += i32::from(letter == '[') - i32::from(letter == ']');
        (depth == 0).then_some(at)
    })
}

/// Rounded to the nearest bf16; of two, to the one whose last bit is 0.
const ROUNDED_TO_BF16: &str = "
fn upper_half(value: f32) -> u32 {
    let bits = bitcast<u32>(value);
    let is_number = (bits & 0x7fffffffu) <= 0x7f800000u;
    return select((bits >> 16) | 0x40u, (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16, is_number);
}

fn rounded(value: f32) -> f32 {
    return bitcast<f32>(upper_half(value) << 16);
}
";

/// The same to f16, which is then exact as such: how a conversion rounds is the driver's affair. Below f16's normal numbers
/// there are the multiples of 2^-24; from 65,520 on there is infinity.
const ROUNDED_TO_F16: &str = "
fn rounded(value: f32) -> f32 {
    let bits = bitcast<u32>(value);
    let size = bits & 0x7fffffffu;
    let normal = bitcast<f32>((bits + 0xfffu + ((bits >> 13) & 1u)) & 0xffffe000u);
    let small = round(value * 16777216.0) * 5.9604644775390625e-8;
    let finite = select(normal, small, size < 0x38800000u);
    let infinite = bitcast<f32>((bits & 0x80000000u) | 0x7f800000u);
    return select(select(finite, infinite, size >= 0x477ff000u), value, size > 0x7f800000u);
}
";

/// The functions by which a binding is read and written.
fn functions(name: &str, access: Access, precision: Precision) -> String {
    let text = match (precision, access) {
        (Precision::F16, Access::Read) => LOAD_F16.to_owned(),
        (Precision::F16, Access::Write) => [LOAD_F16, STORE_F16].concat(),
        (_, Access::Read) => LOAD_BF16.to_owned(),
        (_, Access::Write) => [&LOAD_BF16.replace("NAME[at / 2u]", "atomicLoad(&NAME[at / 2u])"), STORE_BF16].concat(),
    };
    text.replace("NAME", name)
}

const LOAD_F16: &str = "
fn load_NAME(at: u32) -> f32 {
    return f32(NAME[at]);
}
";

const STORE_F16: &str = "
fn store_NAME(at: u32, value: f32) {
    NAME[at] = f16(rounded(value));
}
";

const LOAD_BF16: &str = "
fn load_NAME(at: u32) -> f32 {
    let word = NAME[at / 2u];
    return bitcast<f32>(select(word << 16, word & 0xffff0000u, at % 2u == 1u));
}
";

/// Only this thread changes its half of the word.
const STORE_BF16: &str = "
fn store_NAME(at: u32, value: f32) {
    let shift = 16u * (at % 2u);
    let change = ((atomicLoad(&NAME[at / 2u]) >> shift) ^ upper_half(value)) & 0xffffu;
    atomicXor(&NAME[at / 2u], change << shift);
}
";

impl Case {
    /// The same case with activations in that precision, and weights rounded to it; none where the kernel has neither.
    pub fn stored(self, precision: Precision) -> Option<Self> {
        let bindings = self.kernel.descriptor().bindings;
        if !bindings.iter().any(|binding| [Element::Activation, Element::Weights].contains(&binding.element)) {
            return None;
        }
        Some(self.stored_at(precision, |place| bindings[place].element == Element::Activation))
    }

    /// The same case with the numbers of some bindings in that precision, and weights rounded to it.
    pub(super) fn stored_at(self, precision: Precision, stored: impl Fn(usize) -> bool) -> Self {
        let store = |(place, words): (usize, Vec<u32>)| {
            if !stored(place) {
                return words;
            }
            let mut narrowed = vec![0; words.len().div_ceil(2)];
            narrow(precision, floats(&words), &mut narrowed);
            narrowed
        };
        let memory = self.memory.into_iter().enumerate().map(store).collect();
        let kernel = Box::new(Stored::new(Arc::from(self.kernel), precision, stored));
        Self { label: format!("{}: {}", precision.name(), self.label), kernel, memory, ..self }
    }
}
