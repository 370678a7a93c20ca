//! Measures part after part, each within what is left of the time. What fails is named and left, the rest goes on, and
//! after each part all there is by then is handed over to be kept.

use std::any::Any;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::document::{AdapterAbout, End, How, On, Outcome, PartAbout, Speed, Survey, Tiles};
use super::parts::{BATCH, Part, parts};
use super::probes;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::facade::Device;
use crate::gemm::{DeviceClass, GemmSelection};
use crate::measure::Synthetic;
use crate::model::{Model, thousands};
use crate::plan::Program;
use crate::precision::Precision;
use crate::train::Config;

/// What is surveyed.
pub struct Subject {
    /// All there are, and the place of the one that is surveyed, beside the CPU path.
    pub adapters: Vec<AdapterAbout>,
    pub adapter: Option<(usize, Device)>,
    /// At least one; each with its own recipe, but for its precision. The first is the one that is trained.
    pub models: Vec<Config>,
    pub time: Duration,
}

/// Who asked for it.
pub trait Host {
    /// The part of that number, of so many, begins.
    fn begins(&mut self, number: usize, count: usize, part: &PartAbout);
    fn ended(&mut self, part: &PartAbout);
    /// Puts by what there is.
    ///
    /// # Errors
    /// Which end the survey.
    fn keep(&mut self, survey: &Survey) -> Result<()>;
    fn is_interrupted(&self) -> bool;
    /// The data set for a model, or in a few words why there is none; no path is among them.
    fn dataset(&mut self, model: &Model) -> std::result::Result<Dataset, String>;
}

/// A survey under way.
pub struct Surveyor<'h> {
    host: &'h mut dyn Host,
    adapter: Option<Device>,
    models: Vec<Config>,
    /// By the models' places.
    tuned: BTreeMap<usize, GemmSelection>,
    start: Instant,
    time: Duration,
    survey: Survey,
}

/// How a part ended that did not fail.
enum Ended {
    /// With a result, in a few words.
    Done(String),
    Skipped(String),
}

/// Why parts are skipped that there was no time for.
pub const NO_TIME: &str = "no time for it";
/// Steps that are profiled.
const MOST_PROFILED: usize = 20;
const FEWEST_PROFILED: usize = 4;
/// Of the time, for what the parts' own ends take.
const MARGIN: f64 = 0.03;
/// Steps that a speed takes at the least: compared ones, the first one, the warm-up, and the fewest repeats.
const STEPS: f64 = 3.0 + 1.0 + 4.0 + 6.0;

impl<'h> Surveyor<'h> {
    pub fn new(subject: Subject, host: &'h mut dyn Host) -> Self {
        let Subject { adapters, adapter, models, time } = subject;
        let (surveyed, adapter) = adapter.unzip();
        let survey = Survey::begun(adapters, surveyed, time.as_secs_f64());
        let time = time.mul_f64(1.0 - MARGIN);
        Self { host, adapter, models, tuned: BTreeMap::new(), start: Instant::now(), time, survey }
    }

