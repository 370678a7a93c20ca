//! How values of a few repetitions spread: mean, standard deviation and the mean's confidence interval.

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Of at least two values; with fewer, nothing is known of the spread.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    pub mean: f64,
    /// Of the population that the values are a sample of: the sum of squares is divided by n - 1. 0 for one value.
    pub standard_deviation: f64,
    /// The mean's 95 % confidence interval is the mean, give or take this: Student's t with n - 1 degrees of freedom times
    /// the standard error. It takes the values for independent, which folds that share training samples are not quite.
    pub confidence: f64,
}

impl Spread {
    pub fn new(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count.max(1.0);
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let standard_deviation = if count > 1.0 { (squares / (count - 1.0)).sqrt() } else { 0.0 };
        // There is no such distribution with less than one degree of freedom.
        let quantile = StudentsT::new(0.0, 1.0, count - 1.0).map_or(0.0, |t| t.inverse_cdf(0.975));
        Self { mean, standard_deviation, confidence: quantile * standard_deviation / count.max(1.0).sqrt() }
    }

    /// The standard error of the mean of so many values.
    pub fn standard_error(&self, count: usize) -> f64 {
        self.standard_deviation / (count.max(1) as f64).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of five values, t is 2.7764451 (any table of Student's t: 4 degrees of freedom, 97.5 %).
    #[test]
    fn the_interval_is_students() {
        let Spread { mean, standard_deviation, confidence } = Spread::new(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(mean, 3.0);
        assert!((standard_deviation - 2.5_f64.sqrt()).abs() < 1e-15);
        assert!((Spread::new(&[1.0, 2.0, 3.0, 4.0, 5.0]).standard_error(5) - 0.5_f64.sqrt()).abs() < 1e-15);
        assert!((confidence - 2.776_445_1 * (2.5_f64 / 5.0).sqrt()).abs() < 1e-7, "{confidence}");
        assert_eq!(Spread::new(&[7.0]), Spread { mean: 7.0, standard_deviation: 0.0, confidence: 0.0 });
    }
}
