//! Brightness that changes slowly over a picture: a polynomial of at most second degree in the place.

use nalgebra::{Matrix6, Vector6};

/// A place, each coordinate from -1/2 to 1/2.
pub type Place = [f64; 2];

/// c0 + c1 x + c2 y + c3 x² + c4 y² + c5 xy: a light from one side is a plane, a vignette (cos⁴ of the angle to the lens'
/// axis is 1 - 2 tan² of it, nearly) is of second degree.
#[derive(Clone, Copy, Debug)]
pub struct Surface(Vector6<f64>);

/// How many of the six terms a surface has.
pub const CONSTANT: usize = 1;
pub const PLANE: usize = 3;
pub const QUADRATIC: usize = 6;

fn terms([x, y]: Place) -> Vector6<f64> {
    Vector6::new(1.0, x, y, x * x, y * y, x * y)
}

impl Surface {
    /// The surface with that many terms that is closest to all points, in the sum of squares; none where they do not say.
    pub fn through(points: impl Iterator<Item = (Place, f64)>, count: usize) -> Option<Self> {
        let (mut matrix, mut right) = (Matrix6::zeros(), Vector6::zeros());
        for (place, value) in points {
            let mut terms = terms(place);
            terms.rows_mut(count, QUADRATIC - count).fill(0.0);
            matrix += terms * terms.transpose();
            right += terms * value;
        }
        for unused in count..QUADRATIC {
            matrix[(unused, unused)] = 1.0;
        }
        Some(Self(matrix.cholesky()?.solve(&right)))
    }

    pub fn at(&self, place: Place) -> f64 {
        self.0.dot(&terms(place))
    }

    /// Whether it changes by no more over the picture than brightness can.
    pub fn is_possible(&self) -> bool {
        self.0.iter().skip(1).all(|coefficient| coefficient.abs() <= 255.0)
    }
}
