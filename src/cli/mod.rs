//! The command line: a file a subcommand. Arguments are parsed without effect, then checked, then run.

mod accuracy;
mod accuracy_report;
mod augment;
mod augmented_grid;
mod bar;
mod baseline;
mod baseline_table;
mod bench;
mod bench_report;
mod callbacks;
mod collect;
mod collect_figures;
mod collect_table;
mod completions;
mod console;
mod data;
mod data_grid;
mod dataset;
mod device;
mod devices;
mod engine;
mod evaluate;
mod exit_codes;
mod export;
mod export_events;
mod flags;
mod follow;
mod interrupt;
mod judgement;
mod kfold;
mod kfold_outcome;
mod kfold_tasks;
mod modelled;
mod names;
mod options;
mod output;
mod pictures;
mod plot;
mod predict;
mod prepared;
mod profile;
mod profile_report;
mod progress;
mod ranks;
mod recipe;
mod record;
mod recorder;
mod reduce;
mod report;
mod run;
mod selftest;
mod setup;
mod shaders;
mod space_tasks;
mod split;
mod start;
mod summary;
mod survey;
mod sweep;
mod task;
mod threads;
mod tiling;
mod track;
mod train;
mod train_arguments;
mod trained;
mod tune;
mod values;
mod watch;
mod watch_curves;
mod watch_lines;
mod watch_screen;
mod watch_view;
mod watched;

pub use collect::collected;
pub use space_tasks::Tasks;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use exit_codes::EXIT_CODES;

use crate::error::Result;

/// Trains convolutional networks on Fashion-MNIST with WGSL compute shaders, on any GPU that wgpu reaches.
#[derive(Parser)]
#[command(version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Train(Box<train_arguments::TrainArguments>),
    Evaluate(evaluate::EvaluateArguments),
    Watch(watch::WatchArguments),
    Kfold(kfold::KfoldArguments),
    #[command(subcommand)]
    Sweep(sweep::SweepCommand),
    Task(task::TaskArguments),
    Collect(collect::CollectArguments),
    Predict(predict::PredictArguments),
    Report(report::ReportArguments),
    Plot(plot::PlotArguments),
    Baseline(Box<baseline::BaselineArguments>),
    Reduce(reduce::ReduceArguments),
    Track(track::TrackArguments),
    Export(export::ExportArguments),
    Summary(summary::SummaryArguments),
    Devices(devices::DevicesArguments),
    Selftest(selftest::SelftestArguments),
    Bench(bench::BenchArguments),
    Profile(profile::ProfileArguments),
    Tune(tune::TuneArguments),
    Survey(survey::SurveyArguments),
    #[command(subcommand)]
    Data(data::DataCommand),
    Shaders(shaders::ShadersArguments),
    Completions(completions::CompletionsArguments),
}

/// Runs the process' command line; the whole of `main`.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // A mistake goes to stderr; where that is closed, nobody reads.
        Err(mistake) if mistake.use_stderr() => {
            drop(mistake.print());
            return ExitCode::from(mistake.exit_code() as u8);
        }
        Err(help) => return ended(output::printed(help.print())),
    };
    ended(threads::with_threads(|| run(&arguments.command)))
}

/// The exit code, after a line about what went wrong.
fn ended(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::tell("", &error);
            error.exit_code()
        }
    }
}

fn run(command: &Command) -> Result<()> {
    match command {
        Command::Train(arguments) => train::run(arguments),
        Command::Evaluate(arguments) => evaluate::run(arguments),
        Command::Watch(arguments) => watch::run(arguments),
        Command::Kfold(arguments) => match arguments.engine {
            Some(engine) => kfold_tasks::run(arguments, engine),
            None => kfold::run(arguments),
        },
        Command::Sweep(command) => sweep::run(command),
        Command::Task(arguments) => task::run(arguments),
        Command::Collect(arguments) => collect::run(arguments),
        Command::Predict(arguments) => predict::run(arguments),
        Command::Report(arguments) => report::run(arguments),
        Command::Plot(arguments) => plot::run(arguments),
        Command::Baseline(arguments) => baseline::run(arguments),
        Command::Reduce(arguments) => reduce::run(arguments),
        Command::Track(arguments) => track::run(arguments),
        Command::Export(arguments) => export::run(arguments),
        Command::Summary(arguments) => summary::run(arguments),
        Command::Devices(arguments) => devices::run(arguments),
        Command::Selftest(arguments) => selftest::run(arguments),
        Command::Bench(arguments) => bench::run(arguments),
        Command::Profile(arguments) => profile::run(arguments),
        Command::Tune(arguments) => tune::run(arguments),
        Command::Survey(arguments) => survey::run(arguments),
        Command::Data(command) => data::run(command),
        Command::Shaders(arguments) => shaders::run(arguments),
        Command::Completions(arguments) => completions::run(arguments, &mut Arguments::command()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_contradict_nothing() {
        Arguments::command().debug_assert();
    }
}
