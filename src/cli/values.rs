//! What choices of the library are called on the command line.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::train::{Monitor, Schedule};

impl ValueEnum for Monitor {
    fn value_variants<'a>() -> &'a [Self] {
        &[Monitor::ValLoss, Monitor::ValAccuracy, Monitor::Loss, Monitor::Accuracy]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

impl ValueEnum for Schedule {
    fn value_variants<'a>() -> &'a [Self] {
        &[Schedule::Constant, Schedule::Cosine]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Schedule::Constant => "The learning rate as it is",
            Schedule::Cosine => "Half a cosine, from the learning rate down to 0 after the last epoch",
            Schedule::Course(_) => return None,
        };
        Some(PossibleValue::new(self.name()).help(help))
    }
}
