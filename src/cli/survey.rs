//! `gpu-fmnist survey`

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::console::Console;
use super::device::AdapterOption;
use super::flags::spelled;
use super::options::{DataDirOption, JsonOption, QuietOption, models};
use super::{dataset, interrupt, output};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::facade::Device;
use crate::formats::write_whole;
use crate::gpu;
use crate::model::{Model, NAMES, by_name_or_file};
use crate::survey::{
    AdapterAbout, End, Host, NO_TIME, On, Outcome, PartAbout, Subject, Survey, Surveyor, comparison, comparison_html,
    html,
};
use crate::train::Config;

/// Survey this machine in a few minutes: what its adapters are, whether they compute what they should, and how fast.
///
/// Writes survey.json and survey.html, anew after each part.
#[derive(Args)]
#[command(after_help = format!("{NOTES}\n\n{}", super::exit_codes::EXIT_CODES))]
#[command(mut_arg("adapter", |argument| {
    argument.help(
        "auto, vulkan, metal, dx12, gl, cpu, an index of 'devices', or a part of a name; auto: the first of 'devices', \
         software, too"
    )
}))]
#[command(mut_arg("json", |argument| argument.help("Print the survey's JSON, too")))]
#[command(mut_arg("data_dir", |argument| {
    argument.help("The data set's folder; by default the first of the usual ones that has it. Nothing is fetched")
}))]
pub struct SurveyArguments {
    /// The time that it may take; what does not fit is left out
    #[arg(long, default_value_t = 6.0, value_name = "N", value_parser = minutes)]
    minutes: f64,
    #[arg(long, help = models(MANY), value_delimiter = ',', default_values = NAMES, value_name = "NAME|FILE,...")]
    model: Vec<PathBuf>,
    #[command(flatten)]
    adapter: AdapterOption,
    #[command(flatten)]
    data: DataDirOption,
    /// Set surveys side by side instead
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["minutes", "model", "data_dir", "json"])]
    compare: Vec<PathBuf>,
    /// The file to write, and its page beside it [default: survey.json]; with --compare, a page
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    json: JsonOption,
    #[command(flatten)]
    quiet: QuietOption,
}

/// What `--model` takes beside the built-in networks.
const MANY: &str = "models' TOML files; several with commas between them, the first is the one that is trained";

/// clap wraps the lines to the terminal.
const NOTES: &str = "\
Parts, the most telling first: selftest, ceilings, bench of each network at several batch sizes, profile, ten epochs of training \
where the data set is here, bench and training in 16 bits, tune and bench again; on one adapter, and on the CPU path beside it. What fails is named, and the rest \
goes on: the exit code is 0 all the same. Nothing is kept but the two files; in them are no names of hosts or users and no \
paths. Ctrl-C ends it, with exit code 130, and both have what was measured by then.";

/// `--minutes`
fn minutes(text: &str) -> std::result::Result<f64, String> {
    let minutes = text.parse().ok().filter(|minutes: &f64| *minutes > 0.0 && *minutes <= 1440.0);
    minutes.ok_or_else(|| "give a number of minutes such as 6, at most 1440".into())
}

/// Where the results go.
struct Desk {
    console: Console,
    json: PathBuf,
    page: PathBuf,
    data_dir: Option<PathBuf>,
    /// Parts that there was no time for.
    left_out: Vec<String>,
}

pub fn run(arguments: &SurveyArguments) -> Result<()> {
    if !arguments.compare.is_empty() {
        return compare(&arguments.compare, arguments.output.as_deref());
    }
    let path = arguments.output.as_deref().unwrap_or(Path::new("survey.json"));
    let [json, page] = files(path)?;
    let configs = arguments.model.iter().map(|name| {
        let (model, recipe) = by_name_or_file(name)?;
        Ok(Config::new(model, recipe))
    });
    let models = configs.collect::<Result<Vec<Config>>>()?;
    let (adapters, adapter) = adapters(&arguments.adapter)?;
    let mut console = arguments.quiet.console();
    interrupt::watch(&mut console);
    let mut words = vec!["the CPU path".to_owned()];
    words.extend(adapter.iter().map(|(_, device)| device.describe()));
    words.reverse();
    let unit = if arguments.minutes == 1.0 { "minute" } else { "minutes" };
    console.say(&format!("surveying {}, for {} {unit} at most", words.join(" and "), arguments.minutes));
    let time = Duration::from_secs_f64(60.0 * arguments.minutes);
    let data_dir = arguments.data.path().map(Path::to_owned);
    let mut desk = Desk { console, json, page, data_dir, left_out: Vec::new() };
    let survey = Surveyor::new(Subject { adapters, adapter, models, time }, &mut desk).run()?;
    desk.conclude(&survey, arguments.json.is_given())
}

/// All there are, and the one that is surveyed with its place.
type Adapters = (Vec<AdapterAbout>, Option<(usize, Device)>);

