//! The parts of a survey, the most telling first: where time is short, the last ones are left out.

use super::document::{On, Tiles};

/// A part; models by their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Selftest { on: On },
    Ceilings { on: On },
    Bench { on: On, model: usize, batch: usize, tiles: Tiles },
    Profile { on: On, model: usize },
    Tune { model: usize },
    Train { on: On },
}

/// The batch size of what is measured at one only.
pub const BATCH: usize = 512;
/// Models that are measured at other sizes, too, and tuned; later ones only once, and at the end.
const MAIN: usize = 4;

impl Part {
    pub fn on(self) -> On {
        match self {
            Part::Selftest { on } | Part::Ceilings { on } | Part::Profile { on, .. } | Part::Train { on } => on,
            Part::Bench { on, .. } => on,
            Part::Tune { .. } => On::Adapter,
        }
    }

    /// The most of the time that is left which it may take.
    pub fn share(self) -> f64 {
        match self {
            Part::Selftest { .. } => 0.35,
            Part::Ceilings { .. } | Part::Profile { .. } => 0.25,
            Part::Bench { batch: BATCH, .. } => 0.5,
            Part::Bench { .. } => 0.25,
            Part::Train { .. } => 0.4,
            Part::Tune { .. } => 0.4,
        }
    }

    pub fn name(self, models: &[&str]) -> String {
        match self {
            Part::Selftest { .. } => "selftest".into(),
            Part::Ceilings { .. } => "ceilings".into(),
            Part::Bench { model, batch, tiles: Tiles::Table, .. } => format!("bench {} {batch}", models[model]),
            Part::Bench { model, batch, tiles: Tiles::Tuned, .. } => format!("bench {} {batch} tuned", models[model]),
            Part::Profile { model, .. } => format!("profile {}", models[model]),
            Part::Tune { model } => format!("tune {}", models[model]),
            Part::Train { .. } => format!("train {}", models[0]),
        }
    }
}

/// All parts, for so many models: on an adapter and beside it on the CPU path, or on that alone.
pub fn parts(models: usize, main: On) -> Vec<Part> {
    let is_beside = main == On::Adapter;
    let beside = |part: Part| is_beside.then_some(part);
    let (first, later) = (0..models.min(MAIN), MAIN..models);
    let bench = |on: On, batch: usize| {
        let part = move |model| Part::Bench { on, model, batch, tiles: Tiles::Table };
        first.clone().map(part)
    };
    let tune = |model: usize| {
        let again = Part::Bench { on: On::Adapter, model, batch: BATCH, tiles: Tiles::Tuned };
        [Part::Tune { model }, again].into_iter().filter(|_| is_beside)
    };
    let mut parts = vec![Part::Selftest { on: main }, Part::Ceilings { on: main }];
    parts.extend(beside(Part::Ceilings { on: On::Cpu }));
    parts.extend(bench(main, BATCH));
    parts.push(Part::Profile { on: main, model: 0 });
    parts.push(Part::Train { on: main });
    parts.extend(bench(On::Cpu, BATCH).filter(|_| is_beside));
    parts.extend(tune(0));
    parts.extend(bench(main, 4096));
    parts.extend(bench(main, 64));
    parts.extend(first.clone().skip(1).map(|model| Part::Profile { on: main, model }));
    parts.extend(beside(Part::Train { on: On::Cpu }));
    parts.extend(first.clone().skip(1).flat_map(tune));
    parts.extend(bench(On::Cpu, 64).chain(bench(On::Cpu, 4096)).filter(|_| is_beside));
    parts.extend(beside(Part::Profile { on: On::Cpu, model: 0 }));
    parts.extend(later.map(|model| Part::Bench { on: main, model, batch: BATCH, tiles: Tiles::Table }));
    parts.extend(bench(main, 16_384));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_is_there_twice_and_the_first_tell_most() {
        for (models, main, count) in [(1, On::Cpu, 8), (3, On::Cpu, 18), (4, On::Adapter, 46), (7, On::Adapter, 49)] {
            let parts = parts(models, main);
            for (place, part) in parts.iter().enumerate() {
                assert!(!parts[..place].contains(part), "{part:?}");
                assert!(main == On::Adapter || part.on() == On::Cpu, "{part:?}");
            }
            assert_eq!((parts[0], parts.len()), (Part::Selftest { on: main }, count));
        }
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
