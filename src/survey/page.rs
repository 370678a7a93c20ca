//! A survey as one HTML page that stands alone: `templates/survey.html` with what there is of it filled in. The template
//! escapes all but the drawings, whose own text is escaped already.

use askama::Template;

use super::document::{AdapterAbout, End, On, Outcome, PartAbout, Profiled, Survey, Tiles};
use super::drawings;
use crate::error::{Error, Result};
use crate::model::thousands;
use crate::precision::Precision;
use crate::report::Drawing;

#[derive(Template)]
#[template(path = "survey.html")]
struct Page<'a> {
    survey: &'a Survey,
    title: &'a str,
    ended: String,
    facts: Vec<(&'static str, String)>,
    /// Parts that were not done, but for those that the time was too short for.
    problems: Vec<[String; 3]>,
    speeds: Option<Drawing>,
    bench: Vec<Vec<String>>,
    profiles: Vec<Shown<'a>>,
    trained: Vec<Vec<String>>,
    selftest: Vec<String>,
    failures: Vec<[String; 2]>,
    tuned: Vec<Vec<String>>,
    parts: Vec<[String; 5]>,
}

/// A profile with its picture and table.
struct Shown<'a> {
    profile: &'a Profiled,
    on: &'a str,
    drawing: Option<Drawing>,
    rows: Vec<Vec<String>>,
    step: String,
}

/// The text of the page.
///
/// # Errors
/// [`Error::Failed`] where a picture cannot be drawn.
pub fn html(survey: &Survey) -> Result<String> {
    let failures = survey.selftest.iter().flat_map(|test| &test.kernels);
    let failures = failures.flat_map(|kernel| kernel.failures.iter().map(|line| [kernel.kernel.clone(), line.clone()]));
    let page = Page {
        survey,
        title: survey.title(),
        ended: ended(survey),
        facts: facts(survey),
        problems: survey
            .parts
            .iter()
            .filter(|part| part.outcome == Outcome::Failed)
            .map(|part| problem(survey, part))
            .collect(),
        speeds: drawings::speeds(survey)?,
        bench: bench(survey),
        profiles: survey.profile.iter().map(|profile| shown(survey, profile)).collect::<Result<_>>()?,
        trained: trained(survey),
        selftest: survey
            .selftest
            .iter()
            .map(|test| format!("On {}: {}.", survey.name(test.on), test.words()))
            .collect(),
        failures: failures.take(100).collect(),
        tuned: tuned(survey),
        parts: survey.parts.iter().map(row).collect(),
    };
    page.render().map_err(|error| Error::Failed(format!("the page cannot be written: {error}")))
}

fn ended(survey: &Survey) -> String {
    let (seconds, left_out) =
        (survey.seconds, survey.parts.iter().filter(|part| part.outcome == Outcome::Skipped).count());
    let what = match survey.end {
        End::Running => "Not finished",
        End::Interrupted => "Interrupted",
        End::Complete => "Done",
    };
    let skipped = if left_out == 0 { String::new() } else { format!("; {left_out} parts were skipped") };
    format!("{what} after {seconds:.0} s{skipped}.")
}

fn problem(survey: &Survey, part: &PartAbout) -> [String; 3] {
    [part.name.clone(), survey.name(part.on).to_owned(), part.note.clone()]
}

fn facts(survey: &Survey) -> Vec<(&'static str, String)> {
    let on = survey.main();
    let mut facts = Vec::new();
    if let Some(speed) = survey
        .bench
        .iter()
        .filter(|speed| speed.on == on)
        .max_by(|one, other| one.images_per_second.total_cmp(&other.images_per_second))
    {
        facts.push(("most images a second", thousands(speed.images_per_second.round() as usize)));
    }
    if let Some(ceilings) = survey.ceilings(on) {
        facts.push(("GFLOP/s at most", thousands((1e-9 * ceilings.operations_per_second).round() as usize)));
        facts.push(("GB/s at most", thousands((1e-9 * ceilings.bytes_per_second).round() as usize)));
    }
    if let Some(trained) = survey.trained(on, Precision::F32) {
        facts.push(("test accuracy", format!("{:.2} %", 100.0 * trained.test_accuracy)));
        facts.push(("seconds of training", format!("{:.1}", trained.seconds)));
    }
    if let Some(test) = survey.selftest.iter().find(|test| test.on == on) {
        let failed = test.failed();
        facts.push(("selftest", if failed == 0 { "passed".into() } else { format!("{failed} FAILED") }));
    }
    facts
}

