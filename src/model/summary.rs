//! The table that Keras' `model.summary()` prints.

use super::{Model, Resolved, resolve};
use crate::error::Result;
use crate::geometry::Shape;
use crate::plan::VariableSpec;

const WIDTHS: [usize; 3] = [33, 24, 15];

/// Layers, output shapes, parameters and totals, as Keras lays them out.
pub fn summary(model: &Model) -> Result<String> {
    let (layers, total) = layers(model)?;
    let mut text = format!("Model: \"{}\"\n", model.name);
    text += &rule(["┏", "┳", "┓"], "━");
    text += &row(["Layer (type)".into(), "Output Shape".into(), "Param #".into()], "┃");
    text += &rule(["┡", "╇", "┩"], "━");
    for (index, layer) in layers.into_iter().enumerate() {
        if index > 0 {
            text += &rule(["├", "┼", "┤"], "─");
        }
        text += &row(layer, "│");
    }
    text += &rule(["└", "┴", "┘"], "─");
    for (label, count) in [("Total", total), ("Trainable", total), ("Non-trainable", 0)] {
        text += &format!(" {label} params: {} ({})\n", thousands(count), bytes(4 * count));
    }
    Ok(text)
}

/// Each layer's name with its type, its output's shape and its number of parameters; and how many those are in all.
///
/// # Errors
/// See [`resolve`].
pub fn layers(model: &Model) -> Result<(Vec<[String; 3]>, usize)> {
    let layers = resolve(model)?;
    let parameters = |layer: &Resolved| layer.inferred.variables.iter().map(VariableSpec::values).sum::<usize>();
    let cells = |layer: &Resolved| {
        let name = format!("{} ({})", layer.name, layer.layer.class_name());
        [name, output(layer.inferred.output), thousands(parameters(layer))]
    };
    Ok((layers.iter().map(cells).collect(), layers.iter().map(parameters).sum()))
}

fn rule(corners: [&str; 3], line: &str) -> String {
    let cells = WIDTHS.map(|width| line.repeat(width));
    format!("{}{}{}\n", corners[0], cells.join(corners[1]), corners[2])
}

fn row([name, shape, parameters]: [String; 3], bar: &str) -> String {
    let [name_width, shape_width, parameters_width] = WIDTHS.map(|width| width - 2);
    format!("{bar} {name:<name_width$} {bar} {shape:<shape_width$} {bar} {parameters:>parameters_width$} {bar}\n")
}

fn output(shape: Shape) -> String {
    match shape {
        Shape::Image([height, width, channels]) => format!("(None, {height}, {width}, {channels})"),
        Shape::Features(features) => format!("(None, {features})"),
    }
}

/// 693962 as `693,962`.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap_or("")).collect();
    groups.join(",")
}

fn bytes(count: usize) -> String {
    match count as f64 {
        few if few < 1024.0 => format!("{few:.2} B"),
        some if some < 1024.0 * 1024.0 => format!("{:.2} KB", some / 1024.0),
        many => format!("{:.2} MB", many / (1024.0 * 1024.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::notebook;

    #[test]
    fn parameter_counts_are_the_notebooks() {
        for (name, total) in
            [("cnn1", "693,962 (2.65 MB)"), ("cnn2", "159,882 (624.54 KB)"), ("cnn3", "289,610 (1.10 MB)")]
        {
            let text = notebook(name).map(|(model, _)| summary(&model)).unwrap().unwrap();
            assert!(text.contains(&format!("Total params: {total}")), "{text}");
        }
    }
}
