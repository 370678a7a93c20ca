//! The kernel that makes the patches of images uncorrelated: of fixed size, from the images alone.

use nalgebra::{DMatrix, SymmetricEigen};
use rayon::prelude::*;

use crate::data::Pixels;
use crate::error::{Error, Result};

/// Filters that whiten patches `[KH, KW, C]`: the eigenvectors of the patches' second moments, largest eigenvalue first,
/// each divided by sqrt(eigenvalue + epsilon); then the same with the other sign.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Whitening {
    /// `[KH, KW]`
    pub kernel: [usize; 2],
    /// `[H, W, C]`
    pub image: [usize; 3],
    /// An even number, twice the values of a patch at most.
    pub filters: usize,
    pub epsilon: f64,
    /// What the layer sees of a pixel, or of byte / 255: that times `scale` plus `offset`.
    pub scale: f64,
    pub offset: f64,
}

impl Whitening {
    /// The images that are looked at, as many as there are up to this.
    pub const IMAGES: usize = 5000;
    /// Of an eigenvalue's root, unless a file says otherwise.
    pub const EPSILON: f64 = 5e-4;
    /// The most values of a patch, whose second moments and their eigenvectors are made.
    const MOST_VALUES: usize = 256;

    /// Says what cannot be.
    ///
    /// # Errors
    /// In the words `problem; remedy`.
    pub fn check(&self) -> std::result::Result<(), String> {
        let Self { kernel: [rows, columns], image: [height, width, _], filters, epsilon, .. } = *self;
        if rows > height || columns > width {
            return Err(format!(
                "no patch of {rows} x {columns} lies in an image of {height} x {width}; give whitening a smaller kernel"
            ));
        }
        let values = self.values_of_patch();
        if values > Self::MOST_VALUES {
            let most = Self::MOST_VALUES;
            return Err(format!(
                "whitening is of patches of {most} values at most, not {values}; give a smaller kernel"
            ));
        }
        if filters % 2 == 1 || filters > 2 * values {
            return Err(format!(
                "whitening of patches of {values} values makes an even number of filters, {} at most, not {filters}; give \
                 filters = {}",
                2 * values,
                2 * values
            ));
        }
        match epsilon > 0.0 && epsilon.is_finite() {
            true => Ok(()),
            false => Err(format!("whitening_epsilon is {epsilon}; give a positive number such as {}", Self::EPSILON)),
        }
    }

    fn values_of_patch(&self) -> usize {
        self.kernel.iter().product::<usize>() * self.image[2]
    }

    /// The kernel `[KH, KW, C, filters]`, from all patches that lie in these images `[H, W, C]`.
    ///
    /// # Errors
    /// [`Error::Data`] where there is no image.
    pub fn values(&self, images: &[Pixels]) -> Result<Vec<f32>> {
        if images.is_empty() {
            return Err(Error::Data("whitening is of the training images, and there is none; give some".into()));
        }
        let values = self.values_of_patch();
        let moments = self.moments(images);
        let SymmetricEigen { eigenvalues, eigenvectors } =
            DMatrix::from_row_slice(values, values, &moments).symmetric_eigen();
        let mut order: Vec<usize> = (0..values).collect();
        order.sort_by(|&one, &other| eigenvalues[other].total_cmp(&eigenvalues[one]));
        let half = self.filters / 2;
        let mut kernel = vec![0.0; values * self.filters];
        for (filter, &own) in order.iter().take(half).enumerate() {
            let vector = eigenvectors.column(own);
            // Either sign would do: the largest value is positive, the first one of those.
            let largest = vector
                .iter()
                .fold(0.0_f64, |largest, value| if value.abs() > largest.abs() { *value } else { largest });
            let scale = largest.signum() / (eigenvalues[own].max(0.0) + self.epsilon).sqrt();
            for (place, value) in vector.iter().enumerate() {
                kernel[place * self.filters + filter] = (value * scale) as f32;
                kernel[place * self.filters + half + filter] = (-value * scale) as f32;
            }
        }
        Ok(kernel)
    }

    /// The mean of the products of any two values of a patch, `[values, values]`. Those of bytes are whole numbers, and
    /// exact; the chunks are added in their order, which numbers need.
    fn moments(&self, images: &[Pixels]) -> Vec<f64> {
        let values = self.values_of_patch();
        let mut sums = vec![0.0; values * values + values];
        let chunks: Vec<Vec<f64>> = images.par_chunks(64).map(|images| self.sums(images)).collect();
        for others in chunks {
            sums.iter_mut().zip(others).for_each(|(sum, other)| *sum += other);
        }
        let (products, single) = sums.split_at(values * values);
        let [height, width, _] = self.image;
        let patches = images.len() * (height - self.kernel[0] + 1) * (width - self.kernel[1] + 1);
        let whole = if images.iter().any(|image| image.are_floats()) { 1.0 } else { 255.0 };
        let (scale, offset, patches) = (self.scale / whole, self.offset, patches as f64);
        let moment = |at: usize| {
            let [product, one, other] =
                [products[at], single[at / values], single[at % values]].map(|sum| sum / patches);
            scale * scale * product + scale * offset * (one + other) + offset * offset
        };
        (0..values * values).map(moment).collect()
    }

