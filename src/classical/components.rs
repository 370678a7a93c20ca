//! Principal component analysis (Pearson, 1901). The device makes the sums of products and the projections, by the same
//! kernels as a dense layer's weight gradient and forward pass; the eigenvectors are a library's, on the host.
//!
//! Pixels are taken as integers from -128 to 127, [`SUMMED`] samples at a time, so that f32 has every sum exactly; the
//! host adds these up in 64 bits. The covariance is therefore that of exact arithmetic, whatever the adapter.

use std::fmt::{self, Display};
use std::str::FromStr;
use std::sync::Arc;

use nalgebra::{DMatrix, SymmetricEigen};
use rayon::prelude::*;

use super::features::CENTRE;
use super::{Features, Products};
use crate::callback::{ProgressCallback, tell};
use crate::error::{Error, Result};
use crate::gemm::{ArgmaxWord, Convolution, GemmConfig, GemmKind};
use crate::kernels::{ConvForward, ConvWeightGradient};
use crate::plan::{CustomPlan, Program};

/// The components of some pixels, those of the greatest variance first.
#[derive(Clone, Debug)]
pub struct Components {
    /// `[columns]`, of pixels from 0 to 1.
    pub mean: Vec<f64>,
    /// The components' variances, all of them, of pixels from 0 to 1; divided by one less than the samples, as
    /// scikit-learn has them.
    pub variances: Vec<f64>,
    /// `[count, columns]`: unit vectors, each with its largest value positive, as scikit-learn has them.
    pub vectors: Vec<f64>,
}

/// How many components to keep: `50`, or `0.95` of the variance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Keep {
    Count(usize),
    /// As few as explain more than this part of the variance, between 0 and 1.
    Variance(f64),
}

impl Keep {
    /// No more components than these pixels have.
    pub fn within(self, pixels: &Features) -> Self {
        match self {
            Self::Count(count) => Self::Count(count.min(most(pixels))),
            part => part,
        }
    }
}

/// How many components pixels have at most.
fn most(pixels: &Features) -> usize {
    pixels.columns.min(pixels.rows())
}

impl FromStr for Keep {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        if let Ok(count) = text.parse() {
            return Ok(Self::Count(count));
        }
        match text.parse() {
            Ok(part) if part > 0.0 && part < 1.0 => Ok(Self::Variance(part)),
            _ => Err("neither a number of components, such as 50, nor a part of the variance, such as 0.95".into()),
        }
    }
}

impl Display for Keep {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(out),
            Self::Variance(part) => part.fmt(out),
        }
    }
}

/// Samples whose squares one f32 can add up exactly: see [`Features::centred`].
const SUMMED: usize = 1024;
/// Samples that are projected at a time.
const PROJECTED: usize = 512;

impl Components {
    /// Of pixels, at least two samples.
    ///
    /// # Errors
    /// [`Error::Usage`] where so many components cannot be kept; what the device reports, or an interrupt.
    pub fn of(pixels: &Features, keep: Keep, products: Products, callback: ProgressCallback) -> Result<Self> {
        let (samples, columns) = (pixels.rows(), pixels.columns);
        let most = most(pixels);
        if let Keep::Count(count) = keep
            && !(1..=most).contains(&count)
        {
            let problem = format!("{samples} samples of {columns} pixels have no {count} components");
            return Err(Error::Usage(format!("{problem}; give 1 to {most}")));
        }
        let sums = sums(pixels, products, callback)?;
        let totals = &sums[columns * columns..];
        if (0..columns).all(|pixel| sums[pixel * (columns + 1)] * samples as i64 == totals[pixel].pow(2)) {
            let problem = format!("no variance to explain in {samples} training samples, which are all the same");
            return Err(Error::Data(format!("{problem}; give more or other ones")));
        }
        let count = samples as i64;
        // Of integers, so exact: samples times the sum of (x - mean)(y - mean) is samples * sum of x y - sum x * sum y.
        let covariance = |row: usize, column: usize| {
            let exact = i128::from(count) * i128::from(sums[row * columns + column])
                - i128::from(totals[row]) * i128::from(totals[column]);
            exact as f64 / (count as f64 * (count - 1) as f64) / UNIT.powi(2)
        };
        let eigen = SymmetricEigen::new(DMatrix::from_fn(columns, columns, covariance));
        let mut order: Vec<usize> = (0..columns).collect();
        order.sort_by(|&one, &other| eigen.eigenvalues[other].total_cmp(&eigen.eigenvalues[one]));
        let variances: Vec<f64> = order.iter().map(|&place| eigen.eigenvalues[place].max(0.0)).collect();
        let kept = match keep {
            Keep::Count(count) => count,
            Keep::Variance(part) => 1 + cumulative(&variances).take_while(|sum| *sum <= part).count().min(most - 1),
        };
        let vector = |&place: &usize| {
            let vector = eigen.eigenvectors.column(place);
            let largest =
                vector.iter().copied().fold(0.0_f64, |most, value| if value.abs() > most.abs() { value } else { most });
            vector.iter().map(|value| value * largest.signum()).collect::<Vec<f64>>()
        };
        let vectors = order[..kept].iter().flat_map(vector).collect();
        let mean = totals.iter().map(|&sum| (sum as f64 / count as f64 + f64::from(CENTRE)) / UNIT).collect();
        Ok(Self { mean, variances, vectors })
    }

