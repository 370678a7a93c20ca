//! `gpu-fmnist completions`

use clap::{Args, Command};
use clap_complete::Shell;

use super::output;
use crate::error::Result;

/// Print a completion script for a shell.
#[derive(Args)]
#[command(after_help = "Example: gpu-fmnist completions bash > ~/.local/share/bash-completion/completions/gpu-fmnist")]
pub struct CompletionsArguments {
    shell: Shell,
}

/// The script for `program`.
pub fn run(arguments: &CompletionsArguments, program: &mut Command) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, program, "gpu-fmnist", &mut script);
    output::bytes(&script)
}
