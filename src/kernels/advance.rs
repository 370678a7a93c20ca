//! The last pass of a portion of a batch: host side and CPU twin of `shaders/advance.wgsl`.

use super::case::{Case, Draw, case, progress, unwritten};
use super::{BINDINGS, Constants, Kernel, Progress, Row, floats, read, read_words, write_words};

pub const ROW: Row = Row {
    name: "advance",
    about: "logs a portion's loss and hits, and moves on to the next portion or batch",
    wgsl: shader!("advance", "progress"),
    bindings: &[read("losses"), read_words("hits"), write_words("progress"), write_words("log")],
    cases,
};

/// Adds up losses and hits `[portion]` into row `progress.batch` of the log, then counts the portion, and after the last
/// one the batch (and the step).
#[derive(Clone, Copy, Debug)]
pub struct Advance {
    /// Rows of a portion.
    pub portion: usize,
    /// Portions of a batch.
    pub portions: usize,
    pub training: bool,
}

const THREADS: usize = 64;

impl Kernel for Advance {
    fn row(&self) -> &'static Row {
        &ROW
    }

    fn constants(&self) -> Constants {
        vec![
            ("PORTION", self.portion.into()),
            ("PORTIONS", self.portions.into()),
            ("TRAINING", self.training.into()),
            ("THREADS", THREADS.into()),
        ]
    }

    fn workgroups(&self) -> [usize; 3] {
        [1, 1, 1]
    }

    fn operations(&self) -> usize {
        self.portion
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "log" => 2,
            _ => words,
        }
    }

    fn words(&self) -> Vec<usize> {
        vec![self.portion, self.portion, Progress::WORDS, 2]
    }

    fn twin(&self, memory: &mut [&mut [u32]]) {
        let [losses, hits, words, log] = memory else { unreachable!("{BINDINGS}") };
        let losses = &floats(losses)[..self.portion];
        let mut progress = Progress::read(words);
        // The shader's order of additions, so that even the last bit agrees.
        let mut sums = [0.0; THREADS];
        for (row, loss) in losses.iter().enumerate() {
            sums[row % THREADS] += loss;
        }
        let mut loss = sums[1..].iter().fold(sums[0], |sum, value| sum + value);
        let mut hits: u32 = hits[..self.portion].iter().sum();
        // Past the end of the log nothing is left.
        if let Some(log) = log.as_chunks_mut().0.get_mut(progress.batch as usize) {
            if progress.portion > 0 {
                loss += f32::from_bits(log[0]);
                hits = hits.wrapping_add(log[1]);
            }
            *log = [f32::to_bits(loss), hits];
        }
        progress.portion = progress.portion.wrapping_add(1);
        if progress.portion as usize == self.portions {
            progress.portion = 0;
            progress.batch = progress.batch.wrapping_add(1);
            progress.time = progress.time.wrapping_add(self.training.into());
        }
        words[..Progress::WORDS].copy_from_slice(bytemuck::cast_slice(&[progress]));
    }
}

fn cases() -> Vec<Case> {
    let make = |(number, (portion, [present, portions], training)): (usize, (usize, [u32; 2], bool))| {
        let draw = &mut Draw::new(number);
        // Of the portions before this one.
        let mut log = unwritten(8);
        log[4..6].copy_from_slice(&[1.5_f32.to_bits(), 3]);
        let memory = vec![draw.numbers(portion, 3.0), draw.below(portion, 2), progress(2, 9, 5_000, present), log];
        case(
            format!("portion {present} of {portions} with {portion} rows, training {training}"),
            Advance { portion, portions: portions as usize, training },
            memory,
        )
    };
    let cases = [
        (512, [0, 1], true),
        (1, [0, 1], true),
        (37, [0, 1], false),
        (200, [0, 1], true),
        (37, [0, 3], true),
        (37, [1, 3], true),
        (37, [2, 3], true),
    ];
    cases.into_iter().enumerate().map(make).collect()
}
