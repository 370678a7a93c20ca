//! What gradients are clipped by: host side and CPU reference of `shaders/clip_factor.wgsl`.

use super::case::{Case, Draw, Tolerance, case, progress};
use super::step_numbers::StepNumbers;
use super::{BINDINGS, Constants, Descriptor, Kernel, Progress, floats_mut, read, read_words, squares, write};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "clip_factor",
    about: "makes of all gradients' squares what clips their global norm",
    wgsl: shader!("clip_factor", "progress", "squares", "workgroup_sum"),
    bindings: &[read("squares"), read_words("progress"), write("rates")],
    cases,
};

/// The factor that leaves a global norm of at most `clip`, from `sums` of squares.
#[derive(Clone, Copy, Debug)]
pub struct ClipFactor {
    pub sums: usize,
    pub clip: f64,
    /// Where it goes.
    pub numbers: StepNumbers,
}

impl Kernel for ClipFactor {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        squares::constants(self.sums, self.clip, self.numbers)
    }

    fn workgroups(&self) -> [usize; 3] {
        [1, 1, 1]
    }

    fn operations(&self) -> usize {
        self.sums + 2
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        squares::traffic(self.sums, binding, words)
    }

    fn words(&self) -> Vec<usize> {
        vec![self.sums, Progress::WORDS, self.numbers.count]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [squares, progress, rates] = memory else { unreachable!("{BINDINGS}") };
        let norm = squares::sum(squares, self.sums).sqrt();
        let clip = self.clip as f32;
        let factor = if norm > clip { clip / norm } else { 1.0 };
        self.numbers.keep_factor(floats_mut(rates), Progress::read(progress), factor);
    }
}

fn cases() -> Vec<Case> {
    let make = |(number, (sums, clip, numbers)): (usize, (usize, f64, StepNumbers))| {
        let draw = &mut Draw::new(number);
        let squares = draw.numbers(sums, 1.0).into_iter().map(|word| f32::from_bits(word).abs().to_bits()).collect();
        let memory = vec![squares, progress(1, 6, 128, 0), draw.numbers(3 * numbers.count, 1.0)];
        let relative = Tolerance { relative: 4e-7, absolute: 0.0 };
        let tolerances = vec![Tolerance::EXACT, Tolerance::EXACT, relative];
        let kernel = ClipFactor { sums, clip, numbers };
        Case { tolerances, ..case(format!("{sums} sums of squares, clipped to {clip}"), kernel, memory) }
    };
    let [alone, last] = [(2, None, Some(1)), (3, Some(1), Some(2))].map(|(count, decay, factor)| StepNumbers {
        count,
        decay,
        factor,
        skips: false,
    });
    let cases =
        [(1, 0.1, alone), (70, 1.0, alone), (70, 4.0, alone), (70, 100.0, alone), (256, 0.5, last), (5_000, 3.0, last)];
    cases.into_iter().enumerate().map(make).collect()
}
