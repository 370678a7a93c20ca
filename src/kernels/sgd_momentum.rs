//! Gradient descent with momentum: host side and CPU reference of `shaders/sgd_momentum.wgsl`.

use super::case::{Case, case};
use super::update_cases::{UpdateCase, update_cases};
use super::updates::Updates;
use super::{BINDINGS, Constants, Descriptor, Kernel, read, read_words, write};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "sgd_momentum",
    about: "adds up the partitions of gradients and updates variables and their velocities",
    wgsl: shader!("sgd_momentum", "progress", "variables", "each_value", "read_ahead", "tree", "gradient", "update"),
    bindings: &[
        read("gradient"),
        read("rates"),
        read_words("progress"),
        read_words("variables"),
        write("weights"),
        write("velocity"),
    ],
    cases,
};

/// One update of all variables of `updates`.
#[derive(Clone, Debug)]
pub struct SgdMomentum {
    pub updates: Updates,
    /// The part of the velocity that a step keeps.
    pub momentum: f64,
    /// Whether a weight moves as far as its velocity will be after the next step of the same gradient.
    pub nesterov: bool,
}

impl Kernel for SgdMomentum {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        let own = vec![("MOMENTUM", (self.momentum as f32).into()), ("NESTEROV", self.nesterov.into())];
        [own, self.updates.update_constants()].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        self.updates.workgroups()
    }

    fn operations(&self) -> usize {
        let own = if self.nesterov { 6 } else { 4 };
        own * self.updates.values() + self.updates.update_operations()
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        self.updates.update_traffic(binding, words)
    }

    fn words(&self) -> Vec<usize> {
        self.updates.update_words(1)
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [gradient, rates, progress, table, weights, velocity] = memory else { unreachable!("{BINDINGS}") };
        let (momentum, nesterov) = (self.momentum as f32, self.nesterov);
        self.updates.update(
            [gradient, rates, progress, table],
            [weights, velocity],
            #[inline(always)]
            |rate, [weights, velocity], gradient| {
                for ((w, v), gradient) in weights.iter_mut().zip(&mut **velocity).zip(gradient) {
                    let change = rate * gradient;
                    *v = momentum * *v - change;
                    *w += if nesterov { momentum * *v - change } else { *v };
                }
            },
        );
    }
}

fn cases() -> Vec<Case> {
    update_cases(|number, mut start| {
        let (gradients, values) = (start.gradients(), start.values());
        let gradients = start.draw.eighths(gradients);
        let mut memory = start.memory(gradients, [1.0, 0.25]);
        memory.extend([start.draw.eighths(values), start.draw.eighths(values)]);
        let UpdateCase { label, updates, .. } = start;
        let (momentum, nesterov) = if number % 2 == 0 { (0.5, false) } else { (0.75, true) };
        case(
            format!("{label}, momentum {momentum}, Nesterov's {nesterov}"),
            SgdMomentum { updates, momentum, nesterov },
            memory,
        )
    })
}
