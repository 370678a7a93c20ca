//! Whether a step counts whose loss was scaled, and the scale of the next one: host side and CPU reference of
//! `shaders/loss_scale.wgsl`.

use bytemuck::{Pod, Zeroable};
use serde::{Deserialize, Serialize};

use super::case::{Case, Draw, Tolerance, case, progress};
use super::step_numbers::StepNumbers;
use super::{
    BINDINGS, Constants, Descriptor, Kernel, Progress, floats_mut, read, read_words, squares, write, write_words,
};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "loss_scale",
    about: "makes of all gradients' squares whether the step counts, what its gradients are multiplied by, and the next scale",
    wgsl: shader!("loss_scale", "progress", "squares", "workgroup_sum"),
    bindings: &[read("squares"), read_words("progress"), write("rates"), write_words("scaling")],
    cases,
};

/// What the loss is multiplied by, so that small gradients are numbers of f16: a power of two, which changes no bit of
/// those that are.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable, Serialize, Deserialize)]
pub struct LossScale {
    pub scale: f32,
    /// Steps since it became this.
    pub steps: u32,
    /// Steps left out in a row.
    pub skipped: u32,
}

impl LossScale {
    /// Of a run's first step, as Keras' `LossScaleOptimizer` begins.
    pub const FIRST: Self = Self { scale: 32_768.0, steps: 0, skipped: 0 };

    /// Words of the buffer.
    pub const WORDS: usize = size_of::<Self>() / 4;

    const LARGEST: f32 = 16_777_216.0;

    pub fn read(words: &[u32]) -> Self {
        *bytemuck::from_bytes(bytemuck::cast_slice(&words[..Self::WORDS]))
    }

    pub fn words(self) -> Vec<u32> {
        bytemuck::cast_slice(&[self]).to_vec()
    }

    /// Whether it is one that a run can have.
    pub fn is_possible(self) -> bool {
        (1.0..=Self::LARGEST).contains(&self.scale) && self.scale.log2().fract() == 0.0
    }
}

/// The factor of a step's gradients from `sums` of squares, and the scale of the next step.
#[derive(Clone, Copy, Debug)]
pub struct ScaleStep {
    pub sums: usize,
    /// The largest global norm; 0: any.
    pub clip: f64,
    /// Where the factor goes.
    pub numbers: StepNumbers,
    /// Steps without one left out, after which the scale grows.
    pub patience: u32,
}

impl ScaleStep {
    /// As many as Keras waits.
    pub const PATIENCE: u32 = 2_000;

    /// The step's factor, and what becomes of the scale.
    fn decide(&self, squares: f32, now: LossScale) -> (f32, LossScale) {
        if !squares.is_finite() {
            let scale = (now.scale * 0.5).max(1.0);
            return (0.0, LossScale { scale, steps: 0, skipped: now.skipped.wrapping_add(1) });
        }
        let (mut factor, clip) = (1.0 / now.scale, self.clip as f32);
        let norm = squares.sqrt() * factor;
        if clip > 0.0 && norm > clip {
            factor *= clip / norm;
        }
        let steps = now.steps.wrapping_add(1);
        let next = match steps >= self.patience {
            true => LossScale { scale: (now.scale * 2.0).min(LossScale::LARGEST), steps: 0, skipped: 0 },
            false => LossScale { steps, skipped: 0, ..now },
        };
        (factor, next)
    }
}

impl Kernel for ScaleStep {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        let own = vec![("PATIENCE", self.patience.into()), ("LARGEST", LossScale::LARGEST.into())];
        [squares::constants(self.sums, self.clip, self.numbers), own].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        [1, 1, 1]
    }

    fn operations(&self) -> usize {
        self.sums + 4
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        squares::traffic(self.sums, binding, words)
    }

    fn words(&self) -> Vec<usize> {
        vec![self.sums, Progress::WORDS, self.numbers.count, LossScale::WORDS]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [squares, progress, rates, scaling] = memory else { unreachable!("{BINDINGS}") };
        let sum = squares::sum(squares, self.sums);
        let (factor, next) = self.decide(sum, LossScale::read(scaling));
        scaling[..LossScale::WORDS].copy_from_slice(&next.words());
        self.numbers.keep_factor(floats_mut(rates), Progress::read(progress), factor);
    }
}

/// Squares, the largest norm, the numbers, the scale, and what is not finite among the squares: a sum of both infinities is
/// no number.
type Numbers = (usize, f64, StepNumbers, LossScale, &'static [f32]);

fn cases() -> Vec<Case> {
    let make = |(number, (sums, clip, numbers, now, bad)): (usize, Numbers)| {
        let draw = &mut Draw::new(number);
        let mut squares: Vec<u32> =
            draw.numbers(sums, 1.0).into_iter().map(|word| f32::from_bits(word).abs().to_bits()).collect();
        squares.iter_mut().skip(sums * 2 / 3).zip(bad).for_each(|(square, bad)| *square = bad.to_bits());
        let memory = vec![squares, progress(1, 6, 128, 0), draw.numbers(3 * numbers.count, 1.0), now.words()];
        let tolerances = vec![Tolerance::EXACT, Tolerance::EXACT, Tolerance { relative: 4e-7, absolute: 0.0 }];
        let kernel = ScaleStep { sums, clip, numbers, patience: 7 };
        let label = format!("{sums} sums of squares, clip {clip}, {now:?}, {bad:?} among them");
        Case { tolerances, ..case(label, kernel, memory) }
    };
    let numbers = |count, decay, factor| StepNumbers { count, decay, factor, skips: true };
    let [alone, last] = [numbers(2, None, Some(1)), numbers(3, Some(1), Some(2))];
    let of = |scale, steps, skipped| LossScale { scale, steps, skipped };
    let (none, infinite, no_number): (&[f32], &[f32], &[f32]) =
        (&[], &[f32::INFINITY], &[f32::INFINITY, f32::NEG_INFINITY]);
    let cases = [
        (1, 0.0, alone, LossScale::FIRST, none),
        (70, 0.0, alone, of(64.0, 5, 2), none),
        (70, 1.0, alone, of(2.0, 6, 0), none),
        (300, 1e-3, last, of(1024.0, 0, 3), none),
        (5_000, 4.0, last, of(1.0, 8, 1), none),
        (70, 4.0, alone, of(1.0, 2, 0), none),
        (70, 4.0, alone, of(2.0, 2, 0), none),
        (70, 0.0, last, of(LossScale::LARGEST, 6, 0), none),
        (70, 1.0, last, of(4096.0, 3, 0), no_number),
        (300, 0.0, alone, of(1.0, 3, 4), infinite),
        (5_000, 0.0, alone, of(2.0, 6, 0), no_number),
    ];
    cases.into_iter().enumerate().map(make).collect()
}
