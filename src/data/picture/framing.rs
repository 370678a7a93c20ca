//! How a data set's pictures are framed: what is measured of them, so that anyone's picture can be made like them.

use serde::{Deserialize, Serialize};

use super::grid::{CLOSE, Grid, Rectangle, luma};
use super::statistics::{commonest, median};
use crate::data::Samples;

/// The background and the margins of a data set's pictures. A checkpoint keeps it; one without it means Fashion-MNIST's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Framing {
    /// The background's brightness, 0 to 255. None where the pictures have no even background: views of the world.
    pub background: Option<u8>,
    /// The longer side of the object as a part of the picture's. None where margins are as they come.
    pub side: Option<f64>,
    /// What of the object lies at [`middle`](Self::middle): its centre of mass, or the centre of its rectangle.
    pub by_mass: bool,
    /// The place of that, `[y, x]`, as parts of the picture's height and width.
    pub middle: [f64; 2],
}

/// Samples that are measured, at most.
const MEASURED: usize = 1000;

/// The least part of the outermost pixels that an even background has.
const EVEN: f64 = 0.5;

impl Default for Framing {
    fn default() -> Self {
        Self::FASHION_MNIST
    }
}

impl Framing {
    /// Bright on black, the longer side as long as the picture's, in the middle of it.
    pub const FASHION_MNIST: Self = Self { background: Some(0), side: Some(1.0), by_mass: false, middle: [0.5; 2] };

    /// How the samples are framed, in the median of up to a thousand of them: MNIST's digits are 20 of 28 pixels tall, with
    /// their centre of mass in the middle (LeCun, Bottou, Bengio and Haffner, "Gradient-based learning", 1998). Where an
    /// object lies is said by what differs less from sample to sample, its rectangle or its mass.
    pub fn of(samples: &Samples) -> Self {
        let size: usize = samples.shape.iter().product();
        let step = samples.len().div_ceil(MEASURED).max(1);
        let measured: Vec<Measured> = samples
            .images
            .chunks_exact(size.max(1))
            .step_by(step)
            .map(|image| Measured::of(image, samples.shape))
            .collect();
        let values = |value: fn(&Measured) -> f64| measured.iter().map(value).collect::<Vec<_>>();
        if median(values(|sample| sample.even)) < EVEN {
            return Self { background: None, side: None, ..Self::FASHION_MNIST };
        }
        let objects: Vec<&Object> = measured.iter().filter_map(|sample| sample.object.as_ref()).collect();
        let of_objects =
            |value: &dyn Fn(&Object) -> f64| objects.iter().map(|object| value(object)).collect::<Vec<_>>();
        let background = Some(median(values(|sample| f64::from(sample.background))) as u8);
        if objects.is_empty() {
            return Self { background, ..Self::FASHION_MNIST };
        }
        let middle =
            |by_mass: bool| [0, 1].map(|axis| of_objects(&|object| object.centres[usize::from(by_mass)][axis]));
        let spread = |by_mass: bool| middle(by_mass).into_iter().map(deviation).sum::<f64>();
        let by_mass = spread(true) < spread(false);
        Self {
            background,
            side: Some(median(of_objects(&|object| object.side))),
            by_mass,
            middle: middle(by_mass).map(median),
        }
    }

    /// The same background, and objects as long as the picture.
    pub fn without_margins(self) -> Self {
        Self { background: self.background.or(Some(0)), ..Self::FASHION_MNIST }
    }

    /// The same background, and margins as they come.
    pub fn with_margins_kept(self) -> Self {
        Self { side: None, ..self }
    }

    /// Whether all of it are parts of a picture.
    pub fn is_possible(&self) -> bool {
        let part = |value: f64| value > 0.0 && value <= 1.0;
        self.side.is_none_or(part) && self.middle.into_iter().all(part)
    }
}

/// One sample.
struct Measured {
    background: u8,
    /// The part of the outermost pixels that are as bright as the background.
    even: f64,
    object: Option<Object>,
}

struct Object {
    side: f64,
    /// Of its rectangle and of its mass.
    centres: [[f64; 2]; 2],
}

impl Measured {
    fn of(image: &[u8], shape: [usize; 3]) -> Self {
        let [height, width, channels] = shape;
        let brightness = |x: usize, y: usize| match &image[(y * width + x) * channels..][..channels] {
            [red, green, blue] => luma([red, green, blue].map(|&value| f32::from(value))),
            values => values.iter().map(|&value| f32::from(value)).sum::<f32>() / channels as f32,
        };
        let brightness = Grid::from_fn(width, height, brightness);
        let border: Vec<u8> = brightness.border().map(|(x, y)| brightness.at(x, y) as u8).collect();
        let (background, count) = commonest(border.iter().copied(), CLOSE as u8 / 2);
        let contrast = brightness.map(|value| (value - f32::from(background)).abs());
        let object = contrast.map(|contrast| contrast > CLOSE).bounds().map(|bounds| Object::of(bounds, &contrast));
        Self { background, even: count as f64 / border.len() as f64, object }
    }
}

impl Object {
    fn of(bounds: Rectangle, contrast: &Grid<f32>) -> Self {
        let size = [contrast.height, contrast.width].map(|size| size as f64);
        let side = (bounds.height() as f64 / size[0]).max(bounds.width() as f64 / size[1]);
        let rectangle = [bounds.top + bounds.bottom, bounds.left + bounds.right].map(|sum| sum as f64 / 2.0);
        let mass = centre_of_mass(&contrast.map(|contrast| if contrast > CLOSE { contrast } else { 0.0 }));
        Self { side, centres: [rectangle, mass].map(|[y, x]| [y / size[0], x / size[1]]) }
    }
}

/// Row and column of it, from the upper and the left edge; the middle of nothing.
pub fn centre_of_mass(values: &Grid<f32>) -> [f64; 2] {
    let (mut mass, mut sums) = (0.0, [0.0; 2]);
    for (place, &value) in values.values.iter().enumerate() {
        let value = f64::from(value);
        mass += value;
        sums[0] += value * ((place / values.width) as f64 + 0.5);
        sums[1] += value * ((place % values.width) as f64 + 0.5);
    }
    if mass > 0.0 { sums.map(|sum| sum / mass) } else { [values.height, values.width].map(|size| size as f64 / 2.0) }
}

/// The median of how far values are from theirs.
fn deviation(values: Vec<f64>) -> f64 {
    let middle = median(values.clone());
    median(values.into_iter().map(|value| (value - middle).abs()).collect())
}
