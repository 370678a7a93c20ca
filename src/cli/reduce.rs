//! `gpu-fmnist reduce`

use std::fmt::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::console::Console;
use super::device::AdapterOption;
use super::names::NamesOption;
use super::options::{DataDirOption, JsonOption, QuietOption};
use super::split::LearntOptions;
use super::{bar, dataset, output};
use crate::classical::{Components, Features, Keep, Products, most_perplexity, t_sne};
use crate::data::Dataset;
use crate::error::Result;
use crate::formats::{make_folder, write_own};
use crate::plot::{self, Scatter, Scree, save};

/// Reduce the pixels to fewer dimensions, and draw what is left of them.
///
/// Principal components are computed from the training samples, without those held out, on the device; t-SNE places the
/// test samples in the plane by their neighbours among these components.
#[derive(Args)]
#[command(after_help = format!("{NOTES}\n\n{}", super::exit_codes::EXIT_CODES))]
pub struct ReduceArguments {
    /// Principal component analysis, or t-SNE
    #[arg(long, value_enum, default_value_t = Method::Pca)]
    method: Method,
    /// Components to keep: a number, or the part of the variance that they must explain [default: 50, or all of fewer]
    #[arg(long, value_name = "N|PART")]
    components: Option<Keep>,
    /// Test samples to draw [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    count: Option<u32>,
    /// How many neighbours of a sample t-SNE keeps near, about [default: 30, or a third of fewer than 91 samples]
    #[arg(long, value_name = "N")]
    perplexity: Option<usize>,
    #[command(flatten)]
    samples: LearntOptions,
    #[command(flatten)]
    data: DataDirOption,
    #[command(flatten)]
    names: NamesOption,
    /// Where the tables and pictures go [default: reduced/<method>]
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    #[command(flatten)]
    adapter: AdapterOption,
    #[command(flatten)]
    json: JsonOption,
    #[command(flatten)]
    quiet: QuietOption,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Method {
    Pca,
    Tsne,
}

/// clap wraps the lines to the terminal.
const NOTES: &str = "\
pca writes explained_variance.csv (of all components), scree.{svg,png}, components.{svg,png} (the first 16 as pictures), \
scatter.{svg,png} (the test samples along the first two) and coordinates.csv (the test samples along all that are kept). \
tsne writes scatter.{svg,png} and coordinates.csv.

JSON: method, adapter, components (how many are kept), mean ([H*W*C], pixels from 0 to 1), variances and ratios (of all \
components), vectors (of those kept), folder.";

/// Components that are drawn as pictures.
const PICTURES: usize = 16;
/// Rows of the table on stdout.
const ROWS: usize = 10;

/// What is kept, and how near t-SNE looks, unless asked for.
const COMPONENTS: Keep = Keep::Count(50);
const PERPLEXITY: usize = 30;

impl ReduceArguments {
    /// What to keep of these pixels. Says where that is less than by default.
    fn keep(&self, pixels: &Features, console: &mut Console) -> Keep {
        let keep = self.components.unwrap_or_else(|| COMPONENTS.within(pixels));
        if self.components.is_none() && keep != COMPONENTS {
            console.say(&format!("--components {keep} instead of {COMPONENTS}: the training samples have no more"));
        }
        keep
    }

    /// The same of the perplexity.
    fn perplexity(&self, samples: usize, console: &mut Console) -> usize {
        let perplexity = self.perplexity.unwrap_or_else(|| PERPLEXITY.min(most_perplexity(samples)));
        if self.perplexity.is_none() && (1..PERPLEXITY).contains(&perplexity) {
            console
                .say(&format!("--perplexity {perplexity} instead of {PERPLEXITY}: there are {samples} samples only"));
        }
        perplexity
    }
}

pub fn run(arguments: &ReduceArguments) -> Result<()> {
    let mut console = arguments.quiet.console();
    let device = arguments.adapter.device(&mut console)?;
    let dataset = dataset::load(arguments.data.path(), &mut console)?;
    let names = arguments.names.of(&dataset)?;
    let split = arguments.samples.of(dataset.train.len())?;
    let products = Products { class: device.class(), executor: &|plan| device.executor(plan) };
    let folder = match (&arguments.output, arguments.method) {
        (Some(folder), _) => folder.clone(),
        (None, Method::Pca) => Path::new("reduced").join("pca"),
        (None, Method::Tsne) => Path::new("reduced").join("tsne"),
    };
    // Before the long work.
    make_folder(&folder)?;
    let training = Features::pixels(&dataset.train, &split.train);
    let count = arguments.count.map_or(dataset.test.len(), |count| dataset.test.len().min(count as usize));
    let keep = arguments.keep(&training, &mut console);
    let perplexity = (arguments.method == Method::Tsne).then(|| arguments.perplexity(count, &mut console));

    let bar = bar::new(&console, "{msg} {wide_bar} {percent} %");
    bar.set_length(1000);
    let mut callback = |part: f64| {
        bar.set_position((1e3 * part) as u64);
        ControlFlow::Continue(())
    };
    bar.set_message("principal components");
    let components = Components::of(&training, keep, products, &mut callback)?;
    let numbers: Vec<u32> = (0..count as u32).collect();
    let coordinates =
        components.project(&Features::pixels(&dataset.test, &numbers), products, &mut |_| ControlFlow::Continue(()))?;
    let embedding = perplexity.map(|perplexity| {
        bar.set_message("t-SNE");
        t_sne(&coordinates, perplexity, products, &mut callback)
    });
    let embedding = embedding.transpose()?;
    bar.finish_and_clear();

    let reduced = Reduced { dataset: &dataset, components: &components, names: &names, folder: &folder };
    let (text, written) = match &embedding {
        None => (reduced.text(), reduced.components(&coordinates)),
        Some(points) => (String::new(), reduced.embedding(points)),
    };
    // What was computed is told wherever it could be written.
    if !arguments.json.is_given() {
        output::tables(&text)?;
        return output::text(&written?);
    }
    let Components { mean, variances, vectors } = &components;
    let (kept, ratios) = (components.count(), components.ratios());
    output::json(&json!({
        "method": arguments.method.to_possible_value().map(|value| value.get_name().to_owned()),
        "adapter": device.name(),
        "components": kept,
        "mean": mean,
        "variances": variances,
        "ratios": ratios,
        "vectors": vectors.chunks_exact(mean.len()).collect::<Vec<_>>(),
        "folder": folder.to_string_lossy(),
    }))?;
    written.map(drop)
}

/// What there is to write about a reduction.
struct Reduced<'a> {
    dataset: &'a Dataset,
    components: &'a Components,
    /// A name for each class.
    names: &'a [String],
    folder: &'a Path,
}