fn bench(survey: &Survey) -> Vec<Vec<String>> {
    let row = |speed: &super::document::Speed| {
        let ceiling = survey.ceilings(speed.on).map(|ceilings| ceilings.operations_per_second);
        vec![
            speed.model.clone(),
            thousands(speed.batch_size),
            survey.name(speed.on).to_owned(),
            (if speed.tiles == Tiles::Tuned { "tuned" } else { "table" }).to_owned(),
            speed.precision.name().to_owned(),
            format!("{:.1}", 1e-6 * speed.memory_bytes as f64),
            format!("{:.3}", 1e3 * speed.seconds_per_step),
            thousands(speed.images_per_second.round() as usize),
            format!("{:.1}", 1e-9 * speed.operations_per_second),
            ceiling.map_or_else(String::new, |most| format!("{:.0} %", 100.0 * speed.operations_per_second / most)),
            speed.tolerance_used.map_or("reference".into(), |used| format!("{:.1} %", 100.0 * used)),
        ]
    };
    survey.bench.iter().map(row).collect()
}

fn shown<'a>(survey: &'a Survey, profile: &'a Profiled) -> Result<Shown<'a>> {
    let row = |pass: &super::document::Pass| {
        // A clock may be too coarse for a short pass.
        let rate = |what: usize| match pass.seconds > 0.0 {
            true => format!("{:.1}", 1e-9 * what as f64 / pass.seconds),
            false => "-".into(),
        };
        vec![
            pass.layer.clone(),
            pass.kernel.clone(),
            pass.passes.to_string(),
            format!("{:.3}", 1e3 * pass.seconds),
            format!("{:.1} %", 100.0 * pass.share),
            rate(pass.operations),
            rate(pass.bytes),
            pass.of_roof.map_or_else(|| "-".into(), |part| format!("{:.0} %", 100.0 * part)),
        ]
    };
    let step = format!(
        "A step takes {:.3} ms as training submits it; its passes add up to {:.3} ms.",
        1e3 * profile.seconds_of_step,
        1e3 * profile.seconds_of_passes
    );
    let drawing = drawings::roofline(survey, profile)?;
    let rows = profile.kernels.iter().map(row).collect();
    Ok(Shown { profile, on: survey.name(profile.on), drawing, rows, step })
}

fn trained(survey: &Survey) -> Vec<Vec<String>> {
    let row = |trained: &super::document::Trained| {
        let epochs = format!("{} of {}", trained.epochs.len(), trained.of_epochs);
        let speeds = trained.epochs.iter().map(|epoch| epoch.images_per_second);
        let fastest = speeds.fold(0.0, f64::max).round() as usize;
        vec![
            survey.name(trained.on).to_owned(),
            trained.model.clone(),
            trained.precision.name().to_owned(),
            epochs,
            format!("{:.2} %", 100.0 * trained.test_accuracy),
            format!("{:.4}", trained.test_loss),
            format!("{:.1}", trained.seconds),
            thousands(fastest),
        ]
    };
    survey.train.iter().map(row).collect()
}

fn tuned(survey: &Survey) -> Vec<Vec<String>> {
    let products = survey.tune.iter().flat_map(|tuned| &tuned.products);
    let row = |product: &super::document::Product| {
        let best = product.best.as_ref();
        vec![
            product.product.clone(),
            product.table.tile.to_string(),
            format!("{:.3}", product.table.milliseconds),
            best.map_or("the table's".into(), |best| best.tile.to_string()),
            best.map_or_else(String::new, |best| format!("{:.3}", best.milliseconds)),
            best.map_or_else(String::new, |best| format!("{:.2}x", product.table.milliseconds / best.milliseconds)),
        ]
    };
    products.map(row).collect()
}

fn row(part: &PartAbout) -> [String; 5] {
    let on = match part.on {
        On::Adapter => "adapter",
        On::Cpu => "CPU path",
    };
    [
        part.name.clone(),
        on.to_owned(),
        part.outcome.name().to_owned(),
        format!("{:.1}", part.seconds),
        part.note.clone(),
    ]
}

impl AdapterAbout {
    /// `llvmpipe (LLVM 21.1.8, 512 bits), vulkan, cpu`
    fn words(&self) -> String {
        format!("{}, {}, {}", self.name, self.backend, self.device_type)
    }

    fn driver_words(&self) -> String {
        format!("{} {}", self.driver, self.driver_info).trim().to_owned()
    }
}

impl Outcome {
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Running => "running",
            Outcome::Done => "done",
            Outcome::Failed => "FAILED",
            Outcome::Skipped => "skipped",
        }
    }
}

impl Survey {
    /// What something was measured on, in words.
    pub fn name(&self, on: On) -> &str {
        match on {
            On::Adapter => self.title(),
            On::Cpu => "the CPU path",
        }
    }
}
