//! Adam: host side and CPU reference of `shaders/adam.wgsl`.

use rayon::prelude::*;

use super::case::{Case, Draw, Tolerance, case, progress};
use super::updates::{MicroBatches, Partitions, THREADS, Update, Updates, VALUES_PER_THREAD};
use super::vectors::vectorised;
use super::{
    BINDING_ALIGNMENT, BINDINGS, Constants, Descriptor, Kernel, Progress, floats, floats_mut, grid, read, read_words,
    write,
};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "adam",
    about: "adds up the partitions of gradients and updates variables and their moments",
    wgsl: shader!("adam", "progress"),
    bindings: &[
        read("gradient"),
        read("rates"),
        read_words("progress"),
        read_words("variables"),
        write("weights"),
        write("first_moment"),
        write("second_moment"),
    ],
    cases,
};

/// One update of all variables of `updates`.
#[derive(Clone, Debug)]
pub struct Adam {
    pub updates: Updates,
    pub beta_1: f64,
    pub beta_2: f64,
    pub epsilon: f64,
}

impl Adam {
    /// Of a moment and what it moves to: the part of their difference that is added, rounded once.
    fn steps(&self) -> [f32; 2] {
        [self.beta_1, self.beta_2].map(|beta| (1.0 - beta) as f32)
    }

    /// Updates one variable, of whose values, moments and gradient these are.
    fn update<'a>(
        &self,
        rate: f32,
        weights: &mut [f32],
        [first_moment, second_moment]: [&mut [f32]; 2],
        partitions: impl Iterator<Item = &'a [f32]> + Clone + Sync,
    ) {
        const BLOCK: usize = 4096;
        let ([step_1, step_2], epsilon) = (self.steps(), self.epsilon as f32);
        let moments = first_moment.par_chunks_mut(BLOCK).zip(second_moment.par_chunks_mut(BLOCK));
        weights.par_chunks_mut(BLOCK).zip(moments).enumerate().for_each(|(block, (weights, (first, second)))| {
            let mut gradient = [0.0; BLOCK];
            let gradient = &mut gradient[..weights.len()];
            vectorised(
                #[inline(always)]
                || {
                    for partition in partitions.clone() {
                        gradient.iter_mut().zip(&partition[block * BLOCK..]).for_each(|(sum, value)| *sum += value);
                    }
                    let moments = first.iter_mut().zip(&mut *second);
                    for ((w, (m, v)), gradient) in weights.iter_mut().zip(moments).zip(&*gradient) {
                        *m += step_1 * (gradient - *m);
                        *v += step_2 * (gradient * gradient - *v);
                        *w -= rate * *m / (v.sqrt() + epsilon);
                    }
                },
            );
        });
    }
}

impl Kernel for Adam {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        let [step_1, step_2] = self.steps();
        vec![
            ("STEP_1", step_1.into()),
            ("STEP_2", step_2.into()),
            ("EPSILON", (self.epsilon as f32).into()),
            ("WORKGROUPS", self.updates.workgroup_count().into()),
            ("MICRO_BATCHES", self.updates.micro_batches.count.into()),
            ("MICRO_BATCH_STRIDE", self.updates.micro_batches.stride.into()),
            ("THREADS", THREADS.into()),
            ("VALUES_PER_THREAD", VALUES_PER_THREAD.into()),
            ("GRID_WIDTH", self.workgroups()[0].into()),
        ]
    }

    fn workgroups(&self) -> [usize; 3] {
        let [x, y] = grid(self.updates.workgroup_count());
        [x, y, 1]
    }

    fn operations(&self) -> usize {
        11 * self.updates.values() + self.updates.gradient_values()
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "gradient" => self.updates.gradient_values(),
            "rates" => 1,
            "weights" | "first_moment" | "second_moment" => 2 * self.updates.values(),
            _ => words,
        }
    }

    fn words(&self) -> Vec<usize> {
        let [gradient, table, values] = self.updates.words();
        vec![gradient, 1, Progress::WORDS, table, values, values, values]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [gradient, rates, progress, variables, weights, first_moment, second_moment] = memory else {
            unreachable!("{BINDINGS}")
        };
        let gradient = floats(gradient);
        let rate = floats(rates).get(Progress::read(progress).batch as usize).copied().unwrap_or(0.0);
        for Update { first, gradient: partitions } in self.updates.read(variables) {
            let values = first..first + partitions.words;
            let weights = floats_mut(weights).get_mut(values.clone());
            let first_moment = floats_mut(first_moment).get_mut(values.clone());
            let second_moment = floats_mut(second_moment).get_mut(values);
            if let (Some(weights), Some(first), Some(second)) = (weights, first_moment, second_moment) {
                self.update(rate, weights, [first, second], partitions.of(self.updates.micro_batches, gradient));
            }
        }
    }
}

