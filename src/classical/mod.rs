//! What the networks are compared with: classical learners, on pixels and on their principal components.

mod bayes;
mod bins;
mod boosting;
mod brute_force;
mod centroid;
mod components;
mod embedding;
mod features;
mod forest;
mod histograms;
mod lbfgs;
mod learner;
mod learners;
mod logistic;
mod neighbours;
mod newton;
mod node;
mod prediction;
mod rbf;
mod shortcut;
mod smo;
mod split;
mod svm;
mod tree;

pub use components::{Components, Keep};
pub use embedding::{most_perplexity, t_sne};
pub use features::Features;
pub use learner::{Learner, Task, Trained};
pub use learners::LEARNERS;
pub use neighbours::Neighbourhood;

use std::sync::Arc;

use crate::error::Result;
use crate::gemm::DeviceClass;
use crate::plan::{Executor, Plan};

/// Where the large matrix products are computed: a device's class, and its executor of a plan.
#[derive(Clone, Copy)]
pub struct Products<'a> {
    pub class: DeviceClass,
    pub executor: &'a dyn Fn(Arc<Plan>) -> Result<Box<dyn Executor>>,
}

#[cfg(test)]
mod test_support {
    use super::{Features, Products};
    use crate::cpu::Cpu;
    use crate::data::Samples;
    use crate::gemm::DeviceClass;
    use crate::random::{Sequence, Stream};

    pub fn cpu() -> Products<'static> {
        Products { class: DeviceClass::Cpu, executor: &|plan| Ok(Box::new(Cpu::new(plan)?)) }
    }

    pub fn pixels(count: usize, number: u32) -> Vec<u8> {
        let mut random = Sequence::new(2020, Stream::Cases, number);
        (0..count).map(|_| random.below(256) as u8).collect()
    }

    /// Images of 28 x 28 pixels.
    pub fn images(pixels: Vec<u8>) -> Features {
        let count = pixels.len() / 784;
        let samples = Samples { images: pixels, labels: vec![0; count], shape: [28, 28, 1] };
        Features::pixels(&samples, &(0..count as u32).collect::<Vec<_>>())
    }

    /// In integers.
    pub fn neighbours_by_definition(samples: &Features, queries: &Features, neighbours: usize) -> Vec<u32> {
        let pixels = |features: &Features, row: usize| features.pixels_of(row).unwrap().to_vec();
        let distance = |query: &[u8], sample: u32| -> i64 {
            let sample = pixels(samples, sample as usize);
            query.iter().zip(sample).map(|(&one, other)| (i64::from(one) - i64::from(other)).pow(2)).sum()
        };
        let nearest = |query: usize| {
            let query = pixels(queries, query);
            let mut numbers: Vec<u32> = (0..samples.rows() as u32).collect();
            numbers.sort_by_cached_key(|&number| distance(&query, number));
            numbers.truncate(neighbours);
            numbers
        };
        (0..queries.rows()).flat_map(nearest).collect()
    }

    /// Samples as bytes `[rows, columns]`, and their classes, which can be told by the bytes.
    pub fn classified(rows: usize, columns: usize, classes: u32) -> (Vec<u8>, Vec<u8>) {
        let mut random = Sequence::new(5, Stream::Cases, 0);
        let labels: Vec<u8> = (0..rows).map(|_| random.below(classes) as u8).collect();
        let mut byte =
            |label: u8, column: usize| (usize::from(label) * 13 * (column + 1) % 200) as u8 + random.below(56) as u8;
        let row = |&label: &u8| (0..columns).map(|column| byte(label, column)).collect::<Vec<u8>>();
        (labels.iter().flat_map(row).collect(), labels)
    }
}
