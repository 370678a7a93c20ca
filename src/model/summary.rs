//! The table that Keras' `model.summary()` prints.

use super::{IMAGES, Model, Resolved, in_keras_order, is_sequence, resolve};
use crate::error::Result;
use crate::geometry::Shape;

/// The columns of a sequence and of a graph, as wide as Keras makes them on a terminal of 80 columns.
const SEQUENCE: [(&str, usize); 3] = [("Layer (type)", 33), ("Output Shape", 24), (NUMBERS, 15)];
const GRAPH: [(&str, usize); 4] = [("Layer (type)", 21), ("Output Shape", 19), (NUMBERS, 12), ("Connected to", 19)];
/// The column that is to the right.
const NUMBERS: &str = "Param #";

/// Layers, output shapes, parameters and totals, as Keras lays them out; of a graph, what each layer takes, too.
///
/// # Errors
/// See [`resolve`].
pub fn summary(model: &Model) -> Result<String> {
    let layers = in_keras_order(resolve(model)?);
    let is_sequence = is_sequence(&layers);
    let mut rows = Vec::new();
    if !is_sequence {
        rows.push(
            [format!("{IMAGES} (InputLayer)"), output(Shape::Image(model.input)), "0".into(), "-".into()].to_vec(),
        );
    }
    for layer in &layers {
        let mut row = cells(layer).to_vec();
        if !is_sequence {
            row.push(connections(layer, &layers));
        }
        rows.push(row);
    }
    let columns = if is_sequence { &SEQUENCE[..] } else { &GRAPH };
    let mut text = format!("Model: \"{}\"\n", model.name) + &table(columns, rows);
    let [trained, moving] = [true, false].map(|kind| layers.iter().map(|layer| parameters(layer, kind)).sum::<usize>());
    for (label, count) in [("Total", trained + moving), ("Trainable", trained), ("Non-trainable", moving)] {
        text += &format!(" {label} params: {} ({})\n", thousands(count), bytes(4 * count));
    }
    Ok(text)
}

/// A model's layers in words, in its own order.
#[derive(Debug)]
pub struct Layers {
    /// Of each layer its name with its type, its output's shape and its number of parameters.
    pub rows: Vec<[String; 3]>,
    /// What each layer takes: `a, conv2d_1`. None of a sequence, where it is the one before.
    pub inputs: Option<Vec<String>>,
    /// How many there are in all.
    pub parameters: usize,
}

/// What the summary says, for others to lay out.
///
/// # Errors
/// See [`resolve`].
pub fn layers(model: &Model) -> Result<Layers> {
    let layers = resolve(model)?;
    let inputs = |layer: &Resolved| inputs(layer, &layers).collect::<Vec<_>>().join(", ");
    Ok(Layers {
        rows: layers.iter().map(cells).collect(),
        inputs: (!is_sequence(&layers)).then(|| layers.iter().map(inputs).collect()),
        parameters: layers.iter().map(all_parameters).sum(),
    })
}

/// How many of the model's parameters are trained.
///
/// # Errors
/// See [`resolve`].
pub fn trainable_parameters(model: &Model) -> Result<usize> {
    Ok(resolve(model)?.iter().map(|layer| parameters(layer, true)).sum())
}

/// How many of the layer's parameters are trained, or are not.
fn parameters(layer: &Resolved, trained: bool) -> usize {
    let variables = layer.variables().filter(|(_, is_trained)| *is_trained == trained);
    variables.map(|(variable, _)| variable.values()).sum()
}

fn all_parameters(layer: &Resolved) -> usize {
    parameters(layer, true) + parameters(layer, false)
}

fn cells(layer: &Resolved) -> [String; 3] {
    let name = format!("{} ({})", layer.name, layer.layer.class_name());
    [name, output(layer.inferred.output), thousands(all_parameters(layer))]
}

/// What the layer takes: `conv2d[0][0], input[0][0]`, each the one output of its one use.
fn connections(layer: &Resolved, layers: &[Resolved]) -> String {
    let names: Vec<String> = inputs(layer, layers).map(|name| format!("{name}[0][0]")).collect();
    names.join(", ")
}

fn inputs<'a>(layer: &'a Resolved, layers: &'a [Resolved]) -> impl Iterator<Item = &'a str> {
    let name = |&input: &usize| input.checked_sub(1).map_or(IMAGES, |index| layers[index].name.as_str());
    layer.inputs.iter().map(name)
}

