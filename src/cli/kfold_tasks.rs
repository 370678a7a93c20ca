//! The folds of a cross-validation as the tasks of a sweep.

use std::collections::BTreeMap;

use toml::Value;

use super::console::Console;
use super::engine::{Engine, Work};
use super::kfold::{self, KfoldArguments};
use super::{collect, dataset, names, space_tasks, sweep};
use crate::error::Result;
use crate::sweep::{Manifest, Parameter, Task, Values};
use crate::train::{Fold, Monitor};

/// Writes the manifest and has its tasks done; says what they came to where they are done here.
pub fn run(arguments: &KfoldArguments, engine: Engine) -> Result<()> {
    let mut console = arguments.quiet.console();
    let manifest = manifest(arguments, &mut console)?;
    let name = manifest.name.clone();
    let manifest = manifest.write(&sweep::folder(arguments.run_dir.as_deref(), &name)?)?;
    let adapters = arguments.adapter.name().split(',').map(str::to_owned).collect();
    let (data_dir, options) = (None, &arguments.engine_options);
    Work { manifest: &manifest, adapters, data_dir, options }.done_by(engine, &mut console)?;
    match engine {
        Engine::Local => collect::told(&manifest, manifest.folder(), arguments.json.is_given(), &mut console),
        Engine::Slurm | Engine::Print => Ok(()),
    }
}

fn manifest(arguments: &KfoldArguments, console: &mut Console) -> Result<Manifest> {
    let config = kfold::asked(arguments)?;
    let given_names = arguments.names.given(config.model.classes())?;
    let dataset = dataset::open(arguments.data.path(), &config.model, console)?;
    let config = kfold::fitted(arguments, config, dataset.train.len(), console)?;
    config.split(dataset.train.len())?;
    names::known(given_names.unwrap_or_default(), config.model.classes(), |classes| dataset.class_names(classes))?;
    let words = [Some("--no-report".to_owned()), Some(arguments.tiles.word()), arguments.names.word()?];
    let words: Vec<String> = words.into_iter().flatten().collect();
    let folds = config.fold.map_or(0, |fold| fold.folds);
    let data_dir = space_tasks::recorded(&dataset)?;
    let task = |number: usize| Task {
        values: BTreeMap::from([("fold".to_owned(), Value::Integer(number as i64 + 1))]),
        arguments: words.clone(),
        data_dir: data_dir.clone(),
        data: dataset::hashes(&dataset),
        config: space_tasks::of_fold(config.clone(), Fold { number, folds }),
    };
    let name = format!("{}-kfold", config.model.name);
    let values = Values::Values((1..=folds as i64).map(Value::Integer).collect());
    let parameters = vec![Parameter { name: "fold".into(), values }];
    Ok(Manifest::new(name, Monitor::ValAccuracy, None, parameters, (0..folds).map(task).collect()))
}
