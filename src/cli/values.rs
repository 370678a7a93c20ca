//! What choices of the library are called on the command line.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::train::{Monitor, Schedule};

impl ValueEnum for Monitor {
    fn value_variants<'a>() -> &'a [Self] {
        &[Monitor::ValLoss, Monitor::ValAccuracy, Monitor::Loss, Monitor::Accuracy]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Monitor::ValLoss => "val_loss",
            Monitor::ValAccuracy => "val_accuracy",
            Monitor::Loss => "loss",
            Monitor::Accuracy => "accuracy",
        }))
    }
}

impl ValueEnum for Schedule {
    fn value_variants<'a>() -> &'a [Self] {
        &[Schedule::Constant, Schedule::Cosine]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Schedule::Constant => ("constant", "The learning rate as it is"),
            Schedule::Cosine => ("cosine", "Half a cosine, from the learning rate down to 0 after the last epoch"),
        };
        Some(PossibleValue::new(name).help(help))
    }
}
