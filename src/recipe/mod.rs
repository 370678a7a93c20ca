//! How a model is trained, as its file says it: a file a section.

mod augmentation;
mod loss;
mod optimizer;
mod schedule;
mod section;
mod training;

pub use augmentation::AUGMENTATION_KEYS;
pub use loss::Loss;
pub use schedule::{Course, CourseKind, Schedule};
pub use section::Section;
pub use training::{BATCH_SIZE, Training};

use serde::{Deserialize, Serialize};

use crate::augment::Augmentation;
use crate::optimizers::Optimizer;

/// The sections of a model file that are not the model; what a file does not say has its default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    pub loss: Loss,
    pub optimizer: Optimizer,
    pub training: Training,
    pub schedule: Schedule,
    pub augmentation: Augmentation,
}

/// Every section, in the order of [`Recipe`].
pub const SECTIONS: [Section; 5] =
    [loss::SECTION, optimizer::SECTION, training::SECTION, schedule::SECTION, augmentation::SECTION];

impl Recipe {
    /// Refuses values that are none, which a file's keys alone do not tell; `input` is the model's, `[H, W, C]`.
    ///
    /// # Errors
    /// The section, and what is wrong in it with its remedy.
    pub fn check(&self, input: [usize; 3]) -> Result<(), String> {
        let section = |name: &str, problem: String| format!("[{name}]: {problem}");
        self.loss.check().map_err(|problem| section("loss", problem))?;
        self.optimizer.check().map_err(|problem| section("optimizer", problem))?;
        self.training.check(self.optimizer.averages()).map_err(|problem| section("training", problem))?;
        self.schedule.check().map_err(|problem| section("schedule", problem))?;
        self.augmentation.check(input).map_err(|problem| section("augmentation", problem))
    }

    /// Whether the averages of the weights are evaluated and exported, not the weights.
    pub fn takes_averages(&self) -> bool {
        self.training.average.unwrap_or(true) && self.optimizer.averages()
    }
}

#[cfg(test)]
mod tests {
    use toml::{Table, Value};

    use super::*;

    /// A recipe in which no key has what serde leaves out.
    fn whole() -> Recipe {
        let text = "training = { average = false }\nschedule = { boundaries = [0.5], factors = [0.1] }";
        toml::from_str(text).unwrap()
    }

    #[test]
    fn the_keys_are_serdes_own_and_all_have_defaults() {
        let sections = Table::try_from(whole()).unwrap();
        assert_eq!(sections.len(), SECTIONS.len());
        for Section { name, keys, .. } in SECTIONS {
            let Value::Table(section) = &sections[name] else { panic!("{name}") };
            let mut known: Vec<&str> = keys.iter().map(|(key, _)| *key).collect();
            known.sort_unstable();
            let mut spelled: Vec<&str> = section.keys().map(String::as_str).collect();
            spelled.sort_unstable();
            // Not every optimizer has all of them, as `optimizer.rs` tests.
            assert!(name == "optimizer" || spelled == known, "{name}: {spelled:?} {known:?}");
            for (key, value) in section {
                let (_, kind) = keys.iter().find(|(own, _)| own == key).unwrap();
                assert!(kind.allows(value), "{name}: {key} = {value}");
                let mut without = sections.clone();
                without[name].as_table_mut().unwrap().remove(key);
                // Without a type, the file's reader gives it one.
                assert_eq!(without.try_into::<Recipe>().is_ok(), key != "type" || name != "optimizer", "{name}: {key}");
            }
        }
    }

    #[test]
    fn a_recipe_is_the_same_from_toml_and_from_json() {
        let recipe = whole();
        let json = serde_json::to_value(&recipe).unwrap();
        assert_eq!(serde_json::from_value::<Recipe>(json).unwrap(), recipe);
        assert_eq!(toml::from_str::<Recipe>(&toml::to_string(&recipe).unwrap()).unwrap(), recipe);
        assert_eq!(toml::from_str::<Recipe>("").unwrap(), Recipe::default());
    }
}
