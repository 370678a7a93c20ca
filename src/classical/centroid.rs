//! The nearest centroid: a sample is of the class whose mean it is nearest to (scikit-learn's `NearestCentroid`).

use super::learner::{Learner, Task, Trained};
use super::{Features, Neighbourhood, Products};
use crate::callback::ProgressCallback;
use crate::error::Result;

pub const LEARNER: Learner = Learner {
    name: "centroid",
    title: "nearest centroid",
    settings: "",
    train: |task, callback| Ok(Box::new(NearestCentroid::of(task, callback)?)),
};

struct NearestCentroid {
    /// The means, as [`Features::centred`] has the features, of those classes that have a sample.
    means: Neighbourhood,
    classes: Vec<u8>,
}

impl NearestCentroid {
    fn of(task: &Task, callback: ProgressCallback) -> Result<Self> {
        let columns = task.features.columns;
        let mut sums = vec![0.0_f64; task.classes * columns];
        let mut counts = vec![0; task.classes];
        for (row, &label) in task.features.centred().chunks_exact(columns).zip(task.labels) {
            let sums = &mut sums[usize::from(label) * columns..][..columns];
            sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
            counts[usize::from(label)] += 1;
        }
        let classes: Vec<u8> =
            (0..=u8::MAX).zip(&counts).filter(|(_, count)| **count > 0).map(|(class, _)| class).collect();
        let mean = |&class: &u8| {
            let (sums, count) = (&sums[usize::from(class) * columns..][..columns], counts[usize::from(class)]);
            sums.iter().map(move |sum| (sum / f64::from(count)) as f32)
        };
        let means = Features::numbers(columns, classes.iter().flat_map(mean).collect());
        Ok(Self { means: Neighbourhood::of(means, task.products, callback)?, classes })
    }
}

impl Trained for NearestCentroid {
    fn predict(&self, features: &Features, products: Products, callback: ProgressCallback) -> Result<Vec<u8>> {
        let found = self.means.nearest(features, 1, products, callback)?;
        Ok(found.into_iter().map(|place| self.classes[place as usize]).collect())
    }
}
