//! Means and variances as parts of the batch's: host side and CPU reference of `shaders/weigh_moments.wgsl`.

use super::case::{Case, Draw, Tolerance, case, progress};
use super::{
    BINDING_ALIGNMENT, BINDINGS, Constants, Descriptor, Kernel, MicroBatches, Moving, MovingStatistics, Progress,
    floats_mut, read_words, write,
};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "weigh_moments",
    about: "makes of micro-batches' means and variances what only needs to be added up",
    wgsl: shader!("weigh_moments", "progress"),
    bindings: &[write("gradients"), read_words("progress"), read_words("table")],
    cases,
};

/// Multiplies the moments that some micro-batches left among the gradients by their parts of the batch's rows.
#[derive(Clone, Debug)]
pub struct WeighMoments {
    /// What is to move by them, and the micro-batches.
    pub moving: MovingStatistics,
    /// The number of the first one of these in its batch.
    pub first: usize,
}

impl Kernel for WeighMoments {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        [self.moving.constants(), vec![("FIRST", self.first.into())]].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        self.moving.workgroups()
    }

    fn operations(&self) -> usize {
        self.moving.numbers() * self.moving.micro_batches.count
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "gradients" => 2 * self.moving.micro_batches.count * self.moving.numbers(),
            _ => words,
        }
    }

    fn words(&self) -> Vec<usize> {
        self.moving.words()[..3].to_vec()
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [gradients, progress, table] = memory else { unreachable!("{BINDINGS}") };
        let (gradients, progress) = (floats_mut(gradients), Progress::read(progress));
        let MovingStatistics { micro_batches, batch, .. } = self.moving;
        if progress.rows(batch) == 0 {
            return;
        }
        for [_, numbers, _, moments, _] in self.moving.read(table) {
            for (number, weight) in self.moving.weights(self.first, progress).enumerate() {
                let start = moments as usize + number * micro_batches.stride;
                // What would lead out of the buffer is left alone.
                let own = gradients.get_mut(start..start + numbers as usize).unwrap_or_default();
                own.iter_mut().for_each(|value| *value *= weight);
            }
        }
    }
}

fn cases() -> Vec<Case> {
    let make = |(number, (sizes, count, first, samples)): (usize, (&[usize], usize, usize, u32))| {
        let mut moments = 3;
        let each = sizes.iter().map(|&channels| {
            let one = Moving { moving_mean: 0, moments, channels, momentum: 0.9 };
            moments += (2 * channels).next_multiple_of(BINDING_ALIGNMENT);
            one
        });
        let normalisations: Vec<Moving> = each.collect();
        let micro_batches = MicroBatches { count, stride: moments, ..MicroBatches::ONE };
        let moving = MovingStatistics { normalisations, micro_batches, batch: 4 * (first + count + 1), micro_batch: 4 };
        let kernel = WeighMoments { moving, first };
        let now = progress(1, 6, samples, count as u32 - 1);
        let memory = vec![Draw::new(number).numbers(kernel.words()[0], 2.0), now, kernel.moving.table()];
        let label = format!("{:?} channels, {count} from {first} on, {samples} samples", &sizes[..sizes.len().min(9)]);
        // A division.
        let tolerances = vec![Tolerance { relative: 4e-7, absolute: 0.0 }, Tolerance::EXACT, Tolerance::EXACT];
        Case { tolerances, ..case(label, kernel, memory) }
    };
    let cases: [(&[usize], usize, usize, u32); 7] = [
        (&[16], 1, 0, 16),
        (&[1, 64, 33], 1, 0, 9),
        (&[10, 128, 3, 40], 3, 0, 32),
        (&[10, 70], 3, 2, 24 + 17),
        (&[5, 8], 3, 1, 20 + 6),
        (&[7], 2, 0, 8),
        (&[1; 32_769], 1, 0, 15),
    ];
    cases.into_iter().enumerate().map(make).collect()
}
