//! The parts of a survey, the most telling first: where time is short, the last ones are left out.

use super::document::{On, Tiles};
use crate::precision::Precision;

/// A part; models by their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Selftest {
        on: On,
    },
    Ceilings {
        on: On,
    },
    Bench {
        on: On,
        model: usize,
        batch: usize,
        tiles: Tiles,
        precision: Precision,
    },
    Profile {
        on: On,
        model: usize,
    },
    Tune {
        model: usize,
    },
    /// Of the first model.
    Train {
        on: On,
        precision: Precision,
    },
}

/// The batch size of what is measured at one only.
pub const BATCH: usize = 512;
/// Models that are measured at other sizes, too, and tuned; later ones only once, and at the end.
const MAIN: usize = 4;
/// Those that are timed in 16 bits, too, of which the first is trained so: of the built-in ones the smallest, and one
/// whose activations are most of its traffic.
const NARROW: [usize; 2] = [0, 2];

impl Part {
    pub fn on(self) -> On {
        match self {
            Part::Selftest { on } | Part::Ceilings { on } | Part::Profile { on, .. } | Part::Train { on, .. } => on,
            Part::Bench { on, .. } => on,
            Part::Tune { .. } => On::Adapter,
        }
    }

    /// The most of the time that is left which it may take.
    pub fn share(self) -> f64 {
        match self {
            Part::Selftest { .. } => 0.35,
            Part::Ceilings { .. } | Part::Profile { .. } => 0.25,
            Part::Bench { batch: BATCH, precision: Precision::F32, .. } => 0.5,
            Part::Bench { .. } => 0.25,
            Part::Train { precision: Precision::F32, .. } => 0.4,
            Part::Train { .. } => 0.25,
            Part::Tune { .. } => 0.4,
        }
    }

    pub fn name(self, models: &[&str]) -> String {
        let mode = |precision: Precision| if precision.is_f32() { "".into() } else { format!(" {}", precision.name()) };
        match self {
            Part::Selftest { .. } => "selftest".into(),
            Part::Ceilings { .. } => "ceilings".into(),
            Part::Bench { model, batch, tiles, precision, .. } => {
                let tuned = if tiles == Tiles::Tuned { " tuned" } else { "" };
                format!("bench {} {batch}{}{tuned}", models[model], mode(precision))
            }
            Part::Profile { model, .. } => format!("profile {}", models[model]),
            Part::Tune { model } => format!("tune {}", models[model]),
            Part::Train { precision, .. } => format!("train {}{}", models[0], mode(precision)),
        }
    }
}

/// All parts, for so many models: on an adapter and beside it on the CPU path, or on that alone.
pub fn parts(models: usize, main: On) -> Vec<Part> {
    let is_beside = main == On::Adapter;
    let beside = |part: Part| is_beside.then_some(part);
    let (first, later) = (0..models.min(MAIN), MAIN..models);
    let bench = |on: On, batch: usize| {
        let part = move |model| Part::Bench { on, model, batch, tiles: Tiles::Table, precision: Precision::F32 };
        first.clone().map(part)
    };
    let train = |on: On| Part::Train { on, precision: Precision::F32 };
    let in_16_bits = |precision: Precision| {
        let timed = NARROW.into_iter().filter(move |model| *model < models);
        let bench = move |model| Part::Bench { on: main, model, batch: BATCH, tiles: Tiles::Table, precision };
        timed.map(bench).chain([Part::Train { on: main, precision }])
    };
    let tune = |model: usize| {
        let (on, precision) = (On::Adapter, Precision::F32);
        let again = Part::Bench { on, model, batch: BATCH, tiles: Tiles::Tuned, precision };
        [Part::Tune { model }, again].into_iter().filter(|_| is_beside)
    };
    let mut parts = vec![Part::Selftest { on: main }, Part::Ceilings { on: main }];
    parts.extend(beside(Part::Ceilings { on: On::Cpu }));
    parts.extend(bench(main, BATCH));
    parts.push(Part::Profile { on: main, model: 0 });
    parts.push(train(main));
    parts.extend([Precision::Bf16, Precision::F16].into_iter().flat_map(in_16_bits));
    parts.extend(bench(On::Cpu, BATCH).filter(|_| is_beside));
    parts.extend(tune(0));
    parts.extend(bench(main, 4096));
    parts.extend(bench(main, 64));
    parts.extend(first.clone().skip(1).map(|model| Part::Profile { on: main, model }));
    parts.extend(beside(train(On::Cpu)));
    parts.extend(first.clone().skip(1).flat_map(tune));
    parts.extend(bench(On::Cpu, 64).chain(bench(On::Cpu, 4096)).filter(|_| is_beside));
    parts.extend(beside(Part::Profile { on: On::Cpu, model: 0 }));
    let bench_once =
        |model| Part::Bench { on: main, model, batch: BATCH, tiles: Tiles::Table, precision: Precision::F32 };
    parts.extend(later.map(bench_once));
    parts.extend(bench(main, 16_384));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_is_there_twice_and_the_first_tell_most() {
        for (models, main, count) in [(1, On::Cpu, 12), (3, On::Cpu, 24), (4, On::Adapter, 52), (7, On::Adapter, 55)] {
            let parts = parts(models, main);
            for (place, part) in parts.iter().enumerate() {
                assert!(!parts[..place].contains(part), "{part:?}");
                assert!(main == On::Adapter || part.on() == On::Cpu, "{part:?}");
            }
            assert_eq!((parts[0], parts.len()), (Part::Selftest { on: main }, count));
        }
    }

    #[test]
    fn modes_of_16_bits_come_after_the_same_in_f32() {
        let parts = parts(4, On::Adapter);
        let names: Vec<String> = parts.iter().map(|part| part.name(&["a", "b", "c", "d"])).collect();
        let place = |name: &str| names.iter().position(|own| own == name).unwrap_or_else(|| panic!("{name}"));
        for (mode, f32s) in [("bench a 512 bf16", "bench a 512"), ("train a f16", "train a")] {
            assert!(place(mode) > place(f32s) && place(mode) > place("profile a") && place(mode) < place("tune a"));
        }
        assert_eq!(names.iter().filter(|name| name.ends_with("f16")).count(), 6, "{names:?}");
        assert!(place("bench c 512 f16") > place("bench c 512 bf16"));
    }

    #[test]
    fn what_is_tuned_is_timed_again() {
        let parts = parts(4, On::Adapter);
        let tuned = |part: &Part| matches!(part, Part::Tune { .. });
        assert_eq!(parts.iter().filter(|part| tuned(part)).count(), 4);
        for pair in parts.windows(2).filter(|pair| tuned(&pair[0])) {
            let (Part::Tune { model }, Part::Bench { model: same, tiles: Tiles::Tuned, .. }) = (pair[0], pair[1])
            else {
                panic!("{pair:?}");
            };
            assert_eq!(model, same);
        }
    }
}
