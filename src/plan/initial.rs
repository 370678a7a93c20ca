//! What variables are before the first step.

use super::Whitening;
use crate::data::Pixels;
use crate::error::Result;
use crate::random::{Sequence, Stream};

/// How a variable begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initial {
    /// Uniform in ±sqrt(6 / fan): of fan in + fan out Glorot's (Glorot and Bengio, 2010), as Keras' default; of fan in He's.
    Uniform {
        fan: usize,
    },
    /// Normal with a variance of 2 / fan and cut off at two standard deviations, as Keras has it: of fan in He's (He et al.,
    /// 2015).
    Normal {
        fan: usize,
    },
    Zeros,
    Ones,
    Dirac(Dirac),
    Whitening(Whitening),
}

/// The standard deviation that a standard normal distribution has left when it is cut off at ±2.
const TRUNCATED: f64 = 0.879_625_661_034_239_8;

impl Initial {
    /// Fan in and fan out of a kernel `[..., in, out]`.
    pub fn fans(kernel: &[usize]) -> [usize; 2] {
        let receptive_field: usize = kernel.iter().rev().skip(2).product();
        [1, 0].map(|axis| kernel.iter().rev().nth(axis).map_or(1, |&size| receptive_field * size))
    }

    /// Glorot's of a kernel `[..., in, out]`.
    pub fn glorot(kernel: &[usize]) -> Self {
        Self::Uniform { fan: Self::fans(kernel).iter().sum() }
    }

    /// So many values. `number` is the variable's place among the model's kernels, `images` are what is trained with:
    /// `[H, W, C]` each.
    ///
    /// # Errors
    /// See [`Whitening::values`].
    pub fn values(self, count: usize, seed: u64, number: u32, images: &[Pixels]) -> Result<Vec<f32>> {
        let mut random = Sequence::new(seed, Stream::Initialisation, number);
        Ok(match self {
            Initial::Uniform { fan } => {
                let limit = (6.0 / fan as f64).sqrt() as f32;
                (0..count).map(|_| random.symmetric(limit)).collect()
            }
            Initial::Normal { fan } => {
                let deviation = (2.0 / fan as f64).sqrt() / TRUNCATED;
                (0..count).map(|_| (deviation * truncated(&mut random)) as f32).collect()
            }
            Initial::Zeros => vec![0.0; count],
            Initial::Ones => vec![1.0; count],
            Initial::Dirac(dirac) => {
                let drawn = Initial::glorot(&dirac.kernel).values(count, seed, number, images)?;
                drawn.into_iter().enumerate().map(|(at, value)| dirac.tap(at).unwrap_or(value)).collect()
            }
            Initial::Whitening(whitening) => whitening.values(images)?,
        })
    }
}

/// A standard normal number within ±2: what lies beyond is drawn again.
fn truncated(random: &mut Sequence) -> f64 {
    loop {
        let number = random.normal();
        if number.abs() <= 2.0 {
            return number;
        }
    }
}

/// A kernel whose first filters, as many as there are channels, hand on a channel each, by a one at the kernel's centre; a
/// depthwise one hands on each channel as the first one of its outputs. Other filters are Glorot's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dirac {
    /// `[KH, KW, C, filters]`, or `[KH, KW, C, M]` of a depthwise one.
    kernel: [usize; 4],
    is_depthwise: bool,
}

impl Dirac {
    /// Of `[KH, KW, C, filters]` or `[in, units]`.
    pub fn of(kernel: &[usize], is_depthwise: bool) -> Self {
        let mut whole = [1; 4];
        whole.iter_mut().rev().zip(kernel.iter().rev()).for_each(|(size, own)| *size = *own);
        Self { kernel: whole, is_depthwise }
    }

    /// The value at a place of the kernel, if it is of a filter that hands on a channel.
    fn tap(&self, at: usize) -> Option<f32> {
        let [height, width, channels, filters] = self.kernel;
        let (filter, channel, place) = (at % filters, at / filters % channels, at / filters / channels);
        // Of an even size the one that padding "same" leaves a position where it is.
        let is_centre = place == (height - 1) / 2 * width + (width - 1) / 2;
        let (hands_on, own) =
            if self.is_depthwise { (filter == 0, true) } else { (filter < channels, filter == channel) };
        hands_on.then_some(if is_centre && own { 1.0 } else { 0.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(initial: Initial, count: usize) -> Vec<f32> {
        initial.values(count, 7, 0, &[]).unwrap()
    }

    /// Mean and variance of 100,000 values, whose standard errors are below a hundredth of the deviation.
    #[test]
    fn drawn_values_have_the_variance_that_their_fan_asks_for() {
        for (initial, furthest) in [
            (Initial::Uniform { fan: 50 }, (6.0_f64 / 50.0).sqrt()),
            (Initial::Normal { fan: 50 }, 2.0 * (2.0_f64 / 50.0).sqrt() / TRUNCATED),
        ] {
            let values = values(initial, 100_000);
            let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / values.len() as f64;
            let squares = values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>() / values.len() as f64;
            assert!(mean.abs() < 0.002 && (squares * 25.0 - 1.0).abs() < 0.02, "{initial:?}: {mean} {squares}");
            let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
            assert!((0.99 * furthest..=furthest * 1.000_001).contains(&f64::from(largest)), "{initial:?}: {largest}");
        }
    }

    #[test]
    fn the_first_filters_of_a_dirac_hand_on_their_channels() {
        for (kernel, is_depthwise, filters) in
            [(&[3, 3, 2, 4][..], false, 4), (&[3, 5, 4, 2], false, 2), (&[2, 2, 3, 2], true, 2), (&[3, 5], false, 5)]
        {
            let count = kernel.iter().product();
            let own = values(Initial::Dirac(Dirac::of(kernel, is_depthwise)), count);
            let glorot = values(Initial::glorot(kernel), count);
            let channels = kernel[kernel.len() - 2];
            let places = count / filters / channels;
            let [height, width] = if kernel.len() == 2 { [1, 1] } else { [kernel[0], kernel[1]] };
            for at in 0..count {
                let (filter, channel, place) = (at % filters, at / filters % channels, at / filters / channels);
                assert!(place < places);
                let is_one = [place / width, place % width] == [(height - 1) / 2, (width - 1) / 2];
                let expected = match is_depthwise {
                    true if filter == 0 => f32::from(u8::from(is_one)),
                    false if filter < channels => f32::from(u8::from(is_one && filter == channel)),
                    _ => glorot[at],
                };
                assert_eq!(own[at], expected, "{kernel:?}: {at}");
            }
        }
    }
}
