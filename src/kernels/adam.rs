//! Adam: host side and CPU twin of `shaders/adam.wgsl`.

use rayon::prelude::*;

use super::case::{Case, Draw, Tolerance, case, progress};
use super::vectors::vectorised;
use super::{
    BINDING_ALIGNMENT, BINDINGS, Constants, Kernel, Progress, Row, floats, floats_mut, grid, read, read_words, write,
};

pub const ROW: Row = Row {
    name: "adam",
    about: "adds up a gradient's slots and updates weights and moments",
    wgsl: shader!("adam", "progress"),
    bindings: &[
        read("gradient"),
        read("rates"),
        read_words("progress"),
        write("weights"),
        write("first_moment"),
        write("second_moment"),
    ],
    cases,
};

/// One update of one layer's weights `[values]` from gradient `[portions, stride]`, of which `[slots, values]` is used.
#[derive(Clone, Copy, Debug)]
pub struct Adam {
    pub values: usize,
    /// Of a portion of the batch.
    pub slots: usize,
    /// Of the batch.
    pub portions: usize,
}

const THREADS: usize = 64;

impl Adam {
    /// Words from a portion's slots to the next one's: a binding may start at each.
    pub fn portion_stride(&self) -> usize {
        (self.slots * self.values).next_multiple_of(BINDING_ALIGNMENT)
    }

    /// All slots `[values]`, in the order in which they are added up.
    pub fn slots<'a>(&self, gradient: &'a [f32]) -> impl Iterator<Item = &'a [f32]> + use<'a> {
        let Self { values, slots, portions } = *self;
        let portions = gradient.chunks(self.portion_stride()).take(portions);
        portions.flat_map(move |portion| portion.chunks_exact(values).take(slots))
    }

    /// What the host puts into `rates`: the learning rate with both bias corrections of step `time` (from 1), in f64.
    pub fn rate(learning_rate: f64, time: u32) -> f32 {
        let time = f64::from(time);
        (learning_rate * (1.0 - 0.999_f64.powf(time)).sqrt() / (1.0 - 0.9_f64.powf(time))) as f32
    }
}

impl Kernel for Adam {
    fn row(&self) -> &'static Row {
        &ROW
    }

    fn constants(&self) -> Constants {
        vec![
            ("VALUES", self.values.into()),
            ("SLOTS", self.slots.into()),
            ("PORTIONS", self.portions.into()),
            ("PORTION_STRIDE", self.portion_stride().into()),
            ("THREADS", THREADS.into()),
            ("GRID_WIDTH", self.workgroups()[0].into()),
        ]
    }

    fn workgroups(&self) -> [usize; 3] {
        let [x, y] = grid(self.values.div_ceil(THREADS));
        [x, y, 1]
    }

    fn operations(&self) -> usize {
        self.values * (11 + self.portions * self.slots)
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "gradient" => self.portions * self.slots * self.values,
            "rates" => 1,
            "weights" | "first_moment" | "second_moment" => 2 * words,
            _ => words,
        }
    }

    fn words(&self) -> Vec<usize> {
        let gradient = self.portions.saturating_sub(1) * self.portion_stride() + self.slots * self.values;
        vec![gradient, 1, Progress::WORDS, self.values, self.values, self.values]
    }

    fn twin(&self, memory: &mut [&mut [u32]]) {
        let [gradient, rates, progress, weights, first_moment, second_moment] = memory else {
            unreachable!("{BINDINGS}")
        };
        let gradient = floats(gradient);
        let rate = floats(rates).get(Progress::read(progress).batch as usize).copied().unwrap_or(0.0);
        const BLOCK: usize = 4096;
        let weights = floats_mut(weights)[..self.values].par_chunks_mut(BLOCK);
        let moments =
            floats_mut(first_moment).par_chunks_mut(BLOCK).zip(floats_mut(second_moment).par_chunks_mut(BLOCK));
        weights.zip(moments).enumerate().for_each(|(block, (weights, (first, second)))| {
            let mut slopes = [0.0; BLOCK];
            let slopes = &mut slopes[..weights.len()];
            vectorised(
                #[inline(always)]
                || {
                    for slot in self.slots(gradient) {
                        slopes.iter_mut().zip(&slot[block * BLOCK..]).for_each(|(sum, value)| *sum += value);
                    }
                    let moments = first.iter_mut().zip(&mut *second);
                    for ((w, (m, v)), slope) in weights.iter_mut().zip(moments).zip(&*slopes) {
                        *m += 0.1 * (slope - *m);
                        *v += 0.001 * (slope * slope - *v);
                        *w -= rate * *m / (v.sqrt() + 1e-7);
                    }
                },
            );
        });
    }
}

fn cases() -> Vec<Case> {
    // Weights to 0.1, so that their tolerance is a small part of one update; slopes so small that epsilon matters, too. A
    // first moment may be what is left of a larger one and its gradient; a second moment only adds up.
    let make = |(number, (values, slots, portions, slope)): (usize, (usize, usize, usize, f32))| {
        let adam = Adam { values, slots, portions };
        let draw = &mut Draw::new(number);
        let square = |word: u32| (f32::from_bits(word) * f32::from_bits(word)).to_bits();
        let memory = vec![
            draw.numbers(portions * adam.portion_stride(), slope),
            vec![1e-3_f32.to_bits(), Adam::rate(1e-3, 7).to_bits()],
            progress(1, 6, 128, portions as u32 - 1),
            draw.numbers(values, 0.1),
            draw.numbers(values, slope),
            draw.numbers(values, slope).into_iter().map(square).collect(),
        ];
        let label = format!("{values} values, {slots} slots, {portions} portions, slopes to {slope}");
        let within = |relative, absolute| Tolerance { relative, absolute };
        let written = [within(2e-8, 2e-8), within(1e-7, 1e-7 * slope), within(3e-7, 0.0)];
        let tolerances = [[Tolerance::EXACT; 3], written].concat();
        Case { tolerances, ..case(label, adam, memory) }
    };
    [(64, 1, 1, 0.1), (1000, 3, 1, 0.1), (129, 16, 1, 1e-6), (1, 2, 3, 0.1), (129, 3, 2, 0.1), (64 * 32_769, 1, 1, 0.1)]
        .into_iter()
        .enumerate()
        .map(make)
        .collect()
}
