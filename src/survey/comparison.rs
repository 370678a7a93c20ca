//! Several surveys side by side.

use askama::Template;

use super::document::{How, On, Speed, Survey, Tiles};
use super::drawings;
use crate::error::{Error, Result};
use crate::model::thousands;
use crate::precision::Precision;
use crate::report::Drawing;

#[derive(Template)]
#[template(path = "comparison.html")]
struct Page {
    columns: Vec<String>,
    speeds: Option<Drawing>,
    rows: Vec<Vec<String>>,
}

/// The models and batch sizes of all surveys, each once.
fn measured(surveys: &[Survey]) -> Vec<(&str, usize)> {
    let mut all: Vec<(&str, usize)> = Vec::new();
    for (model, batch) in surveys.iter().flat_map(Survey::measured) {
        if !all.contains(&(model, batch)) {
            // Beside the model's other sizes.
            let place = all.iter().rposition(|(other, size)| *other == model && *size < batch);
            let first = all.iter().position(|(other, _)| *other == model);
            all.insert(place.map_or(first.unwrap_or(all.len()), |place| place + 1), (model, batch));
        }
    }
    all
}

/// A row for what any of the surveys tells: what it is, and each survey's, `-` where it has none.
pub fn comparison(surveys: &[Survey]) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row = |name: &str, value: &dyn Fn(&Survey) -> Option<String>| {
        let values: Vec<Option<String>> = surveys.iter().map(value).collect();
        if values.iter().any(Option::is_some) {
            let values = values.into_iter().map(|value| value.filter(|text| !text.is_empty()).unwrap_or("-".into()));
            rows.push([name.to_owned()].into_iter().chain(values).collect());
        }
    };
    let adapter = |survey: &Survey| survey.surveyed.and_then(|place| survey.adapters.get(place)).cloned();
    row("surveyed", &|survey| Some(survey.title().to_owned()));
    row("backend", &|survey| adapter(survey).map(|adapter| adapter.backend));
    row("driver", &|survey| {
        adapter(survey).map(|adapter| format!("{} {}", adapter.driver, adapter.driver_info).trim().to_owned())
    });
    row("processor", &|survey| survey.processor.clone());
    row("threads", &|survey| Some(survey.threads.to_string()));
    row("gpu-fmnist", &|survey| Some(survey.program.clone()));
    row("selftest", &|survey| {
        survey.selftest.first().map(|test| match test.failed() {
            0 if test.complete => "passed".to_owned(),
            0 => "passed so far".to_owned(),
            failed => format!("{failed} FAILED"),
        })
    });
    for on in [On::Adapter, On::Cpu] {
        let beside = How::plainly(on).words();
        row(&format!("GFLOP/s at most{beside}"), &|survey| {
            survey.ceilings(on).map(|ceilings| format!("{:.1}", 1e-9 * ceilings.operations_per_second))
        });
        row(&format!("GB/s at most{beside}"), &|survey| {
            survey.ceilings(on).map(|ceilings| format!("{:.1}", 1e-9 * ceilings.bytes_per_second))
        });
        for (model, batch) in measured(surveys) {
            for how in How::all(on) {
                row(&format!("images/s, {model}, {batch}{}", how.words()), &|survey| {
                    let speed = survey.speed(how, model, batch);
                    speed.map(|speed| thousands(speed.images_per_second.round() as usize))
                });
            }
        }
        for (model, batch) in measured(surveys) {
            let is_narrow =
                |speed: &Speed| !speed.precision.is_f32() && (&*speed.model, speed.batch_size) == (model, batch);
            let has_modes = surveys.iter().flat_map(|survey| &survey.bench).any(is_narrow);
            for how in How::all(on).filter(|how| has_modes && how.tiles == Tiles::Table) {
                row(&format!("MB, {model}, {batch}{}", how.words()), &|survey| {
                    let speed = survey.speed(how, model, batch);
                    speed.map(|speed| format!("{:.1}", 1e-6 * speed.memory_bytes as f64))
                });
            }
        }
        for precision in Precision::ALL {
            let of = How { precision, ..How::plainly(on) }.words();
            row(&format!("test accuracy{of}"), &|survey| {
                survey.trained(on, precision).map(|trained| {
                    format!(
                        "{:.2} %, {} of {} epochs",
                        100.0 * trained.test_accuracy,
                        trained.epochs.len(),
                        trained.of_epochs
                    )
                })
            });
            row(&format!("seconds of training{of}"), &|survey| {
                survey.trained(on, precision).map(|trained| format!("{:.1}", trained.seconds))
            });
        }
    }
    rows
}

