//! Moving averages of weights: host side and CPU reference of `shaders/weight_average.wgsl`.

use super::case::{Case, case, progress};
use super::update_cases::{UpdateCase, update_cases};
use super::update_kernels::{each_block, values};
use super::updates::{Update, Updates};
use super::vectors::vectorised;
use super::{BINDINGS, Constants, Descriptor, Kernel, Progress, floats, read, read_words, write};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "weight_average",
    about: "moves the average of each weight towards it; the first step copies",
    wgsl: shader!("weight_average", "progress", "variables", "each_value"),
    bindings: &[read_words("progress"), read_words("variables"), read("weights"), write("average")],
    cases,
};

/// The averages of all variables of `updates` after a step.
#[derive(Clone, Debug)]
pub struct WeightAverage {
    pub updates: Updates,
    /// The part of an average that a step keeps.
    pub momentum: f64,
}

impl WeightAverage {
    /// The part of the way to the weight, rounded once.
    fn step(&self) -> f32 {
        (1.0 - self.momentum) as f32
    }
}

impl Kernel for WeightAverage {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        [vec![("STEP", self.step().into())], self.updates.constants()].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        self.updates.workgroups()
    }

    fn operations(&self) -> usize {
        3 * self.updates.values()
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "weights" => self.updates.values(),
            "average" => 2 * self.updates.values(),
            _ => words,
        }
    }

    fn words(&self) -> Vec<usize> {
        let [_, table, values] = self.updates.words();
        vec![Progress::WORDS, table, values, values]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [progress, table, weights, averages] = memory else { unreachable!("{BINDINGS}") };
        let averages = &mut [&mut **averages];
        let step = if Progress::read(progress).step == 0 { None } else { Some(self.step()) };
        for Update { first, gradient, .. } in self.updates.read(table) {
            let weights = floats(weights).get(first..first + gradient.words);
            let averages = values(averages, first, gradient.words);
            let (Some(weights), Some(averages)) = (weights, averages) else { continue };
            each_block(0, averages, &|start, [averages]| {
                let weights = &weights[start..];
                vectorised(
                    #[inline(always)]
                    || match step {
                        None => averages.copy_from_slice(&weights[..averages.len()]),
                        Some(step) => averages.iter_mut().zip(weights).for_each(|(a, w)| *a += step * (w - *a)),
                    },
                );
            });
        }
    }
}

fn cases() -> Vec<Case> {
    update_cases(|number, mut start| {
        let values = start.values();
        // Every third one is of the first step.
        let first = number % 3 == 2;
        let progress = if first { progress(0, 0, 128, 0) } else { start.progress() };
        let memory = vec![progress, start.updates.table(), start.draw.eighths(values), start.draw.eighths(values)];
        let UpdateCase { label, updates, .. } = start;
        let kernel = WeightAverage { updates, momentum: if number % 2 == 0 { 0.75 } else { 0.5 } };
        case(format!("{label}, first step {first}"), kernel, memory)
    })
}