/// All adapters, and the one of that name with its place; none where the CPU path alone is wanted.
fn adapters(option: &AdapterOption) -> Result<Adapters> {
    let adapters = gpu::adapters();
    let about: Vec<AdapterAbout> = adapters.iter().map(AdapterAbout::of).collect();
    let chosen = match option.name().to_lowercase().as_str() {
        "cpu" => None,
        "auto" | "" => match gpu::name_from_environment() {
            Some(name) => Some(gpu::select_as("WGPU_ADAPTER_NAME", &name, adapters)?),
            None => adapters.into_iter().next(),
        },
        _ => Some(gpu::select(option.name(), adapters)?),
    };
    let place = chosen.as_ref().map(AdapterAbout::of).and_then(|own| about.iter().position(|one| *one == own));
    Ok((about, place.zip(chosen.map(|adapter| option.limited(Device::Gpu(Box::new(adapter)))))))
}

/// The JSON file and the page beside it. A file of that name is replaced if it is a survey.
fn files(path: &Path) -> Result<[PathBuf; 2]> {
    let fail = |problem: &str| Err(Error::Usage(format!("--output {}: {problem}", path.display())));
    if !["json", "html"].map(OsStr::new).map(Some).contains(&path.extension()) {
        return fail("give a name that ends in .json");
    }
    let [json, page] = ["json", "html"].map(|ending| path.with_extension(ending));
    if json.exists() && Survey::read(&json).is_err() {
        return fail("there is such a file, which is no survey; choose another name");
    }
    Ok([json, page])
}

impl Host for Desk {
    fn begins(&mut self, number: usize, count: usize, part: &PartAbout) {
        self.console.show_for_now(&format!("{number}/{count} {}{}", part.name, beside(part)));
    }

    fn ended(&mut self, part: &PartAbout) {
        if part.outcome == Outcome::Skipped && part.note.starts_with(NO_TIME) {
            self.left_out.push(format!("{}{}", part.name, beside(part)));
            return;
        }
        let outcome = match part.outcome {
            Outcome::Done | Outcome::Running => String::new(),
            Outcome::Failed | Outcome::Skipped => format!("{}: ", part.outcome.name()),
        };
        let PartAbout { name, note, seconds, .. } = part;
        let note = spelled(note);
        self.console.say(&format!("{name}{}: {outcome}{note} ({seconds:.1} s)", beside(part)));
    }

    fn keep(&mut self, survey: &Survey) -> Result<()> {
        write_whole(&self.json, survey.text()?.as_bytes())?;
        write_whole(&self.page, html(survey)?.as_bytes())
    }

    fn is_interrupted(&self) -> bool {
        interrupt::requested(()).is_break()
    }

    fn dataset(&mut self, model: &Model) -> std::result::Result<Dataset, String> {
        let loaded = dataset::load_here(self.data_dir.as_deref());
        loaded.and_then(|dataset| dataset::check(&dataset, model).map(|()| dataset)).map_err(|error| {
            self.console.say(&error.to_string());
            "no data set for it here; 'gpu-fmnist data fetch' brings Fashion-MNIST".into()
        })
    }
}

/// Said of what is on the CPU path.
fn beside(part: &PartAbout) -> &'static str {
    match part.on {
        On::Adapter => "",
        On::Cpu => ", CPU path",
    }
}

impl Desk {
    /// Prints what it came to, and says where that is.
    fn conclude(mut self, survey: &Survey, as_json: bool) -> Result<()> {
        self.console.show_for_now("");
        if !self.left_out.is_empty() {
            let left_out = self.left_out.join("; ");
            self.console.say(&format!("skipped, since there was no time (--minutes gives more): {left_out}"));
        }
        if as_json { output::json(survey) } else { output::tables(&format!("\n{}\n", summary(survey))) }?;
        let files = format!("{} and {}", self.json.display(), self.page.display());
        if survey.end == End::Interrupted {
            let done = survey.parts.iter().filter(|part| part.outcome == Outcome::Done).count();
            return Err(Error::Interrupted(format!("interrupted; {files} have the {done} parts that were done")));
        }
        self.console.say(&format!("wrote {files}"));
        Ok(())
    }
}

fn summary(survey: &Survey) -> String {
    let rows = comparison(std::slice::from_ref(survey));
    rows.split_first().map_or_else(String::new, |(first, rest)| {
        output::table(&first.iter().map(String::as_str).collect::<Vec<_>>(), rest)
    })
}

/// `--compare`
fn compare(paths: &[PathBuf], page: Option<&Path>) -> Result<()> {
    if let Some(page) = page.filter(|page| page.extension() != Some(OsStr::new("html"))) {
        return Err(Error::Usage(format!("--output {}: give a name that ends in .html", page.display())));
    }
    let surveys = paths.iter().map(|path| Survey::read(path)).collect::<Result<Vec<Survey>>>()?;
    let names = names(paths);
    let headings: Vec<&str> = [""].into_iter().chain(names.iter().map(String::as_str)).collect();
    output::tables(&output::table(&headings, &comparison(&surveys)))?;
    let Some(page) = page else { return Ok(()) };
    write_whole(page, comparison_html(&names, &surveys)?.as_bytes())?;
    output::text(&format!("\nwrote {}\n", page.display()))
}

/// The files' names without endings, or whole paths where those are not different.
fn names(paths: &[PathBuf]) -> Vec<String> {
    let stem = |path: &PathBuf| path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let stems: Vec<String> = paths.iter().map(stem).collect();
    let differ = (1..stems.len()).all(|place| !stems[..place].contains(&stems[place]));
    if differ { stems } else { paths.iter().map(|path| path.display().to_string()).collect() }
}
