//! Moving means and variances: host side and CPU reference of `shaders/moving_statistics.wgsl`.

use super::case::{Case, Draw, Tolerance, case, progress};
use super::updates::MicroBatches;
use super::{
    BINDING_ALIGNMENT, BINDINGS, Constants, Descriptor, Kernel, Progress, floats, floats_mut, grid, read, read_words,
    write,
};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "moving_statistics",
    about: "moves the averages of means and variances towards those of the batch",
    wgsl: shader!("moving_statistics", "progress"),
    bindings: &[read("gradients"), read_words("progress"), read_words("table"), write("values")],
    cases,
};

/// Of each normalisation, moving += (1 - momentum) * (batch's - moving) for mean and variance. The batch's are the
/// means of its micro-batches' ones, which lie among the gradients, weighted by the rows that count.
#[derive(Clone, Debug)]
pub struct MovingStatistics {
    pub normalisations: Vec<Moving>,
    pub micro_batches: MicroBatches,
    /// Rows of a batch.
    pub batch: usize,
    /// Rows of it at a time.
    pub micro_batch: usize,
}

/// One normalisation's moving statistics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moving {
    /// The first word of the moving mean among the variables' values; the moving variance lies right behind it.
    pub moving_mean: usize,
    /// The first word of the means among what a micro-batch leaves in the buffer of gradients; so do the variances.
    pub moments: usize,
    pub channels: usize,
    /// The part of a moving average that a step keeps.
    pub momentum: f64,
}

const THREADS: usize = 64;
/// Words of a normalisation in the table: its first workgroup, how many numbers move, the first moving one, the first
/// of the micro-batch's, and 1 - momentum.
const ROW: usize = 5;

impl Moving {
    /// Means and variances.
    fn numbers(&self) -> usize {
        2 * self.channels
    }
}

impl MovingStatistics {
    /// The same for moments of whole batches, which lie as the moving ones do.
    pub fn of_whole_batches(&self) -> Self {
        let lies = |one: &Moving| Moving { moments: one.moving_mean, ..*one };
        let normalisations = self.normalisations.iter().map(lies).collect();
        Self { normalisations, micro_batches: MicroBatches::ONE, batch: self.batch, micro_batch: self.batch }
    }

    /// The table that shaders find their workgroup's normalisation in: `[workgroups]` places of normalisations in the
    /// table, then these `[normalisations, 5]`.
    pub fn table(&self) -> Vec<u32> {
        let all = self.workgroup_count();
        let (mut table, mut rows) = (Vec::new(), Vec::new());
        for one in &self.normalisations {
            let row = [table.len(), one.numbers(), one.moving_mean, one.moments].map(|word| word as u32);
            table.resize(table.len() + one.numbers().div_ceil(THREADS), (all + rows.len()) as u32);
            rows.extend(row);
            rows.push(((1.0 - one.momentum) as f32).to_bits());
        }
        [table, rows].concat()
    }

    /// Each normalisation begins with a workgroup of its own.
    fn workgroup_count(&self) -> usize {
        self.normalisations.iter().map(|one| one.numbers().div_ceil(THREADS)).sum()
    }

    /// Numbers that move.
    pub(super) fn numbers(&self) -> usize {
        self.normalisations.iter().map(Moving::numbers).sum()
    }

    /// The normalisations of a table, whatever it says.
    pub(super) fn read(&self, table: &[u32]) -> impl Iterator<Item = [u32; ROW]> {
        let rows = table.get(self.workgroup_count()..).unwrap_or_default().as_chunks().0;
        rows.iter().copied().take(self.normalisations.len())
    }

    /// The parts of the rows that count of the micro-batches from `first` on.
    pub(super) fn weights(&self, first: usize, progress: Progress) -> impl Iterator<Item = f32> {
        let rows = progress.rows(self.batch);
        (first..first + self.micro_batches.count).map(move |number| {
            let own = rows.saturating_sub(number * self.micro_batch).min(self.micro_batch);
            own as f32 / rows as f32
        })
    }
}

