//! The most arithmetic an adapter does: host side and CPU reference of `shaders/ceiling_arithmetic.wgsl`.

use rayon::prelude::*;

use super::case::{Case, Draw, case};
use super::{BINDINGS, Constants, Descriptor, Kernel, floats, floats_mut, read, write};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "ceiling_arithmetic",
    about: "multiply-adds in registers: measures the most arithmetic the adapter does",
    wgsl: shader!("ceiling_arithmetic"),
    bindings: &[read("line"), write("sums")],
    cases,
};

/// sums `[workgroups * threads]` of chains of x = x * factor + addend; chain number n starts from the old sum plus n.
#[derive(Clone, Copy, Debug)]
pub struct CeilingArithmetic {
    pub workgroups: usize,
    /// Of sixteen steps in each chain.
    pub rounds: usize,
}

const THREADS: usize = 256;
/// Chains of one thread.
const CHAINS: usize = 16;
/// Steps of one round.
const ROUND: usize = 16;

impl CeilingArithmetic {
    /// Words of `line`: factor and addend.
    pub const LINE_WORDS: usize = 2;

    pub fn sums(&self) -> usize {
        self.workgroups * THREADS
    }
}

impl Kernel for CeilingArithmetic {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        vec![("ROUNDS", self.rounds.into()), ("THREADS", THREADS.into())]
    }

    fn workgroups(&self) -> [usize; 3] {
        [self.workgroups, 1, 1]
    }

    fn operations(&self) -> usize {
        2 * self.sums() * CHAINS * ROUND * self.rounds
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "sums" => 2 * words,
            _ => words,
        }
    }

    fn words(&self) -> Vec<usize> {
        vec![Self::LINE_WORDS, self.sums()]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [line, sums] = memory else { unreachable!("{BINDINGS}") };
        let (factor, addend) = (floats(line)[0], floats(line)[1]);
        let chain = |start: f32| (0..ROUND * self.rounds).fold(start, |x, _| x * factor + addend);
        floats_mut(sums)[..self.sums()].par_iter_mut().for_each(|sum| {
            *sum = (0..CHAINS).map(|number| chain(*sum + number as f32)).sum();
        });
    }
}

fn cases() -> Vec<Case> {
    let make = |(number, (workgroups, rounds, factor, addend)): (usize, (usize, usize, f32, f32))| {
        let kernel = CeilingArithmetic { workgroups, rounds };
        let memory = vec![vec![factor.to_bits(), addend.to_bits()], Draw::new(number).eighths(kernel.sums())];
        case(format!("{workgroups} workgroups, {rounds} rounds, x = {factor} x + {addend}"), kernel, memory)
    };
    // Steps that are exact with or without a fused multiply-add.
    [(1, 1, -1.0, 0.5), (3, 2, 1.0, 0.125), (7, 5, -1.0, -0.375), (2, 3, 0.0, 0.25)]
        .into_iter()
        .enumerate()
        .map(make)
        .collect()
}
