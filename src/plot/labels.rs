//! Where the labels of points go, so that none covers another, a point or a line.

use super::style::{TEXT, width};

/// What is taken of a picture, in pixels: x and y of the upper left and the lower right corner.
pub struct Labels {
    size: [i32; 2],
    taken: Vec<[i32; 4]>,
}

/// A label's place.
pub struct Placed {
    /// Its upper left corner.
    pub corner: (i32, i32),
    /// The point of it that is nearest to what it labels.
    pub nearest: (i32, i32),
}

impl Labels {
    /// Of a picture of that width and height.
    pub fn new((width, height): (u32, u32)) -> Self {
        Self { size: [width as i32, height as i32], taken: Vec::new() }
    }

    /// Lets no label cover a circle.
    pub fn keep_free(&mut self, (x, y): (i32, i32), radius: i32) {
        self.taken.push([x - radius, y - radius, x + radius, y + radius]);
    }

    /// The free place for `words` nearest to a circle: to its right, or else around it, farther and farther away.
    pub fn place(&mut self, words: &str, (x, y): (i32, i32), radius: i32) -> Placed {
        let (width, height) = (width(words, TEXT), TEXT as i32 + 3);
        let around = |away: i32| {
            let (right, left) = (x + radius + 6 + away, x - radius - 6 - away - width);
            let (above, below) = (y - radius - 4 - away - height, y + radius + 4 + away);
            let (beside, over) = (y - height / 2, x - width / 2);
            [(right, beside), (left, beside), (right, above), (right, below), (left, above), (left, below)]
                .into_iter()
                .chain([(over, above), (over, below)])
        };
        let rectangle = |(x, y): (i32, i32)| [x, y, x + width, y + height];
        let places = (0..400).step_by(12).flat_map(around);
        let free = places.map(rectangle).find(|place| self.is_free(place));
        let place = free.unwrap_or_else(|| rectangle((x + radius + 6, y - height / 2)));
        self.taken.push(place);
        let [x0, y0, x1, y1] = place;
        Placed { corner: (x0, y0), nearest: (x.clamp(x0, x1), y.clamp(y0, y1)) }
    }

    fn is_free(&self, place: &[i32; 4]) -> bool {
        const GAP: i32 = 2;
        let [x0, y0, x1, y1] = place;
        let inside = *x0 >= 0 && *y0 >= 0 && *x1 <= self.size[0] && *y1 <= self.size[1];
        let apart = |other: &[i32; 4]| {
            *x1 + GAP < other[0] || other[2] + GAP < *x0 || *y1 + GAP < other[1] || other[3] + GAP < *y0
        };
        inside && self.taken.iter().all(apart)
    }
}