    /// How many were kept.
    pub fn count(&self) -> usize {
        self.vectors.len() / self.mean.len()
    }

    /// What part of the variance each component explains.
    pub fn ratios(&self) -> Vec<f64> {
        let whole: f64 = self.variances.iter().sum();
        self.variances.iter().map(|variance| variance / whole).collect()
    }

    /// What part of the variance the first components explain together, one by one.
    pub fn cumulative(&self) -> impl Iterator<Item = f64> + '_ {
        cumulative(&self.variances)
    }

    /// The pixels' coordinates `[samples, count]` along the components, about the mean.
    ///
    /// # Errors
    /// What the device reports, or an interrupt.
    ///
    /// # Panics
    /// Where the pixels have other columns than those that the components are of.
    pub fn project(&self, pixels: &Features, products: Products, callback: ProgressCallback) -> Result<Features> {
        let (columns, count) = (pixels.columns, self.count());
        assert_eq!(columns, self.mean.len(), "columns");
        let convolution = Convolution::dense(PROJECTED, columns, count);
        let config = products.class.config(GemmKind::Forward, &convolution);
        let product = ConvForward { convolution, bias: true, relu: false, config };
        let mut plan = CustomPlan::new("projection");
        let input = plan.buffer("pixels", &[PROJECTED, columns]);
        let weights = plan.buffer("components", &[columns + 1, count]);
        let output = plan.buffer("coordinates", &[PROJECTED, count]);
        let unused = plan.buffer("unused", &[1]);
        plan.pass(Arc::new(product), &[input, weights, output, unused]);
        let mut executor = (products.executor)(plan.plan()?)?;
        executor.write(weights, bytemuck::cast_slice(&self.weights()))?;

        let pixels = pixels.centred();
        let mut coordinates = Vec::new();
        for rows in pixels.chunks(PROJECTED * columns) {
            executor.write(input, bytemuck::cast_slice(rows))?;
            executor.submit(Program::Training, 1)?;
            executor.collect()?;
            let answer = executor.read(output)?;
            coordinates.extend(bytemuck::cast_slice::<u32, f32>(&answer[..rows.len() / columns * count]));
            tell(callback, (coordinates.len() / count * columns) as f64 / pixels.len() as f64)?;
        }
        Ok(Features::numbers(count, coordinates))
    }

    /// The dense layer `[columns + 1, count]` that projects pixels as [`Features::centred`] gives them.
    fn weights(&self) -> Vec<f32> {
        let (columns, count) = (self.mean.len(), self.count());
        let vectors: Vec<&[f64]> = self.vectors.chunks_exact(columns).collect();
        let kernel = (0..columns).flat_map(|column| vectors.iter().map(move |vector| vector[column] / UNIT));
        // The mean of pixels as the layer sees them, along each component.
        let bias = vectors.iter().map(|vector| {
            let along = vector.iter().zip(&self.mean).map(|(value, mean)| value * (mean - f64::from(CENTRE) / UNIT));
            -along.sum::<f64>()
        });
        let mut weights = Vec::with_capacity((columns + 1) * count);
        weights.extend(kernel.chain(bias).map(|value| value as f32));
        weights
    }
}

/// The steps of a pixel from 0 to 1.
pub(super) const UNIT: f64 = 255.0;

/// The sums of the first of these as parts of the whole, one by one.
fn cumulative(variances: &[f64]) -> impl Iterator<Item = f64> + '_ {
    let whole: f64 = variances.iter().sum();
    variances.iter().scan(0.0, move |sum, variance| {
        *sum += variance;
        Some(*sum / whole)
    })
}