/// The same as a page; `names` are what the surveys are called.
///
/// # Errors
/// [`Error::Failed`] where the picture cannot be drawn.
pub fn comparison_html(names: &[String], surveys: &[Survey]) -> Result<String> {
    let values = |model: &str, batch| {
        let speed = |survey: &Survey| survey.speed(How::plainly(survey.main()), model, batch).cloned();
        surveys.iter().map(|survey| speed(survey).map(|speed| speed.images_per_second)).collect()
    };
    let series = |(name, survey): (&String, &Survey)| format!("{name}: {}", survey.title());
    let series: Vec<String> = names.iter().zip(surveys).map(series).collect();
    let speeds = drawings::dots("training images a second", &series, &measured(surveys), values)?;
    let page = Page { columns: names.to_vec(), speeds, rows: comparison(surveys) };
    page.render().map_err(|error| Error::Failed(format!("the page cannot be written: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survey::parts::BATCH;

    fn survey(measured: &[(&str, usize)]) -> Survey {
        let speed = |(model, batch): &(&str, usize)| Speed {
            on: On::Cpu,
            model: (*model).to_owned(),
            batch_size: *batch,
            tiles: Tiles::Table,
            precision: Precision::F32,
            steps: 1,
            seconds_per_step: 0.5,
            seconds_per_step_of_repeats: vec![0.5],
            images_per_second: 2.0 * *batch as f64,
            operations_per_step: 7,
            operations_per_second: 14.0,
            memory_bytes: 1,
            start_up_seconds: 0.1,
            tolerance_used: None,
        };
        Survey { bench: measured.iter().map(speed).collect(), ..Survey::begun(Vec::new(), None, 1.0) }
    }

    #[test]
    fn what_one_survey_lacks_is_a_dash() {
        let surveys = [survey(&[("a", BATCH), ("b", 64)]), survey(&[("a", 64), ("a", 4096), ("c", 64)])];
        assert_eq!(measured(&surveys), [("a", 64), ("a", BATCH), ("a", 4096), ("b", 64), ("c", 64)]);
        let rows = comparison(&surveys);
        let row = |name: &str| rows.iter().find(|row| row[0] == name).unwrap()[1..].to_vec();
        assert_eq!(row("images/s, a, 512, CPU path"), ["1,024", "-"]);
        assert_eq!(row("images/s, a, 4096, CPU path"), ["-", "8,192"]);
        assert_eq!(row("surveyed"), ["the CPU path"; 2]);
        assert!(!rows.iter().any(|row| row[0] == "backend"));
    }
    /// Beside f32's, with what both take of memory; other models have no row for that.
    #[test]
    fn modes_of_16_bits_have_rows_of_their_own() {
        let mut narrow = survey(&[("a", BATCH), ("b", BATCH), ("a", BATCH)]);
        let Speed { precision, memory_bytes, images_per_second, .. } = &mut narrow.bench[2];
        (*precision, *memory_bytes, *images_per_second) = (Precision::Bf16, 500_000, 9000.0);
        let rows = comparison(&[narrow, survey(&[("a", BATCH)])]);
        let names: Vec<&str> = rows.iter().map(|row| &*row[0]).filter(|name| name.contains(", 512")).collect();
        let images = ["images/s, a, 512, CPU path", "images/s, a, 512, bf16, CPU path", "images/s, b, 512, CPU path"];
        assert_eq!(names, [&images[..], &["MB, a, 512, CPU path", "MB, a, 512, bf16, CPU path"]].concat());
        let row = |name: &str| rows.iter().find(|row| row[0] == name).unwrap()[1..].to_vec();
        assert_eq!(row(images[1]), ["9,000", "-"]);
        assert_eq!(row("MB, a, 512, bf16, CPU path"), ["0.5", "-"]);
    }
}
