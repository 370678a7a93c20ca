//! The last pass of a step: host side and CPU twin of `shaders/advance.wgsl`.

use super::case::{Case, Draw, case, progress, unwritten};
use super::{BINDINGS, Constants, Kernel, Progress, Row, floats, read, read_words, write_words};

pub const ROW: Row = Row {
    name: "advance",
    about: "logs the batch's loss and hits, and moves on to the next batch",
    wgsl: include_str!("../../shaders/advance.wgsl"),
    bindings: &[read("losses"), read_words("hits"), write_words("progress"), write_words("log")],
    cases,
};

/// Adds up losses and hits `[batch]` into row `progress.batch` of the log, then counts the batch (and the step).
#[derive(Clone, Copy, Debug)]
pub struct Advance {
    pub batch: usize,
    pub training: bool,
}

const THREADS: usize = 64;

impl Kernel for Advance {
    fn row(&self) -> &'static Row {
        &ROW
    }

    fn constants(&self) -> Constants {
        vec![("BATCH", self.batch.into()), ("TRAINING", self.training.into()), ("THREADS", THREADS.into())]
    }

    fn workgroups(&self) -> [usize; 3] {
        [1, 1, 1]
    }

    fn operations(&self) -> usize {
        self.batch
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "log" => 2,
            _ => words,
        }
    }

    fn twin(&self, memory: &mut [&mut [u32]]) {
        let [losses, hits, words, log] = memory else { unreachable!("{BINDINGS}") };
        let losses = &floats(losses)[..self.batch];
        let mut progress = Progress::read(words);
        // The shader's order of additions, so that even the last bit agrees.
        let mut sums = [0.0; THREADS];
        for (row, loss) in losses.iter().enumerate() {
            sums[row % THREADS] += loss;
        }
        let loss = sums[1..].iter().fold(sums[0], |sum, value| sum + value);
        log[2 * progress.batch as usize] = f32::to_bits(loss);
        log[2 * progress.batch as usize + 1] = hits[..self.batch].iter().sum();
        progress.batch += 1;
        progress.time += u32::from(self.training);
        words[..Progress::WORDS].copy_from_slice(bytemuck::cast_slice(&[progress]));
    }
}

fn cases() -> Vec<Case> {
    let make = |(number, (batch, training)): (usize, (usize, bool))| {
        let draw = &mut Draw::new(number);
        let memory = vec![draw.numbers(batch, 3.0), draw.below(batch, 2), progress(2, 9, 5_000), unwritten(8)];
        case(format!("batch {batch}, training {training}"), Advance { batch, training }, memory, 0.0)
    };
    [(512, true), (1, true), (37, false), (200, true)].into_iter().enumerate().map(make).collect()
}