impl Reduced<'_> {
    /// What principal components tell, in short.
    fn text(&self) -> String {
        let (ratios, kept) = (self.components.ratios(), self.components.count());
        let sums: Vec<f64> = self.components.cumulative().collect();
        let cells = |place: usize| {
            let part = |value: f64| format!("{:.2} %", 100.0 * value);
            let variance = format!("{:.4}", self.components.variances[place]);
            vec![(place + 1).to_string(), variance, part(ratios[place]), part(sums[place])]
        };
        let table: Vec<Vec<String>> = (0..ROWS.min(ratios.len())).map(cells).collect();
        let table = output::table(&["component", "variance", "of all", "together"], &table);
        let (all, sum) = (ratios.len(), 100.0 * sums[kept - 1]);
        format!("{table}\n{kept} of {all} components, with {sum:.2} % of the variance\n")
    }

    /// Writes what principal components tell, and the test samples' `coordinates`; what to say of it.
    fn components(&self, coordinates: &Features) -> Result<String> {
        let Components { variances, vectors, mean } = self.components;
        let (ratios, kept) = (self.components.ratios(), self.components.count());
        let sums: Vec<f64> = self.components.cumulative().collect();
        let rows = (1..).zip(variances.iter().zip(&ratios).zip(&sums));
        let mut csv = "component,variance,ratio,cumulative\n".to_owned();
        for (number, ((variance, ratio), sum)) in rows {
            // Writing to a String cannot fail.
            let _ = writeln!(csv, "{number},{variance},{ratio},{sum}");
        }
        let title = format!("Principal components of {} pixels", mean.len());
        save(&Scree { title: title.clone(), ratios: ratios.clone() }, self.folder, "scree")?;
        self.write("explained_variance.csv", &csv)?;

        let vectors: Vec<f32> = vectors.iter().map(|&value| value as f32).collect();
        let captions = (1..).zip(&ratios).map(|(number, ratio)| format!("{number}: {:.1} %", 100.0 * ratio));
        let pictures = vectors.chunks_exact(mean.len()).zip(captions).take(PICTURES);
        let components = pictures.map(|(values, caption)| plot::Component { values, caption }).collect();
        let shape = self.dataset.train.shape;
        save(&plot::Components { title, shape, columns: 4, components }, self.folder, "components")?;

        let (columns, values) = (coordinates.columns, coordinates.values());
        let axis = |place: usize| match ratios.get(place).filter(|_| place < kept) {
            Some(ratio) => format!("component {} ({:.1} % of the variance)", place + 1, 100.0 * ratio),
            None => String::new(),
        };
        let point = |row: &[f32]| [row[0], row.get(1).copied().unwrap_or(0.0)];
        let points: Vec<[f32; 2]> = values.chunks_exact(columns).map(point).collect();
        self.draw("Test samples by their first two principal components", [axis(0), axis(1)], &points)?;
        self.write_coordinates(&values, columns)?;

        Ok(format!("wrote tables and pictures into {}\n", self.folder.display()))
    }

    /// Writes where t-SNE has placed the test samples; what to say of it.
    fn embedding(&self, points: &[f32]) -> Result<String> {
        let pairs: Vec<[f32; 2]> = points.chunks_exact(2).map(|point| [point[0], point[1]]).collect();
        self.draw("Test samples by t-SNE", [String::new(), String::new()], &pairs)?;
        self.write_coordinates(points, 2)?;
        Ok(format!("wrote coordinates.csv and scatter.{{svg,png}} into {}\n", self.folder.display()))
    }

    fn draw(&self, title: &str, axes: [String; 2], points: &[[f32; 2]]) -> Result<()> {
        let labels = &self.dataset.test.labels[..points.len()];
        let figure = Scatter { title: title.to_owned(), axes, names: self.names, points, labels };
        save(&figure, self.folder, "scatter").map(drop)
    }

    /// A row `index,label,x1,x2…` for each test sample.
    fn write_coordinates(&self, values: &[f32], columns: usize) -> Result<()> {
        let heading: String = (1..=columns).map(|number| format!(",x{number}")).collect();
        let mut csv = format!("index,label{heading}\n");
        for (index, row) in values.chunks_exact(columns).enumerate() {
            let cells: String = row.iter().map(|value| format!(",{value}")).collect();
            let _ = writeln!(csv, "{index},{}{cells}", self.dataset.test.labels[index]);
        }
        self.write("coordinates.csv", &csv)
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        write_own(&self.folder.join(name), text.as_bytes())
    }
}
