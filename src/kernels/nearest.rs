//! Nearest neighbours: host side and CPU reference of `shaders/nearest.wgsl`.

use rayon::prelude::*;

use super::case::{Case, Draw, case};
use super::{BINDINGS, Constants, Descriptor, Kernel, floats, floats_mut, read, read_words, write, write_words};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "nearest",
    about: "keeps the nearest of the samples that each query meets",
    wgsl: shader!("nearest"),
    bindings: &[
        read("products"),
        read("half_squares"),
        read_words("span"),
        write("closeness"),
        write_words("neighbours"),
    ],
    cases,
};

/// closeness and numbers `[neighbours, queries]` of the nearest samples so far, the nearest first, from the inner products
/// `[samples, queries]` of some more of them.
#[derive(Clone, Copy, Debug)]
pub struct Nearest {
    /// Samples at a time, at most.
    pub samples: usize,
    pub queries: usize,
    pub neighbours: usize,
}

impl Nearest {
    /// What `closeness` holds before a query has met a sample: less than any sample's.
    pub const FARTHEST: f32 = f32::MIN;
}

const THREADS: usize = 64;

impl Kernel for Nearest {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        vec![
            ("SAMPLES", self.samples.into()),
            ("QUERIES", self.queries.into()),
            ("NEIGHBOURS", self.neighbours.into()),
            ("THREADS", THREADS.into()),
        ]
    }

    fn workgroups(&self) -> [usize; 3] {
        [self.queries.div_ceil(THREADS), 1, 1]
    }

    fn operations(&self) -> usize {
        self.samples * self.queries
    }

    fn words(&self) -> Vec<usize> {
        let kept = self.neighbours * self.queries;
        vec![self.samples * self.queries, self.samples, 2, kept, kept]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [products, half_squares, span, closeness, neighbours] = memory else { unreachable!("{BINDINGS}") };
        let (products, half_squares, closeness) = (floats(products), floats(half_squares), floats_mut(closeness));
        let (first, count) = (span[0], (span[1] as usize).min(self.samples));
        let Self { queries, neighbours: most, .. } = *self;
        let mut kept: Vec<(f32, u32)> = (0..queries)
            .flat_map(|query| (query..most * queries).step_by(queries))
            .map(|at| (closeness[at], neighbours[at]))
            .collect();
        // Each core has a run of queries, and takes all of a sample's products before the next one's.
        let run = queries.div_ceil(4 * rayon::current_num_threads());
        kept.par_chunks_mut(run * most).enumerate().for_each(|(number, kept)| {
            for sample in 0..count {
                let products = &products[sample * queries + number * run..];
                for (kept, product) in kept.chunks_exact_mut(most).zip(products) {
                    let candidate = product - half_squares[sample];
                    if candidate > kept[most - 1].0 {
                        let place = kept.partition_point(|&(closeness, _)| closeness >= candidate);
                        kept[place..].rotate_right(1);
                        kept[place] = (candidate, first.wrapping_add(sample as u32));
                    }
                }
            }
        });
        for (query, kept) in kept.chunks_exact(most).enumerate() {
            for (place, &one) in kept.iter().enumerate() {
                (closeness[place * queries + query], neighbours[place * queries + query]) = one;
            }
        }
    }
}

/// Few neighbours and many, queries that fill no workgroup, samples that do not all count; products in eighths, so that
/// many are equally close; places that an earlier run has taken, and such that none has.
fn cases() -> Vec<Case> {
    let make = |(number, (samples, count, queries, neighbours)): (usize, (usize, u32, usize, usize))| {
        let draw = &mut Draw::new(number);
        let mut closeness = vec![Nearest::FARTHEST.to_bits(); neighbours * queries];
        closeness[..queries].iter_mut().step_by(3).for_each(|value| *value = 0.5_f32.to_bits());
        let memory = vec![
            draw.eighths(samples * queries),
            draw.eighths(samples),
            vec![1000 * number as u32, count],
            closeness,
            draw.below(neighbours * queries, 1000),
        ];
        let label = format!("{count} of {samples} samples, {queries} queries, {neighbours} neighbours");
        case(label, Nearest { samples, queries, neighbours }, memory)
    };
    let cases = [(4, 4, 8, 3), (40, 33, 130, 5), (7, 0, 64, 2), (65, 65, 1, 1), (30, 99, 70, 10), (512, 500, 200, 5)];
    cases.into_iter().enumerate().map(make).collect()
}
