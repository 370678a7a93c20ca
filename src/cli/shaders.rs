//! `gpu-fmnist shaders`

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::options::{BatchSizeOption, SetOption, models};
use super::output;
use crate::error::{Error, Result};
use crate::formats::{Language, make_folder, translate, write_own};
use crate::gemm::DeviceClass;
use crate::kernels::{Descriptor, GemmKernel, REGISTRY};
use crate::model::nearest;
use crate::network::{Options, lower};
use crate::train::Config;

/// List the kernels, or translate their shaders.
#[derive(Args)]
#[command(
    after_help = "Shaders are as their files stand, before a model's sizes are set in them; with --model they are \
                        the pipelines of its training step, as a driver gets them, in the order of their passes."
)]
#[command(mut_arg("batch_size", |argument| argument.requires("model")))]
#[command(mut_arg("set", |argument| argument.requires("model")))]
pub struct ShadersArguments {
    /// Write the shaders in this language
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    emit: Option<Target>,
    /// The folder to write them to, one file a kernel; by default text goes to stdout
    #[arg(short, long, value_name = "FOLDER", requires = "emit")]
    output: Option<PathBuf>,
    #[arg(long, help = of_step(), value_name = "NAME|FILE")]
    model: Option<PathBuf>,
    #[command(flatten)]
    set: SetOption,
    #[command(flatten)]
    batch: BatchSizeOption,
    /// The kind of adapter whose tiles they get
    #[arg(long, value_enum, default_value = "gpu", value_name = "KIND", requires = "model")]
    tiles: Class,
    /// The kernels; by default all of them
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

fn of_step() -> String {
    format!("Those of this model's training step: {}", models("a TOML file"))
}

#[derive(Clone, Copy, ValueEnum)]
enum Target {
    Wgsl,
    Spirv,
    Msl,
    Hlsl,
    Glsl,
}

#[derive(Clone, Copy, ValueEnum)]
enum Class {
    Gpu,
    Software,
    OldSoftware,
    SwiftShader,
}

/// A shader's text.
struct Shader {
    /// Its file's, without the extension.
    name: String,
    wgsl: String,
    /// Its row of the listing.
    listed: Vec<String>,
}

pub fn run(arguments: &ShadersArguments) -> Result<()> {
    let kernels = chosen(&arguments.names)?;
    let shaders = match &arguments.model {
        None => as_they_stand(&kernels),
        Some(name) => pipelines(name, arguments, &kernels)?,
    };
    let Some(target) = arguments.emit else {
        let headings: &[&str] =
            if arguments.model.is_some() { &["pipeline", "kernel", "tile"] } else { &["kernel", "what it does"] };
        let rows: Vec<Vec<String>> = shaders.into_iter().map(|shader| shader.listed).collect();
        return output::tables(&output::table(headings, &rows));
    };
    let language = match target {
        Target::Wgsl => Language::Wgsl,
        Target::Spirv => Language::Spirv,
        Target::Msl => Language::Msl,
        Target::Hlsl => Language::Hlsl,
        Target::Glsl => Language::Glsl,
    };
    if arguments.output.is_none() && language == Language::Spirv && shaders.len() > 1 {
        return Err(Error::Usage("--emit spirv: binary files of several kernels need a folder; give -o FOLDER".into()));
    }
    for Shader { name, wgsl, .. } in &shaders {
        let translated = translate(name, wgsl, language)?;
        match &arguments.output {
            Some(folder) => {
                make_folder(folder)?;
                write_own(&folder.join(format!("{name}.{}", language.extension())), &translated)?;
            }
            None => {
                if shaders.len() > 1 {
                    output::text(&format!("// {name}\n"))?;
                }
                output::bytes(&translated)?;
            }
        }
    }
    Ok(())
}

fn as_they_stand(kernels: &[&'static str]) -> Vec<Shader> {
    let rows = kernels.iter().filter_map(|name| REGISTRY.into_iter().find(|row| row.name == *name));
    let shader = |row: &'static Descriptor| Shader {
        name: row.name.to_owned(),
        wgsl: row.wgsl.to_owned(),
        listed: vec![row.name.to_owned(), row.about.to_owned()],
    };
    rows.map(shader).collect()
}

/// The pipelines of a model's training step, each with the first pass that it runs.
fn pipelines(model: &Path, arguments: &ShadersArguments, kernels: &[&'static str]) -> Result<Vec<Shader>> {
    let (model, recipe) = arguments.set.open(model)?;
    let tiles = match arguments.tiles {
        Class::Gpu => DeviceClass::Gpu,
        Class::Software => DeviceClass::Software,
        Class::OldSoftware => DeviceClass::OldSoftware,
        Class::SwiftShader => DeviceClass::SwiftShader,
    };
    let batch = arguments.batch.of(&recipe, &arguments.set)?;
    let config = Config::new(model, recipe);
    let options = Options::for_model(&config.model, batch, tiles, batch);
    let plan = lower(&config.model, config.applied_to(options))?;
    let mut known = HashSet::new();
    let mut pipelines = Vec::new();
    for (number, pass) in plan.steps.training.iter().enumerate() {
        let row = pass.kernel.descriptor();
        let wgsl = pass.kernel.text();
        if !kernels.contains(&row.name) || !known.insert(wgsl.clone()) {
            continue;
        }
        let name = format!("{number:02}.{}.{}", pass.layer, row.name);
        let product = GemmKernel::of(&*pass.kernel);
        let [kernel, tile] = product.map_or([row.name.to_owned(), String::new()], |product| {
            [product.problem().to_string(), product.config().to_string()]
        });
        pipelines.push(Shader { name: name.clone(), wgsl, listed: vec![name, kernel, tile] });
    }
    Ok(pipelines)
}

fn chosen(names: &[String]) -> Result<Vec<&'static str>> {
    let known = REGISTRY.map(|row| row.name);
    if names.is_empty() {
        return Ok(known.to_vec());
    }
    let find = |name: &String| {
        known.into_iter().find(|known| known == name).ok_or_else(|| {
            let hint = nearest(name, &known);
            Error::Usage(format!("{name}: no such kernel{hint}; there are {}", known.join(", ")))
        })
    };
    names.iter().map(find).collect()
}
