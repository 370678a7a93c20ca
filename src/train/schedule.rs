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