impl Kernel for MovingStatistics {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        vec![
            ("BATCH", self.batch.into()),
            ("MICRO_BATCH", self.micro_batch.into()),
            ("MICRO_BATCHES", self.micro_batches.count.into()),
            ("MICRO_BATCH_STRIDE", self.micro_batches.stride.into()),
            ("WORKGROUPS", self.workgroup_count().into()),
            ("THREADS", THREADS.into()),
            ("GRID_WIDTH", self.workgroups()[0].into()),
        ]
    }

    fn workgroups(&self) -> [usize; 3] {
        let [x, y] = grid(self.workgroup_count());
        [x, y, 1]
    }

    fn operations(&self) -> usize {
        self.numbers() * (3 + 2 * self.micro_batches.count)
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "gradients" => self.micro_batches.count * self.numbers(),
            "values" => 2 * self.numbers(),
            _ => words,
        }
    }

    fn words(&self) -> Vec<usize> {
        let last = |first: &dyn Fn(&Moving) -> usize| {
            self.normalisations.iter().map(|one| first(one) + one.numbers()).max().unwrap_or(0)
        };
        let gradients = self.micro_batches.count.saturating_sub(1) * self.micro_batches.stride;
        let table = self.workgroup_count() + ROW * self.normalisations.len();
        vec![gradients + last(&|one| one.moments), Progress::WORDS, table, last(&|one| one.moving_mean)]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [gradients, progress, table, values] = memory else { unreachable!("{BINDINGS}") };
        let (gradients, progress) = (floats(gradients), Progress::read(progress));
        if progress.rows(self.batch) == 0 {
            return;
        }
        for [_, numbers, moving, moments, step] in self.read(table) {
            let [numbers, moving, moments] = [numbers, moving, moments].map(|word| word as usize);
            let step = f32::from_bits(step);
            // What would lead out of a buffer is left alone.
            let last = moments + (self.micro_batches.count - 1) * self.micro_batches.stride;
            let Some(values) = floats_mut(values).get_mut(moving..moving + numbers) else { continue };
            if last + numbers > gradients.len() {
                continue;
            }
            for (at, value) in values.iter_mut().enumerate() {
                let own = |number: usize| gradients[moments + number * self.micro_batches.stride + at];
                let of_batch = self.weights(0, progress).enumerate().map(|(number, weight)| weight * own(number));
                let of_batch: f32 = of_batch.sum();
                *value += step * (of_batch - *value);
            }
        }
    }
}

fn cases() -> Vec<Case> {
    let make = |(number, (sizes, count, samples)): (usize, (&[usize], usize, u32))| {
        let (mut moving_mean, mut moments) = (5, 3);
        let each = sizes.iter().enumerate().map(|(at, &channels)| {
            let momentum = [0.99, 0.9, 0.0][at % 3];
            let one = Moving { moving_mean, moments, channels, momentum };
            moving_mean += 2 * channels + 7;
            moments += (2 * channels).next_multiple_of(BINDING_ALIGNMENT);
            one
        });
        let normalisations: Vec<Moving> = each.collect();
        let (batch, micro_batch) = (4 * count, 4);
        let micro_batches = MicroBatches { count, stride: moments, ..MicroBatches::ONE };
        let kernel = MovingStatistics { normalisations, micro_batches, batch, micro_batch };
        let words = kernel.words();
        let draw = &mut Draw::new(number);
        let memory = vec![
            draw.numbers(words[0], 2.0),
            progress(1, 6, samples, count as u32 - 1),
            kernel.table(),
            draw.numbers(words[3], 2.0),
        ];
        let label = format!("{:?} channels, {count} micro-batches, {samples} samples", &sizes[..sizes.len().min(9)]);
        let tolerances = [&[Tolerance::EXACT; 3][..], &[Tolerance { relative: 1e-6, absolute: 1e-6 }]].concat();
        Case { tolerances, ..case(label, kernel, memory) }
    };
    let cases: [(&[usize], usize, u32); 7] = [
        (&[16], 1, 8),
        (&[1, 64, 33], 1, 6),
        (&[10, 128, 3, 40], 3, 24),
        (&[10, 70], 3, 17),
        (&[5, 8], 3, 13),
        (&[7], 2, 8),
        (&[1; 32_769], 1, 8),
    ];
    cases.into_iter().enumerate().map(make).collect()
}
