//! Brightness that changes slowly over a picture: a polynomial in the place, of at most fourth degree.

use nalgebra::{SMatrix, SVector};

/// A place, each coordinate from -1/2 to 1/2.
pub type Place = [f64; 2];

/// How many terms a surface has: an even light; one from a side, nearly; a vignette (cos⁴ of the angle to the lens' axis is
/// 1 - 2 tan² of it, nearly); a lamp nearby.
pub const CONSTANT: usize = 1;
pub const PLANE: usize = 3;
pub const QUADRATIC: usize = 6;
pub const QUARTIC: usize = 15;

/// The coefficients of [`terms`], zeros after the last that it has.
#[derive(Clone, Copy, Debug)]
pub struct Surface(SVector<f64, QUARTIC>);

fn terms([x, y]: Place) -> SVector<f64, QUARTIC> {
    let (xx, xy, yy) = (x * x, x * y, y * y);
    let (cubic, quartic) = ([xx * x, xx * y, x * yy, yy * y], [xx * xx, xx * xy, xx * yy, xy * yy, yy * yy]);
    let terms = [1.0, x, y, xx, yy, xy].into_iter().chain(cubic).chain(quartic);
    SVector::from_iterator(terms)
}

impl Surface {
    /// The surface with that many terms that is closest to all points, in the sum of squares; none where they do not say.
    pub fn through(points: impl Iterator<Item = (Place, f64)>, count: usize) -> Option<Self> {
        let mut matrix = SMatrix::<f64, QUARTIC, QUARTIC>::identity();
        let mut right = SVector::<f64, QUARTIC>::zeros();
        matrix.view_mut((0, 0), (count, count)).fill(0.0);
        for (place, value) in points {
            let terms = terms(place);
            for row in 0..count {
                right[row] += terms[row] * value;
                for column in 0..count {
                    matrix[(row, column)] += terms[row] * terms[column];
                }
            }
        }
        Some(Self(matrix.cholesky()?.solve(&right)))
    }

    pub fn at(&self, place: Place) -> f64 {
        self.0.dot(&terms(place))
    }

    /// Whether no term of it changes by more over the picture than brightness can.
    pub fn is_possible(&self) -> bool {
        self.0.iter().skip(1).all(|coefficient| coefficient.abs() <= 255.0)
    }
}
