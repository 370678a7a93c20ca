//! The options of Keras' two callbacks that steer a training: EarlyStopping and ReduceLROnPlateau.

use clap::{ArgGroup, Args};

use crate::train::{EarlyStopping, Monitor, ReduceLrOnPlateau};

/// Each default is Keras'.
#[derive(Args)]
#[command(next_help_heading = "Callbacks, as in Keras", group = ArgGroup::new("callbacks").multiple(true))]
pub struct CallbackOptions {
    /// End the training once it no longer improves
    #[arg(long, groups = ["callbacks", "patient"])]
    early_stopping: bool,
    /// Epochs without an improvement after which it ends; more of them let --resume go on with a run that ended so
    /// [default: 0]
    #[arg(long, value_name = "EPOCHS", requires = "patient")]
    pub patience: Option<usize>,
    /// An improvement is more than this
    #[arg(long, default_value_t = 0.0, value_name = "DELTA", requires = "early_stopping", allow_hyphen_values = true)]
    min_delta: f64,
    /// Only an epoch better than this, too, makes patience begin again
    #[arg(long, value_name = "VALUE", requires = "early_stopping", allow_hyphen_values = true)]
    baseline: Option<f64>,
    /// Epochs at the beginning that do not count
    #[arg(long, default_value_t = 0, value_name = "EPOCHS", requires = "early_stopping")]
    start_from_epoch: usize,
    /// End with the weights of the best epoch; --resume goes on from the last one's all the same
    #[arg(long, requires = "early_stopping")]
    restore_best_weights: bool,
    /// Make the learning rate smaller once the training no longer improves
    #[arg(long, group = "callbacks")]
    reduce_lr_on_plateau: bool,
    /// What the learning rate is multiplied by
    #[arg(
        long,
        default_value_t = 0.1,
        value_name = "FACTOR",
        requires = "reduce_lr_on_plateau",
        allow_hyphen_values = true
    )]
    plateau_factor: f64,
    /// Epochs without an improvement after which it is
    #[arg(long, default_value_t = 10, value_name = "EPOCHS", requires = "reduce_lr_on_plateau")]
    plateau_patience: usize,
    /// An improvement is more than this
    #[arg(
        long,
        default_value_t = 1e-4,
        value_name = "DELTA",
        requires = "reduce_lr_on_plateau",
        allow_hyphen_values = true
    )]
    plateau_min_delta: f64,
    /// Epochs after a reduction that do not count
    #[arg(long, default_value_t = 0, value_name = "EPOCHS", requires = "reduce_lr_on_plateau")]
    plateau_cooldown: usize,
    /// The smallest learning rate
    #[arg(
        long,
        default_value_t = 0.0,
        value_name = "RATE",
        requires = "reduce_lr_on_plateau",
        allow_hyphen_values = true
    )]
    plateau_min_lr: f64,
    /// What both of them watch
    #[arg(long, value_enum, default_value_t = Monitor::ValLoss, requires = "callbacks")]
    pub monitor: Monitor,
}

impl CallbackOptions {
    pub fn early_stopping(&self) -> Option<EarlyStopping> {
        self.early_stopping.then(|| EarlyStopping {
            min_delta: self.min_delta,
            patience: self.patience.unwrap_or(0),
            baseline: self.baseline,
            start_from_epoch: self.start_from_epoch,
            restore_best_weights: self.restore_best_weights,
        })
    }

    pub fn reduce_lr_on_plateau(&self) -> Option<ReduceLrOnPlateau> {
        self.reduce_lr_on_plateau.then_some(ReduceLrOnPlateau {
            factor: self.plateau_factor,
            patience: self.plateau_patience,
            min_delta: self.plateau_min_delta,
            cooldown: self.plateau_cooldown,
            min_lr: self.plateau_min_lr,
        })
    }
}
