//! The support vector machine with radial basis functions, as scikit-learn's `SVC`: each two classes apart by a
//! machine, and a vote among them.

use rayon::prelude::*;

use super::learner::{Learner, Task, Trained};
use super::prediction::highest;
use super::rbf::{self, Kernel};
use super::smo::{Solution, solve};
use super::{Features, Products};
use crate::callback::{ProgressCallback, tell};
use crate::error::{Error, Result};
use crate::kernels::{Matrix, Target, multiply, transpose};

pub const LEARNER: Learner = Learner {
    name: "svm",
    title: "support vector machine",
    settings: "RBF, C = 1",
    train: |task, callback| Ok(Box::new(Machines::of(task, callback)?)),
};

const COST: f32 = 1.0;
/// The most samples of two classes: among more, the kernel's values would take over 4 GiB.
const MOST: usize = 32_768;
/// Rows that are predicted at a time by a thread, and between two calls of the callback.
const TOGETHER: usize = 64;
const PORTION: usize = 32 * TOGETHER;

/// What keeps two classes apart.
struct Machine {
    /// Places among the classes that there are.
    classes: [usize; 2],
    /// Support vectors with their signed weights.
    weights: Vec<(u32, f32)>,
    offset: f32,
}

struct Machines {
    gamma: f32,
    /// Those classes that have a sample.
    classes: Vec<u8>,
    columns: usize,
    /// `[columns, vectors]`: the support vectors of all machines.
    vectors: Vec<f32>,
    /// The squares of their lengths.
    squares: Vec<f32>,
    machines: Vec<Machine>,
}

impl Machines {
    fn of(task: &Task, callback: ProgressCallback) -> Result<Self> {
        task.check()?;
        let columns = task.features.columns;
        let gamma = scale(task.features);
        let mut members = vec![Vec::new(); task.classes];
        (0..).zip(task.labels).for_each(|(row, &label)| members[usize::from(label)].push(row));
        let (classes, members): (Vec<u8>, Vec<Vec<u32>>) =
            (0..=u8::MAX).zip(members).filter(|(_, rows)| !rows.is_empty()).unzip();
        let pairs: Vec<[usize; 2]> =
            (0..classes.len()).flat_map(|one| (one + 1..classes.len()).map(move |other| [one, other])).collect();
        if let Some(pair) =
            pairs.iter().find(|pair| pair.iter().map(|&class| members[class].len()).sum::<usize>() > MOST)
        {
            let [one, other] = pair.map(|class| classes[class]);
            let problem = format!("classes {one} and {other} have over {MOST} samples together");
            return Err(Error::Usage(format!("{problem}: give fewer with `train_count`")));
        }
        let (mut machines, mut space) = (Vec::new(), Vec::new());
        for (number, &pair) in pairs.iter().enumerate() {
            let whole = pairs.len() as f64;
            let rows: Vec<u32> = pair.iter().flat_map(|&class| &members[class]).copied().collect();
            let positive = members[pair[0]].len();
            let signs: Vec<f32> = (0..rows.len()).map(|place| if place < positive { 1.0 } else { -1.0 }).collect();
            // The products take most of the time.
            let mut part = |part: f64| callback((number as f64 + 0.8 * part) / whole);
            let mut kernel = Kernel::of(&gathered(task.features, &rows), columns, gamma, space, &mut part)?;
            let Solution { weights, offset } = solve(&mut kernel, &signs, COST, &mut |()| part(1.0))?;
            let weights = rows.iter().zip(weights.iter().zip(&signs)).filter(|(_, (weight, _))| **weight > 0.0);
            let weights = weights.map(|(&row, (weight, sign))| (row, weight * sign)).collect();
            machines.push(Machine { classes: pair, weights, offset });
            space = kernel.into_space();
            tell(callback, (number + 1) as f64 / whole)?;
        }
        let used = renumbered(&mut machines, task.labels.len());
        let rows = gathered(task.features, &used);
        let mut vectors = vec![0.0; rows.len()];
        if !used.is_empty() {
            transpose(&rows, columns, &mut vectors);
        }
        Ok(Self { gamma, classes, columns, squares: rbf::squares(&rows, columns), vectors, machines })
    }