    /// Measures all parts that there is time for, or until it is interrupted.
    ///
    /// # Errors
    /// Where it cannot be kept.
    pub fn run(mut self) -> Result<Survey> {
        let all = parts(self.models.len(), self.survey.main());
        let names: Vec<String> = self.models.iter().map(|config| config.model.name.clone()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for (number, part) in (1..).zip(&all) {
            let (name, on) = (part.name(&names), part.on());
            let mut about = PartAbout { name, on, outcome: Outcome::Running, seconds: 0.0, note: String::new() };
            self.host.begins(number, all.len(), &about);
            self.survey.parts.push(about.clone());
            self.keep()?;
            let start = Instant::now();
            // A driver's fault may be a panic far below.
            let measured = catch_unwind(AssertUnwindSafe(|| self.measure(*part)));
            (about.outcome, about.note) = match measured.unwrap_or_else(|panic| Err(panicked(&*panic))) {
                Ok(Ended::Done(note)) => (Outcome::Done, note),
                Ok(Ended::Skipped(why)) => (Outcome::Skipped, why),
                Err(Error::Interrupted(_)) if self.host.is_interrupted() => (Outcome::Skipped, "interrupted".into()),
                Err(Error::Interrupted(_)) => (Outcome::Skipped, NO_TIME.into()),
                Err(error) => (Outcome::Failed, discreet(&error.to_string())),
            };
            about.seconds = start.elapsed().as_secs_f64();
            self.host.ended(&about);
            if let Some(last) = self.survey.parts.last_mut() {
                *last = about;
            }
            if self.host.is_interrupted() {
                self.survey.end = End::Interrupted;
                self.keep()?;
                return Ok(self.survey);
            }
        }
        self.survey.end = End::Complete;
        self.keep()?;
        Ok(self.survey)
    }

    fn keep(&mut self) -> Result<()> {
        self.survey.seconds = self.start.elapsed().as_secs_f64();
        self.host.keep(&self.survey)
    }

    /// Seconds that are left.
    fn left(&self) -> f64 {
        self.time.saturating_sub(self.start.elapsed()).as_secs_f64()
    }

    fn measure(&mut self, part: Part) -> Result<Ended> {
        let left = self.left();
        if left <= 0.0 {
            return Ok(Ended::Skipped(NO_TIME.into()));
        }
        if let Part::Bench { model, tiles: Tiles::Tuned, .. } = part
            && !self.tuned.contains_key(&model)
        {
            return Ok(Ended::Skipped("no better tiles were found".into()));
        }
        if let (
            Part::Bench { precision: Precision::F16, .. } | Part::Train { precision: Precision::F16, .. },
            On::Adapter,
        ) = (part, part.on())
            && let Some(Device::Gpu(adapter)) = &self.adapter
            && !adapter.has(Precision::F16)
        {
            return Ok(Ended::Skipped("the adapter's shaders have no f16".into()));
        }
        if let Some(why) = self.too_long(part, left * part.share()) {
            return Ok(Ended::Skipped(why));
        }
        let deadline = Instant::now() + Duration::from_secs_f64(left * part.share());
        match part {
            Part::Selftest { on } => self.selftest(on, deadline),
            Part::Ceilings { on } => self.ceilings(on, deadline),
            Part::Bench { on, model, batch, tiles, precision } => {
                self.bench(How { on, tiles, precision }, (model, batch), deadline)
            }
            Part::Profile { on, model } => self.profile(on, model, deadline, left * part.share()),
            Part::Tune { model } => self.tune(model, deadline),
            Part::Train { on, precision } => self.train(on, precision, left * part.share()),
        }
    }

    /// The device, and a callback that ends what takes longer than it may.
    fn on(&self, on: On, deadline: Instant) -> (&Device, impl FnMut(()) -> ControlFlow<()>) {
        let device = match (&self.adapter, on) {
            (Some(adapter), On::Adapter) => adapter,
            _ => &Device::Cpu,
        };
        let host = &*self.host;
        let stops = move |()| match host.is_interrupted() || Instant::now() >= deadline {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        (device, stops)
    }

    fn selftest(&mut self, on: On, deadline: Instant) -> Result<Ended> {
        let (device, mut stops) = self.on(on, deadline);
        let mut test = probes::selftest(on, device, &mut stops)?;
        drop(stops);
        test.kernels.iter_mut().flat_map(|kernel| &mut kernel.failures).for_each(|text| *text = discreet(text));
        let (words, failed, first) = (test.words(), test.failed(), test.first_failure());
        self.survey.selftest.push(test);
        match failed {
            0 => Ok(Ended::Done(words)),
            _ => Err(Error::Failed(first.map_or(words.clone(), |line| format!("{words}: {line}")))),
        }
    }

    fn ceilings(&mut self, on: On, deadline: Instant) -> Result<Ended> {
        let (device, mut stops) = self.on(on, deadline);
        let of = probes::ceilings_of(on, device, &mut stops)?;
        drop(stops);
        let words = format!(
            "{:.1} GFLOP/s, {:.1} GB/s",
            1e-9 * of.ceilings.operations_per_second,
            1e-9 * of.ceilings.bytes_per_second
        );
        self.survey.ceilings.push(of);
        Ok(Ended::Done(words))
    }

    fn config(&self, model: usize, batch_size: usize) -> Config {
        Config { batch_size, precision: Precision::F32, ..self.models[model].clone() }
    }

    fn bench(&mut self, how: How, (model, batch): (usize, usize), deadline: Instant) -> Result<Ended> {
        let How { on, tiles, precision } = how;
        let config = Config { precision, ..self.config(model, batch) };
        let (device, mut stops) = self.on(on, deadline);
        let selection = match (tiles, self.tuned.get(&model)) {
            (Tiles::Tuned, Some(tuned)) => tuned.clone(),
            _ => device.class().into(),
        };
        let speed = probes::speed((on, device), &config, (tiles, selection), &mut stops)?;
        drop(stops);
        let images = |speed: &Speed| thousands(speed.images_per_second.round() as usize);
        let megabytes = |speed: &Speed| format!("{:.1} MB", 1e-6 * speed.memory_bytes as f64);
        let beside = self.survey.speed(How { precision: Precision::F32, ..how }, &config.model.name, batch);
        let words = match beside.filter(|_| !precision.is_f32()) {
            Some(f32s) => {
                let f32s = format!("f32: {}, {}", images(f32s), megabytes(f32s));
                format!("{} images/s, {}; {f32s}", images(&speed), megabytes(&speed))
            }
            None => format!("{} images/s", images(&speed)),
        };
        self.survey.bench.push(speed);
        Ok(Ended::Done(words))
    }

    fn profile(&mut self, on: On, model: usize, deadline: Instant, seconds: f64) -> Result<Ended> {
        let config = self.config(model, BATCH);
        // Each is trained three times, and a few before them.
        let speed = self.survey.speed(How::plainly(on), &config.model.name, BATCH);
        let steps = speed.map_or(MOST_PROFILED, |speed| (0.25 * seconds / speed.seconds_per_step) as usize);
        let steps = steps.clamp(FEWEST_PROFILED, MOST_PROFILED);
        let ceilings = self.survey.ceilings(on);
        let (device, mut stops) = self.on(on, deadline);
        let profiled = probes::profiled((on, device), &config, (ceilings, steps), &mut stops)?;
        drop(stops);
        let words = format!("{:.2} ms a step", 1e3 * profiled.seconds_of_step);
        self.survey.profile.push(profiled);
        Ok(Ended::Done(words))
    }

    fn tune(&mut self, model: usize, deadline: Instant) -> Result<Ended> {
        let config = self.config(model, BATCH);
        let (device, mut stops) = self.on(On::Adapter, deadline);
        let Device::Gpu(adapter) = device else { return Ok(Ended::Skipped("the CPU path has no tiles".into())) };
        let (tuned, selection) = probes::tuned(adapter, &config, &mut stops)?;
        drop(stops);
        let better = selection.tuned.len();
        let words = format!("better tiles for {better} of {} products", tuned.of_products);
        let measured = tuned.products.len();
        if measured == 0 {
            return Err(Error::Interrupted("stopped within the first product".into()));
        }
        if better > 0 {
            self.tuned.insert(model, selection);
        }
        let all = measured == tuned.of_products;
        self.survey.tune.push(tuned);
        Ok(Ended::Done(if all { words } else { format!("{words}; there was time for {measured} only") }))
    }

    fn train(&mut self, on: On, precision: Precision, seconds: f64) -> Result<Ended> {
        let config = Config { precision, ..self.models[0].clone() };
        let dataset = match self.host.dataset(&config.model) {
            Ok(dataset) => dataset,
            Err(why) => return Ok(Ended::Skipped(why)),
        };
        // An epoch that has begun may end, if that is before the time is up.
        let deadline = self.start + self.time;
        let (device, mut stops) = self.on(on, deadline);
        let trained = probes::trained((on, device), config, &dataset, seconds, &mut stops)?;
        drop(stops);
        let (epochs, accuracy) = (trained.epochs.len(), 100.0 * trained.test_accuracy);
        let plural = if epochs == 1 { "" } else { "s" };
        let words = format!("test accuracy {accuracy:.2} % after {epochs} epoch{plural} in {:.1} s", trained.seconds);
        let all = epochs == trained.of_epochs;
        self.survey.train.push(trained);
        Ok(Ended::Done(if all { words } else { format!("{words}; ten would have taken too long") }))
    }

    /// Why a speed, or a training in 16 bits, is not worth beginning: by what is known of the device's others, it takes
    /// longer than `seconds`.
    fn too_long(&self, part: Part, seconds: f64) -> Option<String> {
        let needed = match part {
            Part::Bench { on, model, batch, precision, .. } => self.needed((on, precision), (model, batch))?,
            // The accuracy of fewer epochs would be held against that of all.
            Part::Train { on, precision } if !precision.is_f32() => {
                let f32s = self.survey.trained(on, Precision::F32)?;
                f32s.seconds * probes::EPOCHS as f64 / f32s.epochs.len() as f64
            }
            _ => return None,
        };
        (needed > seconds).then(|| format!("{NO_TIME}: {needed:.0} s or more"))
    }

    /// Seconds that a speed takes at the least, where anything is known of such.
    fn needed(&self, (on, precision): (On, Precision), (model, batch): (usize, usize)) -> Option<f64> {
        let config = self.config(model, batch);
        let step = |on: On| {
            let of_device = || self.survey.bench.iter().filter(move |speed| speed.on == on);
            let is_known = of_device().any(|speed| speed.precision == precision);
            // The CPU path takes longer in 16 bits.
            let speeds = || of_device().filter(move |speed| !is_known || speed.precision == precision);
            let same = speeds().filter(|speed| speed.model == config.model.name);
            let by_images = same.map(|speed| batch as f64 / speed.images_per_second).reduce(f64::max);
            by_images.or_else(|| {
                let rate = speeds().map(|speed| speed.operations_per_second).reduce(f64::min)?;
                let setup_data = Synthetic::new(&config.model, 1);
                let plan = setup_data.setup(&config.model, DeviceClass::Cpu).plan().ok()?;
                Some(batch as f64 * plan.steps.operations(Program::Training) as f64 / rate)
            })
        };
        let own = step(on)?;
        // What is compared is trained on the CPU path, too.
        let beside = if on == On::Adapter { 3.0 * step(On::Cpu).unwrap_or(own) } else { 0.0 };
        Some(STEPS * own + beside)
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Error::Failed(format!("it panicked: {}", text.unwrap_or("it does not say why")))
}

/// The text in one line of sensible length, without the paths in it: they may say whose machine it is.
fn discreet(text: &str) -> String {
    const LONGEST: usize = 500;
    let is_path = |word: &str| {
        let word = word.trim_start_matches(|letter: char| !letter.is_alphanumeric() && !"/\\~".contains(letter));
        let drive = word.get(1..3).is_some_and(|after| after == ":\\" || after == ":/");
        word.len() > 1 && (word.starts_with(['/', '\\', '~']) || drive)
    };
    let words = text.split_whitespace().map(|word| if is_path(word) { "(path)" } else { word });
    let line = words.collect::<Vec<_>>().join(" ");
    line.chars().filter(|letter| !letter.is_control()).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_lose_their_paths() {
        let text = "/home/me/x.spv: bad\n(C:\\Users\\me\\a) at ~/b, 'a/b' of 3 GFLOP/s /";
        assert_eq!(discreet(text), "(path) bad (path) at (path) 'a/b' of 3 GFLOP/s /");
        assert_eq!(discreet(&"long ".repeat(1000)).len(), 500);
    }
}
