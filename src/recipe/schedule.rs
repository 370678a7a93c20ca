//! How the learning rate goes from step to step, by fractions of all steps.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::layers::{Key, Kind};

/// The section `[schedule]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Schedule {
    /// What the course's parts are of.
    pub learning_rate: f64,
    #[serde(flatten)]
    pub course: Course,
}

/// Which part of the learning rate each step has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Course {
    #[serde(rename = "type")]
    pub kind: CourseKind,
    /// The fraction of all steps in which the learning rate grows from 0, ahead of what the kind says.
    pub warm_up: f64,
    /// The last part; of `triangular` and `cosine`.
    #[serde(rename = "final")]
    pub last: f64,
    /// Fractions of all steps, in ascending order; of `steps`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub boundaries: Vec<f64>,
    /// The part from each of the boundaries on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub factors: Vec<f64>,
}

/// What follows the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CourseKind {
    #[default]
    Constant,
    /// A straight line down.
    Triangular,
    /// Half a cosine down.
    Cosine,
    /// Constant between boundaries.
    Steps,
}

pub(super) const KEYS: [Key; 6] = [
    ("type", Kind::Choice(&["constant", "triangular", "cosine", "steps"])),
    ("learning_rate", Kind::Number),
    ("warm_up", Kind::Rate),
    ("final", Kind::Number),
    ("boundaries", Kind::Numbers),
    ("factors", Kind::Numbers),
];

impl Default for Schedule {
    fn default() -> Self {
        Self { learning_rate: 1e-3, course: Course::default() }
    }
}

impl Schedule {
    /// # Errors
    /// Where a value is none, or is of another kind of schedule.
    pub fn check(&self) -> Result<(), String> {
        let rate = self.learning_rate;
        if !(rate.is_finite() && rate > 0.0) {
            return Err(format!("learning_rate is {rate}; give a positive number such as 1e-3"));
        }
        self.course.check()
    }
}

impl Course {
    /// The part of the learning rate that step `step` has, from 0, of `steps` in all. What is no exact arithmetic is
    /// `libm`'s, which is the same on every platform.
    pub fn part(&self, step: u64, steps: u64) -> f64 {
        let (number, all) = ((step + 1) as f64, steps as f64);
        let warm_up = self.warm_up * all;
        if number < warm_up {
            return number / warm_up;
        }
        let done = ((number - warm_up) / (all - warm_up)).min(1.0);
        match self.kind {
            CourseKind::Constant => 1.0,
            CourseKind::Triangular => self.last + (1.0 - self.last) * (1.0 - done),
            CourseKind::Cosine => self.last + (1.0 - self.last) * (1.0 + libm::cos(PI * done)) / 2.0,
            CourseKind::Steps => {
                // Divided, not multiplied: 0.55 is what 55 / 100 is, but 0.55 * 100 is more than 55.
                let passed = self.boundaries.iter().filter(|boundary| step as f64 / all >= **boundary).count();
                passed.checked_sub(1).map_or(1.0, |last| self.factors[last])
            }
        }
    }

    /// # Errors
    /// See [`Schedule::check`].
    pub fn check(&self) -> Result<(), String> {
        let Self { kind, warm_up, last, boundaries, factors } = self;
        if !(0.0..1.0).contains(warm_up) {
            return Err(format!("warm_up is {warm_up}; give a fraction of all steps, from 0 to below 1"));
        }
        if !(0.0..=1.0).contains(last) {
            return Err(format!("final is {last}; give a fraction of the learning rate, from 0 to 1"));
        }
        let falls = matches!(kind, CourseKind::Triangular | CourseKind::Cosine);
        if *last != 0.0 && !falls {
            let kind = kind.name();
            return Err(format!("final is {last}, but type \"{kind}\" has no end of its own; give another type, or 0"));
        }
        match kind {
            CourseKind::Steps => check_steps(boundaries, factors),
            _ if boundaries.is_empty() && factors.is_empty() => Ok(()),
            _ => {
                Err(format!("boundaries and factors are of type \"steps\", not \"{}\"; give [] for both", kind.name()))
            }
        }
    }
}

fn check_steps(boundaries: &[f64], factors: &[f64]) -> Result<(), String> {
    let [some, others] = [boundaries.len(), factors.len()];
    if some == 0 || some != others {
        return Err(format!("{some} boundaries and {others} factors; give some boundaries and as many factors"));
    }
    let ascend = boundaries.windows(2).all(|pair| pair[0] < pair[1]);
    if !ascend || !boundaries.iter().all(|boundary| (0.0..1.0).contains(boundary)) {
        return Err(format!("boundaries are {boundaries:?}; give ascending fractions of all steps, from 0 to below 1"));
    }
    match factors.iter().find(|factor| !(factor.is_finite() && **factor >= 0.0)) {
        Some(factor) => Err(format!("a factor is {factor}; give numbers from 0 on")),
        None => Ok(()),
    }
}

impl CourseKind {
    /// As files spell it.
    pub fn name(self) -> &'static str {
        match self {
            CourseKind::Constant => "constant",
            CourseKind::Triangular => "triangular",
            CourseKind::Cosine => "cosine",
            CourseKind::Steps => "steps",
        }
    }
}
