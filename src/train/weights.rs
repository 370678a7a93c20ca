//! Between the device's buffers and a checkpoint's tensors: of each variable its values, and what the optimizer keeps
//! of it.

use std::path::Path;

use super::Engine;
use crate::error::{Error, Result};
use crate::formats::Tensor;
use crate::network::TrainingPlan;
use crate::optimizers::{State, StateInitial};
use crate::plan::{Place, Variable};

/// The numbers of a [`Part`]'s tensors, in its order.
pub type Values = Vec<Vec<f32>>;

/// What a checkpoint has of the variables under names with the same ending: their values, or one of the optimizer's
/// states.
pub struct Part {
    /// What follows the variables' names: nothing, a state's name, `.best`.
    suffix: String,
    places: Vec<Place>,
    variables: Vec<Variable>,
}

impl Part {
    /// The variables' values.
    pub fn values(plan: &TrainingPlan) -> Self {
        let variables = plan.variables.clone();
        Self { suffix: String::new(), places: variables.iter().map(|variable| variable.values).collect(), variables }
    }

    /// The values, then each state of the optimizer.
    pub fn all(plan: &TrainingPlan) -> Vec<Self> {
        let trained = plan.variables.iter().filter(|variable| variable.is_trainable());
        let variables: Vec<Variable> = trained.cloned().collect();
        let states = plan.optimizer.states().into_iter().enumerate();
        let part = |(number, state): (usize, State)| {
            let trainings = variables.iter().filter_map(|variable| variable.training.as_ref());
            let places = trainings.map(|training| training.states[number]).collect();
            Self { suffix: format!(".{}", state.name), places, variables: variables.clone() }
        };
        [Self::values(plan)].into_iter().chain(states.map(part)).collect()
    }

    /// The values, and what begins as they are: their averages.
    pub fn evaluated(plan: &TrainingPlan) -> Vec<Self> {
        let states = Self::all(plan).split_off(1).into_iter().zip(plan.optimizer.states());
        let averages = states.filter(|(_, state)| state.initial == StateInitial::Values);
        [Self::values(plan)].into_iter().chain(averages.map(|(part, _)| part)).collect()
    }

    /// The same under names with another ending.
    pub fn named(self, suffix: &str) -> Self {
        Self { suffix: suffix.to_owned(), ..self }
    }

    /// The same under names with one more ending.
    pub fn ending_in(self, suffix: &str) -> Self {
        Self { suffix: self.suffix + suffix, ..self }
    }

    /// Reads it from the device.
    ///
    /// # Errors
    /// [`Error::Diverged`] where a number is not finite: such weights are good for nothing and must not replace others.
    pub fn read(&self, engine: &mut Engine) -> Result<Values> {
        let all = engine.get_all(&self.places)?;
        for (values, Variable { layer, .. }) in all.iter().zip(&self.variables) {
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                let problem = format!("a weight{} of {layer} is {value} after step {}", self.suffix, engine.iterations);
                return Err(Error::Diverged(format!("{problem}; try a smaller `learning_rate`")));
            }
        }
        Ok(all)
    }

    /// Writes it to the device.
    ///
    /// # Errors
    /// See [`Engine::put`].
    pub fn write(&self, engine: &mut Engine, values: &Values) -> Result<()> {
        self.places.iter().zip(values).try_for_each(|(place, values)| engine.put(*place, values))
    }

    /// Writes the first ones of these values to the device; gives the others.
    ///
    /// # Errors
    /// See [`Engine::put`].
    pub fn put<'v>(&self, engine: &mut Engine, values: &'v [f32]) -> Result<&'v [f32]> {
        let mut rest = values;
        for place in &self.places {
            let (own, later) = rest.split_at(place.words);
            engine.put(*place, own)?;
            rest = later;
        }
        Ok(rest)
    }

    /// It as tensors.
    pub fn tensors(&self, values: Values) -> Vec<Tensor> {
        let tensor = |(variable, values): (&Variable, Vec<f32>)| {
            let name = variable.name() + &self.suffix;
            Tensor { name, shape: variable.shape.clone(), values }
        };
        self.variables.iter().zip(values).map(tensor).collect()
    }

    /// It among tensors; `path` is where they were read from, for messages.
    ///
    /// # Errors
    /// [`Error::Data`] naming the first tensor that is missing or of another shape.
    pub fn find(&self, tensors: &[Tensor], path: &Path) -> Result<Values> {
        let find = |variable: &Variable| {
            let values = Tensor::find(tensors, &(variable.name() + &self.suffix), &variable.shape);
            values.map(<[f32]>::to_vec).map_err(|problem| not_this_model(path, problem))
        };
        self.variables.iter().map(find).collect()
    }
}

/// Variables and what the optimizer keeps of them, as tensors.
///
/// # Errors
/// See [`Part::read`].
pub fn take(engine: &mut Engine) -> Result<Vec<Tensor>> {
    let mut taken = Vec::new();
    for part in Part::all(engine.plan()) {
        taken.extend(part.tensors(part.read(engine)?));
    }
    Ok(taken)
}

/// Puts variables that were read from `path` into the engine, and what the optimizer keeps of them where `states`; or it
/// begins with them.
///
/// # Errors
/// [`Error::Data`] naming the first tensor that is missing, of another shape, or in no layer of the model.
pub fn put(engine: &mut Engine, tensors: &[Tensor], path: &Path, states: bool) -> Result<()> {
    let plan = engine.plan();
    let of_weights = || Part::evaluated(plan).into_iter().map(|part| part.named("")).collect();
    let parts: Vec<Part> = if states { Part::all(plan) } else { of_weights() };
    let found: Vec<Values> = parts.iter().map(|part| part.find(tensors, path)).collect::<Result<_>>()?;
    let known = |name: &str| plan.variables.iter().any(|variable| name.split('.').next() == Some(&variable.layer));
    if let Some(tensor) = tensors.iter().find(|tensor| !known(&tensor.name)) {
        return Err(not_this_model(path, format!("has a tensor {}, the model has no such layer", tensor.name)));
    }
    parts.iter().zip(&found).try_for_each(|(part, values)| part.write(engine, values))
}

fn not_this_model(path: &Path, problem: String) -> Error {
    let path = path.display();
    Error::Data(format!("{path}: {problem}; give a checkpoint of the same model, or the `model` it is of"))
}