    /// The sums over the patches of some images: of the values' products, then of the values. Below 2^53, as they are of
    /// bytes, they are exact.
    fn sums(&self, images: &[Pixels]) -> Vec<f64> {
        let ([rows, columns], [height, width, channels]) = (self.kernel, self.image);
        let values = self.values_of_patch();
        let mut sums = vec![0.0; values * values + values];
        let mut patch = Vec::with_capacity(values);
        for image in images {
            for (top, left) in (0..=height - rows).flat_map(|top| (0..=width - columns).map(move |left| (top, left))) {
                patch.clear();
                for row in top..top + rows {
                    match image.part((row * width + left) * channels, columns * channels) {
                        Pixels::Bytes(bytes) => patch.extend(bytes.iter().map(|&byte| f64::from(byte))),
                        Pixels::Floats(floats) => patch.extend(floats.iter().map(|&float| f64::from(float))),
                    }
                }
                let (products, single) = sums.split_at_mut(values * values);
                for ((products, single), &one) in products.chunks_exact_mut(values).zip(single).zip(&patch) {
                    products.iter_mut().zip(&patch).for_each(|(sum, &other)| *sum += one * other);
                    *single += one;
                }
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Sequence, Stream};

    const WHITENING: Whitening =
        Whitening { kernel: [2, 3], image: [5, 7, 2], filters: 24, epsilon: 1e-9, scale: 2.0, offset: -0.7 };

    fn images() -> Vec<Vec<u8>> {
        let mut random = Sequence::new(3, Stream::Cases, 0);
        let mut of = |_| {
            let bytes: Vec<u8> = (0..70).map(|_| random.word() as u8).collect();
            // Neighbours are alike.
            (0..70).map(|at| ((usize::from(bytes[at]) + 2 * usize::from(bytes[at / 2])) / 3) as u8).collect()
        };
        (0..300).map(&mut of).collect()
    }

    /// Every patch as a layer sees it, and each filter's answers to all of them.
    #[test]
    fn answers_are_uncorrelated_and_the_second_half_negates_the_first() {
        let images = images();
        let lent: Vec<Pixels> = images.iter().map(|image| Pixels::Bytes(image)).collect();
        let kernel = WHITENING.values(&lent).unwrap();
        // Numbers are taken as they are.
        let floats: Vec<Vec<f32>> =
            images.iter().map(|image| image.iter().map(|&byte| f32::from(byte) / 255.0).collect()).collect();
        let of_floats =
            WHITENING.values(&floats.iter().map(|image| Pixels::Floats(image)).collect::<Vec<_>>()).unwrap();
        for (one, other) in kernel.iter().zip(&of_floats) {
            assert!((one - other).abs() < 1e-3 * one.abs().max(1.0), "{one} {other}");
        }
        let (mut moments, mut patches) = (vec![0.0; 12 * 12], 0.0);
        for image in &images {
            for (top, left) in (0..4).flat_map(|top| (0..5).map(move |left| (top, left))) {
                let pixel = |at: usize| {
                    let [row, column, channel] = [top + at / 6, left + at / 2 % 3, at % 2];
                    f64::from(image[(row * 7 + column) * 2 + channel]) / 255.0 * 2.0 - 0.7
                };
                let answer = |filter: usize| (0..12).map(|at| pixel(at) * f64::from(kernel[at * 24 + filter])).sum();
                let answers: Vec<f64> = (0..12).map(answer).collect();
                (0..144).for_each(|at| moments[at] += answers[at / 12] * answers[at % 12]);
                patches += 1.0;
            }
        }
        for (at, sum) in moments.iter().enumerate() {
            let expected = if at / 12 == at % 12 { 1.0 } else { 0.0 };
            assert!((sum / patches - expected).abs() < 1e-4, "{at}: {}", sum / patches);
        }
        for at in 0..12 {
            (0..12).for_each(|filter| assert_eq!(kernel[at * 24 + filter], -kernel[at * 24 + 12 + filter]));
        }
        // The largest eigenvalue comes first: its filter is the shortest.
        let length = |filter: usize| (0..12).map(|at| kernel[at * 24 + filter].powi(2)).sum::<f32>();
        assert!((1..12).all(|filter| length(filter - 1) < length(filter)));
        // Fewer filters are the first ones.
        let fewer = Whitening { filters: 6, ..WHITENING }.values(&lent).unwrap();
        for at in 0..12 {
            (0..3).for_each(|filter| assert_eq!(fewer[at * 6 + filter], kernel[at * 24 + filter]));
        }
    }

    #[test]
    fn what_cannot_whiten_is_refused() {
        let say = |whitening: Whitening| whitening.check().unwrap_err();
        assert!(say(Whitening { filters: 25, ..WHITENING }).contains("an even number of filters, 24 at most, not 25"));
        assert!(say(Whitening { filters: 26, ..WHITENING }).ends_with("give filters = 24"));
        assert!(say(Whitening { kernel: [6, 1], ..WHITENING }).contains("no patch of 6 x 1 lies in an image of 5 x 7"));
        assert!(say(Whitening { epsilon: 0.0, ..WHITENING }).contains("whitening_epsilon is 0; give a positive"));
        let large = Whitening { kernel: [20, 20], image: [28, 28, 1], ..WHITENING };
        assert!(say(large).contains("256 values at most, not 400"));
        assert_eq!(WHITENING.check(), Ok(()));
        assert!(WHITENING.values(&[]).is_err());
    }
}
