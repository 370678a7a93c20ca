//! Gradients, added up: host side and CPU reference of `shaders/gradient_sum.wgsl`.

use rayon::prelude::*;

use super::case::{Case, case};
use super::update_cases::{UpdateCase, update_cases};
use super::updates::{Update, Updates};
use super::{BINDINGS, Constants, Descriptor, Kernel, floats, floats_mut, read, read_words, write};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "gradient_sum",
    about: "adds up the partitions of gradients, over several micro-batches",
    wgsl: shader!("gradient_sum", "variables", "each_value", "read_ahead", "tree", "gradient"),
    bindings: &[read("gradient"), read_words("variables"), write("sums")],
    cases,
};

/// The gradients of all variables of `updates`, each where its variable lies among the values.
#[derive(Clone, Debug)]
pub struct GradientSum {
    pub updates: Updates,
}

/// Values that are added up at a time.
const BLOCK: usize = 4096;

impl Kernel for GradientSum {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        [self.updates.constants(), self.updates.gradient_constants()].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        self.updates.workgroups()
    }

    fn operations(&self) -> usize {
        self.updates.gradient_values()
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "gradient" => self.updates.gradient_values(),
            "sums" => self.updates.values(),
            _ => words,
        }
    }

    fn words(&self) -> Vec<usize> {
        self.updates.words().to_vec()
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [gradient, table, sums] = memory else { unreachable!("{BINDINGS}") };
        let (gradient, sums) = (floats(gradient), floats_mut(sums));
        for Update { first, gradient: partitions, .. } in self.updates.read(table) {
            let Some(sums) = sums.get_mut(first..first + partitions.words) else { continue };
            sums.par_chunks_mut(BLOCK).enumerate().for_each(|(number, sums)| {
                sums.fill(0.0);
                partitions.add_up(self.updates.micro_batches, gradient, number * BLOCK, sums);
            });
        }
    }
}

/// Of real numbers, whose sums tell in which order they were made.
fn cases() -> Vec<Case> {
    update_cases(|_, mut start| {
        let gradients = start.gradients();
        let gradients = start.draw.numbers(gradients, 1.0);
        // Between variables nothing is written.
        let memory = vec![gradients, start.updates.table(), vec![0; start.values()]];
        let UpdateCase { label, updates, .. } = start;
        case(label, GradientSum { updates }, memory)
    })
}
