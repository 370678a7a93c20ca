//! How the learning rate goes from step to step, by fractions of all steps.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::Section;
use crate::layers::Kind;

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

pub(super) const SECTION: Section = Section {
    name: "schedule",
    keys: &[
        ("type", Kind::Choice(&["constant", "triangular", "cosine", "steps"])),
        ("learning_rate", Kind::Number),
        ("warm_up", Kind::Rate),
        ("final", Kind::Number),
        ("boundaries", Kind::Numbers),
        ("factors", Kind::Numbers),
    ],
    types: &[
        ("constant", &[]),
        ("triangular", &["final"]),
        ("cosine", &["final"]),
        ("steps", &["boundaries", "factors"]),
    ],
};

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
        if *kind == CourseKind::Steps { check_steps(boundaries, factors) } else { Ok(()) }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn course(text: &str) -> Course {
        let course: Course = toml::from_str(text).unwrap();
        course.check().unwrap();
        course
    }

    #[track_caller]
    fn follows(text: &str, steps: u64, expected: &[f64]) {
        let course = course(text);
        for (step, expected) in (0..).zip(expected) {
            let part = course.part(step, steps);
            assert!((part - expected).abs() < 1e-12, "{text}, step {step} of {steps}: {part}, not {expected}");
        }
    }

    /// By hand: of ten steps two warm up, so that the first has half and the second is the first of the eight that follow.
    #[test]
    fn each_kind_is_what_its_formula_says() {
        follows("", 3, &[1.0, 1.0, 1.0]);
        follows("warm_up = 0.4", 10, &[0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
        follows("type = 'triangular'", 4, &[0.75, 0.5, 0.25, 0.0]);
        let triangle = [0.5, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2];
        follows("type = 'triangular'\nwarm_up = 0.2\nfinal = 0.2", 10, &triangle);
        let half = (0.5_f64).sqrt();
        follows("type = 'cosine'", 4, &[(1.0 + half) / 2.0, 0.5, (1.0 - half) / 2.0, 0.0]);
        // Of five steps 1.5 warm up: the first has 1 / 1.5, the second is 1 / 7 of the way.
        let after = |done: f64| 0.1 + 0.9 * (1.0 + (PI * done).cos()) / 2.0;
        let cosine = [1.0 / 1.5, after(1.0 / 7.0), after(3.0 / 7.0), after(5.0 / 7.0), 0.1];
        follows("type = 'cosine'\nwarm_up = 0.3\nfinal = 0.1", 5, &cosine);
        let steps = "type = 'steps'\nboundaries = [0.5, 0.75]\nfactors = [0.5, 0.125]";
        follows(steps, 4, &[1.0, 1.0, 0.5, 0.125]);
        follows(steps, 5, &[1.0, 1.0, 1.0, 0.5, 0.125]);
        follows(&format!("{steps}\nwarm_up = 0.8"), 4, &[1.0 / 3.2, 2.0 / 3.2, 3.0 / 3.2, 0.125]);
    }

    /// 0.55 * 100 is more than 55.
    #[test]
    fn a_boundary_is_passed_at_its_very_step() {
        for percent in 1..100_u64 {
            let course = course(&format!("type = 'steps'\nboundaries = [{}]\nfactors = [0.5]", percent as f64 / 100.0));
            assert_eq!([course.part(percent - 1, 100), course.part(percent, 100)], [1.0, 0.5], "{percent} %");
        }
    }

    #[test]
    fn a_schedule_rises_to_its_height_and_falls_to_its_end() {
        for kind in ["triangular", "cosine"] {
            for (warm_up, last) in [(0.0, 0.0), (0.1, 0.05), (0.25, 0.5), (0.999, 0.0), (0.3, 1.0)] {
                for steps in [1, 2, 7, 100, 4690] {
                    let course = course(&format!("type = '{kind}'\nwarm_up = {warm_up}\nfinal = {last}"));
                    let parts: Vec<f64> = (0..steps).map(|step| course.part(step, steps)).collect();
                    let top = parts.iter().position(|part| *part == parts.iter().copied().fold(0.0, f64::max)).unwrap();
                    let what = format!("{kind}, {warm_up}, {last}, {steps}: {parts:?}");
                    assert!(parts[..top].is_sorted() && parts[top..].is_sorted_by(|one, other| one >= other), "{what}");
                    assert!(parts.iter().all(|part| (last..=1.0).contains(part) || *part > 0.0), "{what}");
                    assert!((parts[parts.len() - 1] - last).abs() < 1e-12, "{what}");
                }
                // A run that goes on beyond its steps stays at the end.
                let course = course(&format!("type = '{kind}'\nwarm_up = {warm_up}\nfinal = {last}"));
                assert!((course.part(1000, 10) - last).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        let problem = |text: &str| toml::from_str::<Schedule>(text).unwrap().check().unwrap_err();
        for (text, part) in [
            ("learning_rate = 0", "learning_rate is 0; give a positive number"),
            ("learning_rate = nan", "learning_rate is NaN; give"),
            ("learning_rate = inf", "learning_rate is inf; give"),
            ("warm_up = 1", "warm_up is 1; give a fraction of all steps, from 0 to below 1"),
            ("warm_up = -0.1", "warm_up is -0.1; give"),
            ("type = 'cosine'\nfinal = 1.5", "final is 1.5; give a fraction of the learning rate, from 0 to 1"),
            ("type = 'steps'", "0 boundaries and 0 factors; give"),
            ("type = 'steps'\nboundaries = [0.5]", "1 boundaries and 0 factors; give"),
            ("type = 'steps'\nboundaries = [0.5, 0.5]\nfactors = [1, 2]", "boundaries are [0.5, 0.5]; give ascending"),
            ("type = 'steps'\nboundaries = [1]\nfactors = [1]", "boundaries are [1.0]; give ascending"),
            ("type = 'steps'\nboundaries = [nan]\nfactors = [1]", "boundaries are [NaN]; give ascending"),
            ("type = 'steps'\nboundaries = [0.5]\nfactors = [-1]", "a factor is -1; give numbers from 0 on"),
        ] {
            assert!(problem(text).contains(part), "{text}: {}", problem(text));
        }
    }
}
