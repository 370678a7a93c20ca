//! How the learning rate of a run goes from step to step.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::recipe::{Course, CourseKind};

/// What the learning rate follows: Keras' two, whose warm-up the configuration counts in epochs, or a model file's
/// course.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// The learning rate as it is.
    Constant,
    /// Half a cosine, from the learning rate down to 0 after the last epoch.
    Cosine,
    /// What a model file says, its warm-up included.
    #[serde(untagged)]
    Course(Course),
}

impl From<Course> for Schedule {
    /// What is constant from the first step on has one form.
    fn from(course: Course) -> Self {
        if course == Course::default() { Self::Constant } else { Self::Course(course) }
    }
}

impl Schedule {
    /// As messages call it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Constant => CourseKind::Constant.name(),
            Self::Cosine => CourseKind::Cosine.name(),
            Self::Course(course) => course.kind.name(),
        }
    }

    /// The part of the learning rate that the step has, of `steps` in all; the first step is 0.
    ///
    /// A model file's course: see [`Course::part`]. Else for `warm_up` steps the part is `step / warm_up`. Then it is 1, or for the cosine
    /// `(1 + cos(pi * (step - warm_up) / (steps - warm_up))) / 2`: Keras' `CosineDecay` with `initial_learning_rate` 0,
    /// `warmup_target` the learning rate and `warmup_steps`; from Loshchilov and Hutter, "SGDR: Stochastic Gradient
    /// Descent with Warm Restarts" (2017), equation 5, without restarts.
    pub fn part(&self, step: u64, warm_up: u64, steps: u64) -> f64 {
        if let Self::Course(course) = self {
            return course.part(step, steps);
        }
        if step < warm_up {
            return step as f64 / warm_up as f64;
        }
        if *self == Self::Constant {
            return 1.0;
        }
        let (done, all) = (step - warm_up, steps.saturating_sub(warm_up).max(1));
        0.5 * (1.0 + (PI * done.min(all) as f64 / all as f64).cos())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: serde_json::Value) -> Schedule {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_older_checkpoints_say_means_what_it_did() {
        assert_eq!([read(json!("constant")), read(json!("cosine"))], [Schedule::Constant, Schedule::Cosine]);
        assert!(serde_json::from_value::<Schedule>(json!("triangular")).is_err());
        for schedule in [Schedule::Constant, Schedule::Cosine] {
            assert_eq!(serde_json::to_value(&schedule).unwrap(), json!(schedule.name()));
        }
        // From 0, and the cosine's first step is the whole rate: another one than a model file's.
        let parts = |schedule: Schedule, warm_up| [0, 1, 2, 3].map(|step| schedule.part(step, warm_up, 4));
        assert_eq!(parts(Schedule::Constant, 2), [0.0, 0.5, 1.0, 1.0]);
        assert_eq!(parts(Schedule::Cosine, 2), [0.0, 0.5, 1.0, 0.5]);
        let half = (PI / 4.0).cos();
        assert_eq!(parts(Schedule::Cosine, 0)[..2], [1.0, 0.5 * (1.0 + half)]);
    }

    #[test]
    fn a_model_files_course_comes_back() {
        let course = read(json!({ "type": "triangular", "warm_up": 0.2, "final": 0.05 }));
        assert_eq!(course.name(), "triangular");
        assert_eq!(read(serde_json::to_value(&course).unwrap()), course);
        assert_eq!(Schedule::from(Course::default()), Schedule::Constant);
        assert!((course.part(9, 0, 10) - 0.05).abs() < 1e-15);
    }
}
