//! Lines along a picture's edges: a thin frame, a scanner's dark rim.

use super::grid::{CLOSE, Grid, Rectangle};

/// How thick such a line may be: a fiftieth of the picture's shorter side, about half a pixel of a network's input. So no
/// row of pixels of a data set's own picture, enlarged, is taken for one.
const THICKEST: f32 = 0.02;

/// The share of a line's pixels that have to differ from those within it.
const LINE: f32 = 0.85;

/// What is left of a picture without such lines, by its brightness.
pub fn within_frame(brightness: &Grid<f32>) -> Rectangle {
    let Grid { width, height, .. } = *brightness;
    let thickest = ((width.min(height) as f32 * THICKEST).round() as usize).max(1);
    let mut inside = brightness.whole();
    if width.min(height) < 4 * thickest + 8 {
        return inside;
    }
    let row = |y: usize| (0..width).map(|x| brightness.at(x, y)).collect::<Vec<_>>();
    let column = |x: usize| (0..height).map(|y| brightness.at(x, y)).collect::<Vec<_>>();
    inside.top = thickness(thickest, &row);
    inside.bottom -= thickness(thickest, &|depth| row(height - 1 - depth));
    inside.left = thickness(thickest, &column);
    inside.right -= thickness(thickest, &|depth| column(width - 1 - depth));
    inside
}

/// The rows or columns to cut off at one edge, by the values in each depth: the deepest that stands out from what is two
/// beyond the thickest, and the one after it, which may have a part of it.
fn thickness(thickest: usize, line: &dyn Fn(usize) -> Vec<f32>) -> usize {
    let inner = line(thickest + 2);
    let stands_out = |depth: &usize| {
        let apart: Vec<f32> = line(*depth).iter().zip(&inner).map(|(outer, inner)| outer - inner).collect();
        let share = |sign: f32| {
            let count = apart.iter().filter(|&apart| apart * sign > 2.0 * CLOSE).count();
            count as f32 / apart.len() as f32
        };
        share(1.0).max(share(-1.0)) >= LINE
    };
    (0..=thickest).rev().find(stands_out).map_or(0, |depth| depth + 2)
}
