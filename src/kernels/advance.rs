//! The last pass of a micro-batch: host side and CPU reference of `shaders/advance.wgsl`.

use super::case::{Case, Draw, case, progress, unwritten};
use super::{BINDINGS, Constants, Descriptor, Kernel, Progress, floats, read, read_words, write_words};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "advance",
    about: "logs a micro-batch's loss and correct predictions, and moves on to the next micro-batch or batch",
    wgsl: shader!("advance", "progress"),
    bindings: &[read("losses"), read_words("correct"), write_words("progress"), write_words("log")],
    cases,
};

/// Adds up losses and correct predictions `[micro_batch]` into the batch's row of the log, or into the micro-batch's own
/// one, then counts the micro-batch, and after the last one the batch (and the step).
#[derive(Clone, Copy, Debug)]
pub struct Advance {
    /// Rows of a micro-batch.
    pub micro_batch: usize,
    /// Micro-batches of a batch.
    pub micro_batches: usize,
    pub training: bool,
    /// Rows of the log that a batch has: one, to which micro-batches add, or one for each of them.
    pub rows: usize,
}

const THREADS: usize = 64;

impl Kernel for Advance {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        vec![
            ("MICRO_BATCH", self.micro_batch.into()),
            ("MICRO_BATCHES", self.micro_batches.into()),
            ("TRAINING", self.training.into()),
            ("ROWS", self.rows.into()),
            ("THREADS", THREADS.into()),
        ]
    }

    fn workgroups(&self) -> [usize; 3] {
        [1, 1, 1]
    }

    fn operations(&self) -> usize {
        self.micro_batch
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "log" => 2,
            _ => words,
        }
    }

    fn words(&self) -> Vec<usize> {
        vec![self.micro_batch, self.micro_batch, Progress::WORDS, 2]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [losses, correct, words, log] = memory else { unreachable!("{BINDINGS}") };
        let losses = &floats(losses)[..self.micro_batch];
        let mut progress = Progress::read(words);
        // The shader's order of additions, so that even the last bit agrees.
        let mut sums = [0.0; THREADS];
        for (row, loss) in losses.iter().enumerate() {
            sums[row % THREADS] += loss;
        }
        let mut loss = sums[1..].iter().fold(sums[0], |sum, value| sum + value);
        let mut correct: u32 = correct[..self.micro_batch].iter().sum();
        let row = progress.batch as usize * self.rows + progress.micro_batch as usize % self.rows;
        // Past the end of the log nothing is left.
        if let Some(log) = log.as_chunks_mut().0.get_mut(row) {
            if self.rows == 1 && progress.micro_batch > 0 {
                loss += f32::from_bits(log[0]);
                correct = correct.wrapping_add(log[1]);
            }
            *log = [f32::to_bits(loss), correct];
        }
        progress.micro_batch = progress.micro_batch.wrapping_add(1);
        if progress.micro_batch as usize == self.micro_batches {
            progress.micro_batch = 0;
            progress.batch = progress.batch.wrapping_add(1);
            progress.step = progress.step.wrapping_add(self.training.into());
        }
        words[..Progress::WORDS].copy_from_slice(bytemuck::cast_slice(&[progress]));
    }
}

fn cases() -> Vec<Case> {
    let make = |(number, (micro_batch, [present, micro_batches], training, rows)): (
        usize,
        (usize, [u32; 2], bool, usize),
    )| {
        let draw = &mut Draw::new(number);
        // Of the micro-batches before this one.
        let mut log = unwritten(8 * rows);
        log[4 * rows..][..2].copy_from_slice(&[1.5_f32.to_bits(), 3]);
        let memory =
            vec![draw.numbers(micro_batch, 3.0), draw.below(micro_batch, 2), progress(2, 9, 5_000, present), log];
        case(
            format!(
                "micro-batch {present} of {micro_batches} with {micro_batch} rows, {rows} of the log, training {training}"
            ),
            Advance { micro_batch, micro_batches: micro_batches as usize, training, rows },
            memory,
        )
    };
    let cases = [
        (512, [0, 1], true, 1),
        (1, [0, 1], true, 1),
        (37, [0, 1], false, 1),
        (200, [0, 1], true, 1),
        (37, [0, 3], true, 1),
        (37, [1, 3], true, 1),
        (37, [2, 3], true, 1),
        (37, [0, 3], true, 3),
        (37, [1, 3], true, 3),
        (70, [2, 3], true, 3),
    ];
    cases.into_iter().enumerate().map(make).collect()
}
