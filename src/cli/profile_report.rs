//! What `profile` prints and writes: the table, the JSON object, the roofline and the trace.

use clap::ValueEnum;
use serde_json::{Value, json};

use super::device::Device;
use super::output;
use crate::formats::{Event, trace};
use crate::measure::{Ceilings, Measured, Profile, Work};
use crate::plan::Clock;
use crate::plot::{Point, Roofline};

/// An order of passes.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Sort {
    /// As they run
    Plan,
    /// The longest first
    Time,
}

/// What was measured of what.
pub struct Report {
    pub model: String,
    pub batch: usize,
    pub steps: u32,
    pub device: Device,
    pub ceilings: Ceilings,
    pub profile: Profile,
}

const GIGA: f64 = 1e-9;

impl Report {
    fn title(&self) -> String {
        format!("{}, batches of {}, on {}", self.model, self.batch, self.device.describe())
    }

    pub fn text(&self, sort: Sort) -> String {
        let Self { profile, ceilings, .. } = self;
        let row = |work: &Work, passes: usize, seconds: f64, share: f64| {
            let rate = |what: usize| format!("{:.2}", GIGA * what as f64 / seconds);
            let intensity = work.operations as f64 / work.bytes as f64;
            let optional = |text: String| if work.operations > 0 { text } else { "-".into() };
            let of_roof = 100.0 * ceilings.part_of_roof(work, seconds).unwrap_or(0.0);
            vec![
                work.layer.clone(),
                work.kernel.to_owned(),
                passes.to_string(),
                format!("{:.3}", 1e3 * seconds),
                format!("{:.1} %", 100.0 * share),
                optional(rate(work.operations)),
                rate(work.bytes),
                optional(format!("{intensity:.2}")),
                optional(format!("{of_roof:.0} %")),
            ]
        };
        let mut measured: Vec<&Measured> = profile.measured.iter().collect();
        if sort == Sort::Time {
            measured.sort_by(|one, other| other.seconds.total_cmp(&one.seconds));
        }
        let mut rows: Vec<Vec<String>> =
            measured.into_iter().map(|one| row(&one.work, one.passes, one.seconds, one.share)).collect();
        let all = Work {
            layer: "all".into(),
            kernel: "",
            operations: profile.passes.iter().map(|pass| pass.operations).sum(),
            bytes: profile.passes.iter().map(|pass| pass.bytes).sum(),
        };
        rows.push(row(&all, profile.passes.len(), profile.seconds(), 1.0));
        let headings = ["layer", "kernel", "passes", "ms", "share", "GFLOP/s", "GB/s", "FLOP/byte", "of roof"];
        let clock = match (profile.clock, &self.device) {
            (Clock::Device, _) => "the device's clock",
            (Clock::Host, Device::Cpu) => "the host's clock",
            (Clock::Host, Device::Gpu(_)) => {
                "the host's clock, each pass submitted by itself, since this adapter has no clock of its own"
            }
        };
        format!(
            "{}\nat most {:.1} GFLOP/s, {:.1} GB/s; medians over {} steps by {clock}\n\n{}\n\
             a step as training submits it: {:.3} ms, of which no pass accounts for {:.1} %; \
             gaps between timed passes: {:.1} %\n",
            self.title(),
            GIGA * ceilings.operations_per_second,
            GIGA * ceilings.bytes_per_second,
            self.steps,
            output::table(&headings, &rows),
            1e3 * profile.step,
            100.0 * profile.host(),
            100.0 * profile.gaps,
        )
    }

    pub fn json(&self) -> Value {
        let Self { model, batch, steps, device, ceilings, profile } = self;
        let measured = |measured: &Measured| {
            let Measured { work, passes, seconds, share } = measured;
            json!({
                "layer": work.layer,
                "kernel": work.kernel,
                "passes": passes,
                "seconds": seconds,
                "share": share,
                "operations": work.operations,
                "bytes": work.bytes,
                "of_roof": ceilings.part_of_roof(work, *seconds),
            })
        };
        json!({
            "model": model,
            "batch_size": batch,
            "steps": steps,
            "adapter": device.about(),
            "clock": profile.clock,
            "ceilings": ceilings,
            "kernels": profile.measured.iter().map(measured).collect::<Vec<_>>(),
            "seconds_of_passes": profile.seconds(),
            "seconds_of_step": profile.step,
            "share_of_host": profile.host(),
            "share_of_gaps": profile.gaps,
        })
    }

    /// A point for each kernel of a layer.
    pub fn roofline(&self) -> Roofline {
        let point = |Measured { work, seconds, share, .. }: &Measured| Point {
            label: format!("{} {}", work.layer, work.kernel),
            group: work.kernel.to_owned(),
            share: *share,
            operations: work.operations as f64,
            bytes: work.bytes as f64,
            seconds: *seconds,
        };
        let Ceilings { operations_per_second, bytes_per_second } = self.ceilings;
        let points = self.profile.measured.iter().map(point).collect();
        Roofline::new(self.title(), [operations_per_second, bytes_per_second], points)
    }

    /// The timed submissions on two tracks. The two clocks have no common origin: the passes are put where they end with
    /// the submission.
    pub fn trace(&self) -> Vec<u8> {
        const MICRO: f64 = 1e-3;
        let Profile { passes, timelines, .. } = &self.profile;
        let origin = timelines.first().map(|timeline| timeline.submitted);
        let mut events = Vec::new();
        let mut step = 0;
        for timeline in timelines {
            let start = origin.map_or(0.0, |origin| (timeline.submitted - origin).as_secs_f64() * 1e6);
            let duration = timeline.wall.as_secs_f64() * 1e6;
            let steps = timeline.passes.len() / passes.len();
            let arguments = json!({ "steps": steps });
            events.push(Event { name: format!("{steps} steps"), track: 0, start, duration, arguments });
            let end = timeline.passes.last().map_or(0.0, |last| MICRO * last.end);
            for (ran, pass) in timeline.passes.iter().zip(passes.iter().cycle()) {
                let seconds = (ran.end - ran.start) * 1e-9;
                let arguments = json!({
                    "step": step / passes.len(),
                    "GFLOP/s": GIGA * pass.operations as f64 / seconds,
                    "GB/s": GIGA * pass.bytes as f64 / seconds,
                    "of roof": self.ceilings.part_of_roof(pass, seconds),
                });
                events.push(Event {
                    name: format!("{} {}", pass.layer, pass.kernel),
                    track: 1,
                    start: start + (duration - end).max(0.0) + MICRO * ran.start,
                    duration: 1e6 * seconds,
                    arguments,
                });
                step += 1;
            }
        }
        trace(&self.title(), &["host: submissions".into(), format!("{}: passes", self.device.name())], &events)
    }
}
