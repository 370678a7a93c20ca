//! Gradient descent without momentum: host side and CPU reference of `shaders/sgd.wgsl`.

use super::case::{Case, case};
use super::update_cases::{UpdateCase, update_cases};
use super::updates::Updates;
use super::{BINDINGS, Constants, Descriptor, Kernel, read, read_words, write};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "sgd",
    about: "adds up the partitions of gradients and moves variables against them",
    wgsl: shader!("sgd", "progress", "variables", "each_value", "read_ahead", "tree", "gradient", "update"),
    bindings: &[read("gradient"), read("rates"), read_words("progress"), read_words("variables"), write("weights")],
    cases,
};

/// One update of all variables of `updates`.
#[derive(Clone, Debug)]
pub struct Sgd {
    pub updates: Updates,
}

impl Kernel for Sgd {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        self.updates.update_constants()
    }

    fn workgroups(&self) -> [usize; 3] {
        self.updates.workgroups()
    }

    fn operations(&self) -> usize {
        2 * self.updates.values() + self.updates.update_operations()
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        self.updates.update_traffic(binding, words)
    }

    fn words(&self) -> Vec<usize> {
        self.updates.update_words(0)
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [gradient, rates, progress, table, weights] = memory else { unreachable!("{BINDINGS}") };
        self.updates.update(
            [gradient, rates, progress, table],
            [weights],
            #[inline(always)]
            |rate, [weights], gradient| {
                weights.iter_mut().zip(gradient).for_each(|(w, gradient)| *w -= rate * gradient)
            },
        );
    }
}

fn cases() -> Vec<Case> {
    update_cases(|_, mut start| {
        let (gradients, values) = (start.gradients(), start.values());
        let gradients = start.draw.eighths(gradients);
        let mut memory = start.memory(gradients, [1.0, 0.25]);
        memory.push(start.draw.eighths(values));
        let UpdateCase { label, updates, .. } = start;
        case(label, Sgd { updates }, memory)
    })
}