/// Variables of some words and partitions each, whose gradients lie one after the other, as products leave them: the
/// partitions of two neighbours take turns, as a kernel's and its bias' do.
fn updates(variables: &[[usize; 2]], count: usize) -> Updates {
    let (mut first, mut from) = (0, 0);
    let mut updates = Vec::new();
    for pair in variables.chunks(2) {
        let stride = pair.iter().map(|[words, _]| words).sum();
        for &[words, count] in pair {
            updates.push(Update { first, gradient: Partitions { first: from, words, count, stride } });
            first += words;
            from += words;
        }
        first = first.next_multiple_of(BINDING_ALIGNMENT);
        from = (from + stride * (pair[0][1] - 1)).next_multiple_of(BINDING_ALIGNMENT);
    }
    Updates { variables: updates, micro_batches: MicroBatches { count, stride: from } }
}

fn cases() -> Vec<Case> {
    // Weights to 0.1, so that their tolerance is a small part of one update; gradients so small that epsilon matters,
    // too. A first moment may be what is left of a larger one and its gradient; a second moment only adds up.
    let make = |(number, (variables, micro_batches, limit)): (usize, (&[[usize; 2]], usize, f32))| {
        let updates = updates(variables, micro_batches);
        let [gradient, _, values] = updates.words();
        let draw = &mut Draw::new(number);
        let square = |word: u32| (f32::from_bits(word) * f32::from_bits(word)).to_bits();
        let memory = vec![
            draw.numbers(gradient, limit),
            // A learning rate of 1e-3, and what it is at step 7.
            vec![1e-3_f32.to_bits(), 1.6e-4_f32.to_bits()],
            progress(1, 6, 128, micro_batches as u32 - 1),
            updates.table(),
            draw.numbers(values, 0.1),
            draw.numbers(values, limit),
            draw.numbers(values, limit).into_iter().map(square).collect(),
        ];
        let label = {
            let shown = &variables[..variables.len().min(20)];
            format!("{shown:?} words and partitions, {micro_batches} micro-batches, gradients to {limit}")
        };
        let within = |relative, absolute| Tolerance { relative, absolute };
        let written = [within(2e-8, 2e-8), within(1e-7, 1e-7 * limit), within(3e-7, 0.0)];
        let tolerances = [[Tolerance::EXACT; 4].as_slice(), &written].concat();
        // Keras' defaults, and others.
        let adam = match number % 2 {
            0 => Adam { updates, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 },
            _ => Adam { updates, beta_1: 0.8, beta_2: 0.99, epsilon: 1e-3 },
        };
        Case { tolerances, ..case(label, adam, memory) }
    };
    let small: Vec<[usize; 2]> =
        (1..=17_usize).map(|number| [number * 9 % 70 + 1, number.div_ceil(2) % 4 + 1]).collect();
    let cases: [(&[[usize; 2]], usize, f32); 8] = [
        (&[[64, 1]], 1, 0.1),
        (&[[1000, 3]], 1, 0.1),
        (&[[129, 16]], 1, 1e-6),
        (&[[1, 2]], 3, 0.1),
        (&[[129, 3]], 2, 0.1),
        // A kernel and a bias, and two more.
        (&[[288, 5], [32, 5], [640, 1], [10, 1]], 3, 0.1),
        (&small, 2, 0.1),
        (&[[1, 1]; 32_769], 1, 0.1),
    ];
    cases.into_iter().enumerate().map(make).collect()
}
