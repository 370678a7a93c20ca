//! What a picture would be without the object: paper, a table or a wall, and the light on it.
//!
//! The outermost pixels show it, but for what else reaches them. So a surface is sought that most of them lie on: the
//! likeliest brightness, or by random samples (Fischler and Bolles, "Random sample consensus", 1981) a plane or a
//! surface of second degree. What lies on it is then fitted by least squares, the pixels within the picture included.

use super::grid::{Grid, luma};
use super::statistics::median;
use super::surface::{CONSTANT, PLANE, Place, QUADRATIC, QUARTIC, Surface};
use crate::random::{Sequence, Stream};

/// How far from the surface a pixel may be that lies on it, after smoothing.
const ON: f64 = 6.0;

/// A surface with more terms has to have so much more of the outermost pixels on it: six terms fit noise as well.
const WORTH: f64 = 0.08;

/// A light of fourth degree has to have so much more of all pixels on it than the one of second degree that it grew from.
const FINER: f64 = 0.02;

/// Random samples for a plane and for a second degree. Where 60 % of the points are on the surface, a sample of six has
/// none of the others in 1 of 21 cases: 400 samples miss it once in 10^8.
const TRIES: [(usize, usize); 2] = [(PLANE, 150), (QUADRATIC, 400)];

/// As many points on the border, and in each row within the picture, at most.
const POINTS: usize = 1024;
const ACROSS: usize = 64;

pub struct Background {
    /// A surface for each channel.
    surfaces: [Surface; 3],
    size: [usize; 2],
    /// The standard deviation of the background's brightness from it.
    pub noise: f32,
}

impl Background {
    pub fn of(picture: &Grid<[f32; 3]>) -> Self {
        let size = [picture.width, picture.height];
        let brightness = picture.smoothed().map(|colour| f64::from(luma(colour)));
        let point = |(x, y): (usize, usize)| (place(size, x, y), brightness.at(x, y));
        let border: Vec<(Place, f64)> = picture.border().map(point).collect();
        let border: Vec<_> = border.iter().step_by(border.len().div_ceil(POINTS)).copied().collect();
        let (mut surface, mut terms) = likeliest(&border);
        let step = (picture.width.min(picture.height) / ACROSS).max(1);
        let inner = (0..picture.height).step_by(step);
        let inner = inner.flat_map(|y| (0..picture.width).step_by(step).map(move |x| (x, y)));
        let places: Vec<(usize, usize)> = inner.chain(picture.border()).collect();
        let on = |surface: Surface| {
            places.iter().copied().filter(move |&place| {
                let (place, value) = point(place);
                (surface.at(place) - value).abs() <= ON
            })
        };
        let refined = |surface: Surface, terms: usize| {
            (0..3).fold(surface, |surface, _| Surface::through(on(surface).map(point), terms).unwrap_or(surface))
        };
        surface = refined(surface, terms);
        if terms == QUADRATIC {
            let finer = refined(surface, QUARTIC);
            if on(finer).count() as f64 > (1.0 + FINER) * on(surface).count() as f64 {
                (surface, terms) = (finer, QUARTIC);
            }
        }
        let surfaces = [0, 1, 2].map(|channel| {
            let value = |(x, y)| (place(size, x, y), f64::from(picture.at(x, y)[channel]));
            Surface::through(on(surface).map(value), terms).unwrap_or(surface)
        });
        let apart = |(x, y)| (f64::from(luma(picture.at(x, y))) - surface.at(place(size, x, y))).abs();
        let apart: Vec<f64> = on(surface).map(apart).collect();
        // The median of normally distributed deviations is 1 / 1.4826 of their standard deviation.
        let noise = 1.4826 * median(apart) as f32;
        Self { surfaces, size, noise }
    }

    /// Its colour at a pixel.
    pub fn at(&self, x: usize, y: usize) -> [f32; 3] {
        let place = place(self.size, x, y);
        self.surfaces.map(|surface| surface.at(place).clamp(0.0, 255.0) as f32)
    }
}

fn place(size: [usize; 2], x: usize, y: usize) -> Place {
    let share = |at: usize, size: usize| at as f64 / (size.max(2) - 1) as f64 - 0.5;
    [share(x, size[0]), share(y, size[1])]
}

/// The surface that most points lie on, and its number of terms.
fn likeliest(points: &[(Place, f64)]) -> (Surface, usize) {
    let on =
        |surface: &Surface| points.iter().filter(|(place, value)| (surface.at(*place) - value).abs() <= ON).count();
    let level = |value: f64| Surface::through([([0.0; 2], value)].into_iter(), CONSTANT);
    let levels = (0..=255).filter_map(|value| level(f64::from(value)));
    let mut random = Sequence::new(0, Stream::Pictures, 0);
    let mut sample = |terms: usize| {
        let points: Vec<(Place, f64)> = (0..terms).map(|_| points[random.word() as usize % points.len()]).collect();
        Surface::through(points.into_iter(), terms).filter(Surface::is_possible)
    };
    let most = |surfaces: &mut dyn Iterator<Item = Surface>| {
        surfaces.map(|surface| (on(&surface), surface)).reduce(|best, next| if next.0 > best.0 { next } else { best })
    };
    let (mut count, mut best) = most(&mut levels.into_iter()).expect("a level always fits");
    let mut best_terms = CONSTANT;
    for (terms, tries) in TRIES {
        let found = most(&mut (0..tries).filter_map(|_| sample(terms)));
        if let Some((found, surface)) =
            found.filter(|(found, _)| (found - count.min(*found)) as f64 > WORTH * points.len() as f64)
        {
            (count, best, best_terms) = (found, surface, terms);
        }
    }
    (best, best_terms)
}
