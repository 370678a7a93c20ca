//! Adam: host side and CPU reference of `shaders/adam.wgsl`.

use super::case::{Case, Tolerance, case};
use super::update_cases::{UpdateCase, update_cases};
use super::updates::Updates;
use super::{BINDINGS, Constants, Descriptor, Kernel, read, read_words, write};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "adam",
    about: "adds up the partitions of gradients and updates variables and their moments",
    wgsl: shader!("adam", "progress", "variables", "each_value", "read_ahead", "tree", "gradient", "update"),
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
}

impl Kernel for Adam {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        let [step_1, step_2] = self.steps();
        let own = vec![("STEP_1", step_1.into()), ("STEP_2", step_2.into()), ("EPSILON", (self.epsilon as f32).into())];
        [own, self.updates.update_constants()].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        self.updates.workgroups()
    }

    fn operations(&self) -> usize {
        11 * self.updates.values() + self.updates.update_operations()
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        self.updates.update_traffic(binding, words)
    }

    fn words(&self) -> Vec<usize> {
        self.updates.update_words(2)
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [gradient, rates, progress, table, weights, first_moment, second_moment] = memory else {
            unreachable!("{BINDINGS}")
        };
        let ([step_1, step_2], epsilon) = (self.steps(), self.epsilon as f32);
        self.updates.update(
            [gradient, rates, progress, table],
            [weights, first_moment, second_moment],
            #[inline(always)]
            |rate, [weights, first, second], gradient| {
                let moments = first.iter_mut().zip(&mut **second);
                for ((w, (m, v)), gradient) in weights.iter_mut().zip(moments).zip(gradient) {
                    *m += step_1 * (gradient - *m);
                    *v += step_2 * (gradient * gradient - *v);
                    *w -= rate * *m / (v.sqrt() + epsilon);
                }
            },
        );
    }
}

fn cases() -> Vec<Case> {
    // Weights to 0.1, so that their tolerance is a small part of one update; gradients so small that epsilon matters,
    // too. A first moment may be what is left of a larger one and its gradient; a second moment only adds up.
    update_cases(|number, mut start| {
        let (limit, values, gradients) = (start.limit, start.values(), start.gradients());
        let square = |word: u32| (f32::from_bits(word) * f32::from_bits(word)).to_bits();
        let gradients = start.draw.numbers(gradients, limit);
        // A learning rate of 1e-3, and what it is at step 7.
        let mut memory = start.memory(gradients, [1e-3, 1.6e-4]);
        memory.push(start.draw.numbers(values, 0.1));
        memory.push(start.draw.numbers(values, limit));
        memory.push(start.draw.numbers(values, limit).into_iter().map(square).collect());
        let within = |relative, absolute| Tolerance { relative, absolute };
        let written = [within(2e-8, 2e-8), within(1e-7, 1e-7 * limit), within(3e-7, 0.0)];
        let tolerances = [[Tolerance::EXACT; 4].as_slice(), &written].concat();
        let UpdateCase { label, updates, .. } = start;
        // Keras' defaults, and others.
        let adam = match number % 2 {
            0 => Adam { updates, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 },
            _ => Adam { updates, beta_1: 0.8, beta_2: 0.99, epsilon: 1e-3 },
        };
        Case { tolerances, ..case(label, adam, memory) }
    })
}
