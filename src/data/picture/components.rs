//! Which of the things on a picture are the object: not dust, not a soft shadow beside it, not a frame drawn around it.

use super::grid::{Grid, Rectangle};

/// What is connected, diagonals included.
struct Component {
    bounds: Rectangle,
    places: Vec<usize>,
    /// The sum of its pixels' contrasts to the background, and the greatest.
    mass: f32,
    peak: f32,
}

/// A bar along a side covers so much of it, and is at most so thick.
const BAR: [f32; 2] = [0.9, 0.1];

/// A drawn frame covers so much of the width and the height; so many of its pixels are so near its outer edges.
const FRAME: f32 = 0.75;
const HUGGING: [f32; 2] = [0.9, 0.05];

/// The least mass, as a part of the heaviest's: of what is beside it without a gap (a sandal's straps), of what is within
/// a tenth of its size (the dot of an i), and of what is further away.
const LEAST: [f32; 3] = [0.002, 0.02, 0.08];
const NEAR: f32 = 0.1;

/// What has less than this part of the heaviest's contrast is a shadow.
const FAINT: f32 = 0.3;

/// The pixels of `mask` that are the object's; `contrast` is how much each differs from the background.
pub fn object(mask: &Grid<bool>, contrast: &Grid<f32>) -> Grid<bool> {
    let all = components(mask, contrast);
    let mut things: Vec<&Component> = all.iter().filter(|component| !component.is_frame(mask)).collect();
    if things.is_empty() {
        things = all.iter().collect();
    }
    let mut object = mask.map(|_| false);
    let Some(heaviest) = things.iter().max_by(|one, other| one.mass.total_cmp(&other.mass)) else { return object };
    for thing in things.iter().filter(|thing| thing.belongs_to(heaviest)) {
        thing.places.iter().for_each(|&place| object.values[place] = true);
    }
    object
}

impl Component {
    fn add(&mut self, (x, y): (usize, usize), place: usize, contrast: &Grid<f32>) {
        self.bounds = self.bounds.joined(Rectangle { left: x, top: y, right: x + 1, bottom: y + 1 });
        self.places.push(place);
        self.mass += contrast.values[place];
        self.peak = self.peak.max(contrast.values[place]);
    }

    fn is_frame(&self, picture: &Grid<bool>) -> bool {
        let Rectangle { left, top, right, bottom } = self.bounds;
        let [width, height] = [self.bounds.width(), self.bounds.height()].map(|size| size as f32);
        let [across, down] = [width / picture.width as f32, height / picture.height as f32];
        let at_edge = left == 0 || top == 0 || right == picture.width || bottom == picture.height;
        let bar = |long: f32, thick: f32| long >= BAR[0] && thick <= BAR[1];
        at_edge && (bar(across, down) || bar(down, across))
            || across.min(down) >= FRAME && self.hugs(HUGGING[1] * width.min(height), picture.width) >= HUGGING[0]
    }

    /// The part of its pixels that are no further than `reach` from the edges of its rectangle.
    fn hugs(&self, reach: f32, width: usize) -> f32 {
        let Rectangle { left, top, right, bottom } = self.bounds;
        let near = |place: &&usize| {
            let (x, y) = (*place % width, *place / width);
            (x - left).min(right - 1 - x).min(y - top).min(bottom - 1 - y) as f32 <= reach
        };
        self.places.iter().filter(near).count() as f32 / self.places.len() as f32
    }

    fn belongs_to(&self, heaviest: &Self) -> bool {
        let size = heaviest.bounds.width().max(heaviest.bounds.height()) as f32;
        let least = match self.bounds.gap(heaviest.bounds) {
            0 => LEAST[0],
            gap if gap as f32 <= NEAR * size => LEAST[1],
            _ => LEAST[2],
        };
        self.mass >= least * heaviest.mass && self.peak >= FAINT * heaviest.peak
    }
}

fn components(mask: &Grid<bool>, contrast: &Grid<f32>) -> Vec<Component> {
    let (mut left, mut components) = (mask.clone(), Vec::new());
    for start in 0..mask.values.len() {
        if !left.values[start] {
            continue;
        }
        let (x, y) = (start % mask.width, start / mask.width);
        let bounds = Rectangle { left: x, top: y, right: x + 1, bottom: y + 1 };
        let mut component = Component { bounds, places: Vec::new(), mass: 0.0, peak: 0.0 };
        left.values[start] = false;
        let mut reached = vec![(x, y)];
        while let Some((x, y)) = reached.pop() {
            component.add((x, y), y * mask.width + x, contrast);
            for y in y.saturating_sub(1)..(y + 2).min(mask.height) {
                for x in x.saturating_sub(1)..(x + 2).min(mask.width) {
                    if std::mem::take(&mut left.values[y * mask.width + x]) {
                        reached.push((x, y));
                    }
                }
            }
        }
        components.push(component);
    }
    components
}
