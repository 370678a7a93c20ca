//! The list of learners, and what all of them are held to.

use super::learner::Learner;
use super::{bayes, boosting, centroid, forest, logistic, neighbours, svm, tree};

/// The only list of learners.
pub const LEARNERS: [&Learner; 8] = [
    &centroid::LEARNER,
    &bayes::LEARNER,
    &logistic::LEARNER,
    &neighbours::LEARNER,
    &tree::LEARNER,
    &forest::LEARNER,
    &svm::LEARNER,
    &boosting::LEARNER,
];

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::super::test_support::cpu;
    use super::super::{Features, Learner, Task};
    use super::*;
    use crate::data::Samples;
    use crate::error::Error;
    use crate::random::{Sequence, Stream};

    /// Rows of a middle brightness that tells the class, noise, and what is always the same; as pixels and as numbers.
    fn features(labels: &[u8], step: u8) -> [Features; 2] {
        let mut random = Sequence::new(7, Stream::Cases, 0);
        let mut row =
            |&label: &u8| [label * step + random.below(u32::from(step / 2).max(1)) as u8, random.below(9) as u8, 77];
        let images: Vec<u8> = labels.iter().flat_map(&mut row).collect();
        let numbers = images.iter().map(|&pixel| f32::from(pixel) / 16.0 - 3.0).collect();
        let samples = Samples { images, labels: labels.to_vec(), shape: [1, 3, 1] };
        let all: Vec<u32> = (0..labels.len() as u32).collect();
        [Features::pixels(&samples, &all), Features::numbers(3, numbers)]
    }

    /// What a learner makes of other rows after it has learnt some.
    fn learnt(learner: &Learner, labels: [&[u8]; 2], classes: usize, step: u8, kind: usize) -> Vec<u8> {
        let [train, test] = labels.map(|labels| features(labels, step)[kind].clone());
        let task = Task { features: &train, labels: labels[0], classes, seed: 1, products: cpu() };
        let callback = &mut |part: f64| {
            assert!((0.0..=1.0).contains(&part), "{}: {part} of the work", learner.name);
            ControlFlow::Continue(())
        };
        let trained = (learner.train)(&task, callback).unwrap();
        trained.predict(&test, cpu(), callback).unwrap()
    }

    #[test]
    fn each_learns_what_can_be_told_though_a_class_has_no_sample() {
        let train: Vec<u8> = (0..90).map(|row| if row % 3 == 0 { 2 } else { 0 }).collect();
        let test = [2, 0, 0, 2, 2, 0, 2];
        for learner in LEARNERS {
            for kind in 0..2 {
                let found = learnt(learner, [&train, &test], 3, 80, kind);
                assert_eq!(found, test, "{}", learner.name);
            }
        }
    }

    #[test]
    fn each_learns_one_class_and_two_samples() {
        for learner in LEARNERS {
            for kind in 0..2 {
                assert_eq!(learnt(learner, [&[1, 1, 1], &[0, 1]], 2, 80, kind), [1, 1], "{}", learner.name);
                assert_eq!(learnt(learner, [&[0], &[0]], 1, 80, kind), [0], "{}", learner.name);
                let found = learnt(learner, [&[0, 2], &[0, 2, 0]], 3, 80, kind);
                assert!(found.len() == 3 && !found.contains(&1), "{}: {found:?}", learner.name);
            }
        }
    }

    #[test]
    fn each_learns_as_many_classes_as_a_byte_can_tell() {
        let labels: Vec<u8> = (0..=255).chain(0..=255).collect();
        for learner in LEARNERS {
            let found = learnt(learner, [&labels, &labels], 256, 1, 0);
            let correct = found.iter().zip(&labels).filter(|(found, label)| found == label).count();
            assert!(correct > 2, "{}: {correct} of {}", learner.name, labels.len());
        }
    }

    #[test]
    fn each_that_checks_its_task_refuses_what_it_cannot_learn() {
        let numbers = Features::numbers(2, vec![1.0, 2.0, 3.0, f32::NAN]);
        let task = |labels, classes| Task { features: &numbers, labels, classes, seed: 0, products: cpu() };
        for (labels, classes, words) in
            [(&[0, 1][..], 2, "column 1 of sample 1"), (&[0, 7], 7, "class 7"), (&[], 2, "0 labels")]
        {
            let error = task(labels, classes).check().unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_callback_ends_the_training() {
        let labels: Vec<u8> = (0..60).map(|row| row % 3).collect();
        let [features, _] = features(&labels, 80);
        let task = Task { features: &features, labels: &labels, classes: 3, seed: 1, products: cpu() };
        for learner in LEARNERS.iter().filter(|learner| !["centroid", "knn"].contains(&learner.name)) {
            let trained = (learner.train)(&task, &mut |_| ControlFlow::Break(()));
            assert!(matches!(trained, Err(Error::Interrupted(_))), "{}", learner.name);
        }
    }
}
