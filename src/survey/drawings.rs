//! The pictures of a survey's page, each with what it says in words.

use super::document::{How, On, Profiled, Survey, Tiles};
use crate::error::Result;
use crate::measure::Ceilings;
use crate::model::thousands;
use crate::plot::{DotPlot, Point, Roofline, Row, svg};
use crate::report::Drawing;

/// Images a second by network and batch size; nothing where none was measured.
pub fn speeds(survey: &Survey) -> Result<Option<Drawing>> {
    let has = |how: &How| survey.bench.iter().any(|speed| speed.how() == *how);
    let series: Vec<How> = [On::Adapter, On::Cpu].into_iter().flat_map(How::all).filter(has).collect();
    let name = |how: &How| {
        let tuned = if how.tiles == Tiles::Tuned { ", tuned tiles" } else { "" };
        let precision = if how.precision.is_f32() { String::new() } else { format!(", {}", how.precision.name()) };
        format!("{}{precision}{tuned}", survey.name(how.on))
    };
    let values = |model: &str, batch| {
        series.iter().map(|how| survey.speed(*how, model, batch).map(|speed| speed.images_per_second)).collect()
    };
    dots("training images a second", &series.iter().map(name).collect::<Vec<_>>(), &survey.measured(), values)
}

/// A row for each model and batch size, in which `values` has one for each series; nothing where there are no rows.
pub fn dots(
    title: &str,
    series: &[String],
    measured: &[(&str, usize)],
    values: impl Fn(&str, usize) -> Vec<Option<f64>>,
) -> Result<Option<Drawing>> {
    let row = |(model, batch): &(&str, usize)| Row {
        name: format!("{model}, batches of {}", thousands(*batch)),
        values: values(model, *batch),
    };
    let groups: Vec<Vec<Row>> = measured
        .chunk_by(|one, other| one.0 == other.0)
        .map(|group| group.iter().map(row).filter(|row| row.values.iter().any(Option::is_some)).collect())
        .filter(|group: &Vec<Row>| !group.is_empty())
        .collect();
    if groups.is_empty() {
        return Ok(None);
    }
    let said = groups.iter().flatten().map(|row| {
        let of_series = series
            .iter()
            .zip(&row.values)
            .filter_map(|(series, value)| value.map(|value| format!("{series} {}", thousands(value.round() as usize))));
        format!("{}: {}", row.name, of_series.collect::<Vec<_>>().join(", "))
    });
    let words = format!("{title}. {}.", said.collect::<Vec<_>>().join("; "));
    let values = format!("{title} (logarithmic)");
    let figure = DotPlot { title: title.into(), values, series: series.to_vec(), groups };
    Ok(Some(Drawing { svg: svg(&figure)?, words }))
}

/// A profile's passes below what the device can do at most; nothing where that is not known.
pub fn roofline(survey: &Survey, profile: &Profiled) -> Result<Option<Drawing>> {
    let Some(Ceilings { operations_per_second, bytes_per_second }) = survey.ceilings(profile.on) else {
        return Ok(None);
    };
    let points = profile.kernels.iter().map(|pass| Point {
        label: format!("{} {}", pass.layer, pass.kernel),
        group: pass.kernel.clone(),
        share: pass.share,
        operations: pass.operations as f64,
        bytes: pass.bytes as f64,
        seconds: pass.seconds,
    });
    let of = match profile.on {
        On::Adapter => survey.title(),
        On::Cpu => "the CPU path",
    };
    let title = format!("{}, batches of {}, on {of}", profile.model, profile.batch_size);
    let longest = profile.kernels.iter().max_by(|one, other| one.share.total_cmp(&other.share));
    let longest = longest.map_or_else(String::new, |pass| {
        format!(" The longest is {} {}, {:.1} % of the time.", pass.layer, pass.kernel, 100.0 * pass.share)
    });
    let words = format!("Roofline of {title}.{longest}");
    let figure = Roofline::new(title, [operations_per_second, bytes_per_second], points.collect());
    Ok(Some(Drawing { svg: svg(&figure)?, words }))
}