fn table(columns: &[(&str, usize)], rows: Vec<Vec<String>>) -> String {
    let rule = |corners: [&str; 3], line: &str| {
        let cells: Vec<String> = columns.iter().map(|(_, width)| line.repeat(*width)).collect();
        format!("{}{}{}\n", corners[0], cells.join(corners[1]), corners[2])
    };
    let mut text = rule(["┏", "┳", "┓"], "━");
    text += &row(columns, columns.iter().map(|(name, _)| (*name).to_owned()).collect(), "┃");
    text += &rule(["┡", "╇", "┩"], "━");
    for (index, cells) in rows.into_iter().enumerate() {
        if index > 0 {
            text += &rule(["├", "┼", "┤"], "─");
        }
        text += &row(columns, cells, "│");
    }
    text + &rule(["└", "┴", "┘"], "─")
}

/// A row in as many lines as its longest cell takes.
fn row(columns: &[(&str, usize)], cells: Vec<String>, bar: &str) -> String {
    let cells: Vec<Vec<String>> =
        cells.iter().zip(columns).map(|(cell, (_, width))| wrapped(cell, width - 2)).collect();
    let mut text = String::new();
    for line in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
        for (cell, (name, width)) in cells.iter().zip(columns) {
            let (part, width) = (cell.get(line).map_or("", String::as_str), width - 2);
            text += &if *name == NUMBERS { format!("{bar} {part:>width$} ") } else { format!("{bar} {part:<width$} ") };
        }
        text += &format!("{bar}\n");
    }
    text
}

/// The text in lines of at most so many letters, broken at spaces; a longer word ends in an ellipsis.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if letters(line) + 1 + letters(word) <= width => *line += &format!(" {word}"),
            _ => lines.push(word.to_owned()),
        }
    }
    for line in lines.iter_mut().filter(|line| letters(line) > width) {
        *line = line.chars().take(width - 1).chain(['…']).collect();
    }
    lines
}

fn letters(text: &str) -> usize {
    text.chars().count()
}

fn output(shape: Shape) -> String {
    match shape {
        Shape::Image([height, width, channels]) => format!("(None, {height}, {width}, {channels})"),
        Shape::Features(features) => format!("(None, {features})"),
    }
}

/// A whole number, 693962, as `693,962`.
pub(crate) fn thousands(number: impl ToString) -> String {
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
    use crate::model::{built_in, parse};

    #[test]
    fn parameter_counts_are_the_notebooks() {
        for (name, total) in
            [("cnn1", "693,962 (2.65 MB)"), ("cnn2", "159,882 (624.54 KB)"), ("cnn3", "289,610 (1.10 MB)")]
        {
            let text = built_in(name).map(|(model, _)| summary(&model)).unwrap().unwrap();
            assert!(text.contains(&format!("Total params: {total}")), "{text}");
        }
    }

    /// As Keras 3.15.1 prints the same network.
    #[test]
    fn a_graph_has_its_connections() {
        let model = r#"
            name = "graph"
            input = [8, 8, 1]
            layers = [
                { type = "conv2d", filters = 4, kernel = 3, padding = "same", use_bias = false, name = "stem" },
                { type = "batch_normalization" },
                { type = "conv2d", filters = 4, kernel = 1, inputs = ["stem"] },
                { type = "add", inputs = ["conv2d", "batch_normalization", "stem"] },
                { type = "global_average_pool2d" },
                { type = "dense", units = 3 },
            ]"#;
        assert_eq!(summary(&parse("graph.toml", model).unwrap().0).unwrap(), KERAS);
    }

    const KERAS: &str = r#"Model: "graph"
┏━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┓
┃ Layer (type)        ┃ Output Shape      ┃    Param # ┃ Connected to      ┃
┡━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━┩
│ input (InputLayer)  │ (None, 8, 8, 1)   │          0 │ -                 │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ stem (Conv2D)       │ (None, 8, 8, 4)   │         36 │ input[0][0]       │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ conv2d (Conv2D)     │ (None, 8, 8, 4)   │         20 │ stem[0][0]        │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ batch_normalization │ (None, 8, 8, 4)   │         16 │ stem[0][0]        │
│ (BatchNormalizatio… │                   │            │                   │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ add (Add)           │ (None, 8, 8, 4)   │          0 │ conv2d[0][0],     │
│                     │                   │            │ batch_normalizat… │
│                     │                   │            │ stem[0][0]        │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ global_average_poo… │ (None, 4)         │          0 │ add[0][0]         │
│ (GlobalAveragePool… │                   │            │                   │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ dense (Dense)       │ (None, 3)         │         15 │ global_average_p… │
└─────────────────────┴───────────────────┴────────────┴───────────────────┘
 Total params: 87 (348.00 B)
 Trainable params: 79 (316.00 B)
 Non-trainable params: 8 (32.00 B)
"#;
}