    /// The classes of some rows.
    fn classes(&self, features: &Features, rows: &[u32]) -> Vec<u8> {
        let vectors = self.squares.len();
        let inputs = gathered(features, rows);
        let mut values = vec![0.0; rows.len() * vectors];
        let left = Matrix::new(&inputs, rows.len(), self.columns);
        multiply(&mut values, Target::Overwrite, left, 0, &self.vectors, vectors);
        let squares = rbf::squares(&inputs, self.columns);
        let class = |(values, square): (&mut [f32], f32)| {
            rbf::values(values, square, &self.squares, self.gamma);
            let mut votes = vec![0; self.classes.len()];
            for Machine { classes, weights, offset } in &self.machines {
                let sum: f32 = weights.iter().map(|&(vector, weight)| weight * values[vector as usize]).sum();
                votes[classes[usize::from(sum <= *offset)]] += 1;
            }
            self.classes[highest(&votes)]
        };
        values.chunks_exact_mut(vectors).zip(squares).map(class).collect()
    }
}

impl Trained for Machines {
    fn predict(&self, features: &Features, _: Products, callback: ProgressCallback) -> Result<Vec<u8>> {
        assert_eq!(features.columns, self.columns, "columns");
        let rows: Vec<u32> = (0..features.rows() as u32).collect();
        if self.machines.is_empty() {
            return Ok(vec![self.classes[0]; rows.len()]);
        }
        let mut classes = Vec::with_capacity(rows.len());
        for portion in rows.chunks(PORTION) {
            let found: Vec<Vec<u8>> = portion.par_chunks(TOGETHER).map(|rows| self.classes(features, rows)).collect();
            classes.extend(found.into_iter().flatten());
            tell(callback, classes.len() as f64 / rows.len() as f64)?;
        }
        Ok(classes)
    }
}

/// scikit-learn's gamma of that name: the reciprocal of the columns times the variance of all values.
fn scale(features: &Features) -> f32 {
    let columns = features.columns;
    // Rows are added up by themselves, and then in order: threads change nothing.
    let sum = |of: &(dyn Fn(f64) -> f64 + Sync)| {
        let row = |row: &mut Vec<f32>, number: usize| {
            row.resize(columns, 0.0);
            features.copy_row(number, row);
            row.iter().map(|&value| of(f64::from(value))).sum()
        };
        let rows: Vec<f64> = (0..features.rows()).into_par_iter().map_init(Vec::new, row).collect();
        rows.iter().sum::<f64>()
    };
    let count = (features.rows() * columns) as f64;
    let mean = sum(&|value| value) / count;
    let variance = sum(&|value| (value - mean).powi(2)) / count;
    if variance > 0.0 { (1.0 / (columns as f64 * variance)) as f32 } else { 1.0 }
}

/// Some rows' values.
fn gathered(features: &Features, rows: &[u32]) -> Vec<f32> {
    let mut values = vec![0.0; rows.len() * features.columns];
    let output = values.par_chunks_exact_mut(features.columns).zip(rows);
    output.for_each(|(output, &row)| features.copy_row(row as usize, output));
    values
}

/// The rows that are support vectors, by whose places the machines then name them.
fn renumbered(machines: &mut [Machine], rows: usize) -> Vec<u32> {
    let mut places = vec![u32::MAX; rows];
    machines.iter().flat_map(|machine| &machine.weights).for_each(|&(row, _)| places[row as usize] = 0);
    let used: Vec<u32> = (0..).zip(&places).filter(|(_, place)| **place == 0).map(|(row, _)| row).collect();
    (0..).zip(&used).for_each(|(place, &row)| places[row as usize] = place);
    machines.iter_mut().flat_map(|machine| &mut machine.weights).for_each(|(row, _)| *row = places[*row as usize]);
    used
}