/// The sum over all samples of each product of two pixels `[columns, columns]`, and of each pixel `[columns]`.
fn sums(pixels: &Features, products: Products, callback: ProgressCallback) -> Result<Vec<i64>> {
    let columns = pixels.columns;
    let convolution = Convolution::dense(SUMMED, columns, columns);
    // In one partition, since the sums are exact as they are.
    let config = GemmConfig { partitions: 1, ..products.class.config(GemmKind::WeightGradient, &convolution) };
    let kernel = ConvWeightGradient { convolution, bias: true, word: ArgmaxWord::ONE, config };
    let mut plan = CustomPlan::new("sums of products");
    // The same pixels twice, since a pass binds a buffer once.
    let left = plan.buffer("pixels", &[SUMMED, columns]);
    let right = plan.buffer("pixels again", &[SUMMED, columns]);
    let unused = plan.buffer("unused", &[1]);
    let output = plan.buffer("sums", &[columns + 1, columns]);
    plan.pass(Arc::new(kernel), &[left, right, unused, output]);
    let mut executor = (products.executor)(plan.plan()?)?;

    let pixels = pixels.centred();
    let mut sums = vec![0; (columns + 1) * columns];
    let mut done = 0;
    for rows in pixels.chunks(SUMMED * columns) {
        // The last rows may be fewer; zeros add nothing.
        let mut rows = rows.to_vec();
        done += rows.len();
        rows.resize(SUMMED * columns, 0.0);
        for buffer in [left, right] {
            executor.write(buffer, bytemuck::cast_slice(&rows))?;
        }
        executor.submit(Program::Training, 1)?;
        executor.collect()?;
        let part = executor.read(output)?;
        let part: &[f32] = bytemuck::cast_slice(&part);
        sums.par_iter_mut().zip(part).for_each(|(sum, &value)| *sum += value as i64);
        tell(callback, done as f64 / pixels.len() as f64)?;
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::super::test_support::{cpu, images, pixels};
    use super::*;

    fn of(pixels: &Features, keep: Keep) -> Result<Components> {
        Components::of(pixels, keep, cpu(), &mut |_| ControlFlow::Continue(()))
    }

    /// Dark, grey and bright images, so that sums are large, of more samples than are added up at a time.
    fn samples() -> Features {
        let mut bytes = pixels(1500 * 784, 5);
        bytes[..300 * 784].fill(255);
        bytes[300 * 784..500 * 784].fill(3);
        images(bytes)
    }

    #[test]
    fn variances_are_those_along_the_components() {
        let samples = samples();
        let components = of(&samples, Keep::Count(20)).unwrap();
        assert_eq!((components.count(), components.variances.len()), (20, 784));
        let values = samples.values();
        for (number, vector) in components.vectors.chunks(784).enumerate() {
            let along = values.chunks(784).map(|row| {
                let about_mean = row.iter().zip(&components.mean).map(|(&value, mean)| f64::from(value) - mean);
                about_mean.zip(vector).map(|(value, part)| value * part).sum::<f64>()
            });
            let variance = along.map(|value| value * value).sum::<f64>() / 1499.0;
            let expected = components.variances[number];
            assert!((variance - expected).abs() < 1e-6 * expected, "{number}: {variance}, not {expected}");
            let length: f64 = vector.iter().map(|value| value * value).sum();
            assert!((length - 1.0).abs() < 1e-12, "{number}: {length}");
            let largest = vector.iter().copied().max_by(|one, other| one.abs().total_cmp(&other.abs())).unwrap();
            assert!(largest > 0.0);
        }
        assert!(components.variances.windows(2).all(|pair| pair[0] >= pair[1]));
        assert!((components.ratios().iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_projection_is_made_of_inner_products_about_the_mean() {
        let (samples, others) = (samples(), images(pixels(700 * 784, 6)));
        let components = of(&samples, Keep::Count(3)).unwrap();
        let projected = components.project(&others, cpu(), &mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!((projected.rows(), projected.columns), (700, 3));
        let (projected, values) = (projected.values(), others.values());
        for (place, &value) in projected.iter().enumerate() {
            let (row, vector) = (&values[place / 3 * 784..][..784], &components.vectors[place % 3 * 784..][..784]);
            let terms = row.iter().zip(&components.mean).zip(vector);
            let expected: f64 = terms.map(|((&value, mean), part)| (f64::from(value) - mean) * part).sum();
            assert!((f64::from(value) - expected).abs() < 1e-4, "{place}: {value}, not {expected}");
        }
    }

    #[test]
    fn a_part_of_the_variance_chooses_the_fewest_components() {
        let samples = samples();
        let components = of(&samples, Keep::Variance(0.5)).unwrap();
        let sums: Vec<f64> = components.cumulative().collect();
        let count = components.count();
        assert!(sums[count - 1] > 0.5 && (count == 1 || sums[count - 2] <= 0.5), "{count}: {:?}", &sums[..count]);
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        for keep in [0, 785] {
            let problem = of(&samples(), Keep::Count(keep)).unwrap_err().to_string();
            assert!(problem.ends_with("give 1 to 784"), "{problem}");
        }
        let problem = of(&images(vec![7; 5 * 784]), Keep::Count(2)).unwrap_err().to_string();
        assert!(problem.contains("no variance"), "{problem}");
        for text in ["", "x", "-1", "0.0", "1.0", "2.5", "NaN"] {
            assert!(text.parse::<Keep>().is_err(), "{text}");
        }
        assert_eq!(("50".parse(), "0.95".parse()), (Ok(Keep::Count(50)), Ok(Keep::Variance(0.95))));
    }
}
