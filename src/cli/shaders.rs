//! `gpu-fmnist shaders`

use std::fs;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::output;
use crate::error::{Error, Result};
use crate::formats::{Language, translate, write_whole};
use crate::kernels::{Row, TABLE};
use crate::model::nearest;

/// List the kernels, or translate their shaders.
#[derive(Args)]
#[command(after_help = "Shaders are translated as the files stand, before a model's sizes are set in them.")]
pub struct ShadersArguments {
    /// Write the shaders in this language
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    emit: Option<Target>,
    /// The folder to write them to, one file a kernel; by default text goes to stdout
    #[arg(short, long, value_name = "FOLDER", requires = "emit")]
    output: Option<PathBuf>,
    /// The kernels; by default all of them
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Target {
    Wgsl,
    Spirv,
    Msl,
    Hlsl,
    Glsl,
}

pub fn run(arguments: &ShadersArguments) -> Result<()> {
    let rows = chosen(&arguments.names)?;
    let Some(target) = arguments.emit else {
        let lines: Vec<Vec<String>> = rows.iter().map(|row| vec![row.name.to_owned(), row.about.to_owned()]).collect();
        return output::text(&output::table(&["kernel", "what it does"], &lines));
    };
    let language = match target {
        Target::Wgsl => Language::Wgsl,
        Target::Spirv => Language::Spirv,
        Target::Msl => Language::Msl,
        Target::Hlsl => Language::Hlsl,
        Target::Glsl => Language::Glsl,
    };
    if arguments.output.is_none() && language == Language::Spirv && rows.len() > 1 {
        return Err(Error::Usage("--emit spirv: binary files of several kernels need a folder; give -o FOLDER".into()));
    }
    for row in &rows {
        let translated = translate(row.name, row.wgsl, language)?;
        match &arguments.output {
            Some(folder) => {
                fs::create_dir_all(folder).map_err(|error| {
                    Error::Failed(format!("{}: cannot be made ({error}); give another -o", folder.display()))
                })?;
                write_whole(&folder.join(format!("{}.{}", row.name, language.extension())), &translated)?;
            }
            None => {
                if rows.len() > 1 {
                    output::text(&format!("// {}\n", row.name))?;
                }
                output::bytes(&translated)?;
            }
        }
    }
    Ok(())
}

fn chosen(names: &[String]) -> Result<Vec<&'static Row>> {
    if names.is_empty() {
        return Ok(TABLE.to_vec());
    }
    let known = TABLE.map(|row| row.name);
    let find = |name: &String| {
        TABLE.into_iter().find(|row| row.name == name).ok_or_else(|| {
            let hint = nearest(name, &known);
            Error::Usage(format!("{name}: no such kernel{hint}; there are {}", known.join(", ")))
        })
    };
    names.iter().map(find).collect()
}
