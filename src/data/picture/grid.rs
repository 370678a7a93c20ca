//! Rows of values: of colours, of brightness, of a mask.

/// How far a pixel of the background may be from it in each channel: a twentieth of full brightness.
pub const CLOSE: f32 = 12.0;

/// Values in `[H, W]` order.
#[derive(Clone, Debug)]
pub struct Grid<T> {
    pub width: usize,
    pub height: usize,
    pub values: Vec<T>,
}

/// A rectangle of a grid: its first column and row, and those after its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rectangle {
    pub left: usize,
    pub top: usize,
    pub right: usize,
    pub bottom: usize,
}

impl<T: Copy> Grid<T> {
    pub fn from_fn(width: usize, height: usize, value: impl Fn(usize, usize) -> T) -> Self {
        let values = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| value(x, y)).collect();
        Self { width, height, values }
    }

    pub fn at(&self, x: usize, y: usize) -> T {
        self.values[y * self.width + x]
    }

    pub fn map<U>(&self, to: impl Fn(T) -> U) -> Grid<U> {
        let values = self.values.iter().map(|&value| to(value)).collect();
        Grid { width: self.width, height: self.height, values }
    }

    pub fn crop(&self, part: Rectangle) -> Self {
        Self::from_fn(part.width(), part.height(), |x, y| self.at(part.left + x, part.top + y))
    }

    pub fn whole(&self) -> Rectangle {
        Rectangle { left: 0, top: 0, right: self.width, bottom: self.height }
    }

    /// The places of the outermost values, a side after the other; those of the corners twice.
    pub fn border(&self) -> impl Iterator<Item = (usize, usize)> + use<T> {
        let (right, bottom) = (self.width - 1, self.height - 1);
        let across = move |y: usize| (0..=right).map(move |x| (x, y));
        let down = move |x: usize| (0..=bottom).map(move |y| (x, y));
        across(0).chain(across(bottom)).chain(down(0)).chain(down(right))
    }
}

impl Grid<[f32; 3]> {
    /// The mean of each value and its eight neighbours, the edges repeated.
    pub fn smoothed(&self) -> Self {
        let mean = |values: [[f32; 3]; 3]| {
            [0, 1, 2].map(|channel| values.iter().map(|value| value[channel]).sum::<f32>() / 3.0)
        };
        let near = |at: usize, size: usize| [at.saturating_sub(1), at, (at + 1).min(size - 1)];
        let across = Self::from_fn(self.width, self.height, |x, y| mean(near(x, self.width).map(|x| self.at(x, y))));
        Self::from_fn(self.width, self.height, |x, y| mean(near(y, self.height).map(|y| across.at(x, y))))
    }
}

impl Grid<bool> {
    /// The smallest rectangle with all that is set; none where nothing is.
    pub fn bounds(&self) -> Option<Rectangle> {
        let mut bounds: Option<Rectangle> = None;
        for y in 0..self.height {
            for x in (0..self.width).filter(|&x| self.at(x, y)) {
                let place = Rectangle { left: x, top: y, right: x + 1, bottom: y + 1 };
                bounds = Some(bounds.map_or(place, |bounds| bounds.joined(place)));
            }
        }
        bounds
    }

    /// What is set or enclosed by what is, and `reach` further in every direction.
    pub fn filled_and_grown(&self, reach: usize) -> Self {
        let mut outside = self.map(|_| false);
        let mut reached: Vec<(usize, usize)> = self.border().collect();
        while let Some((x, y)) = reached.pop() {
            let place = y * self.width + x;
            if !self.values[place] && !outside.values[place] {
                outside.values[place] = true;
                let next = [(x.wrapping_sub(1), y), (x + 1, y), (x, y.wrapping_sub(1)), (x, y + 1)];
                reached.extend(next.into_iter().filter(|&(x, y)| x < self.width && y < self.height));
            }
        }
        let filled = outside.map(|outside| !outside);
        let near = |at: usize, size: usize| at.saturating_sub(reach)..(at + reach + 1).min(size);
        let across = Self::from_fn(self.width, self.height, |x, y| near(x, self.width).any(|x| filled.at(x, y)));
        Self::from_fn(self.width, self.height, |x, y| near(y, self.height).any(|y| across.at(x, y)))
    }
}

impl Rectangle {
    pub fn width(self) -> usize {
        self.right - self.left
    }

    pub fn height(self) -> usize {
        self.bottom - self.top
    }

    pub fn joined(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    /// How many columns or rows, whichever are more, are between them.
    pub fn gap(self, other: Self) -> usize {
        let across = other.left.saturating_sub(self.right).max(self.left.saturating_sub(other.right));
        let down = other.top.saturating_sub(self.bottom).max(self.top.saturating_sub(other.bottom));
        across.max(down)
    }
}

/// Brightness as it is seen (ITU-R BT.709), as the library that decodes pictures turns colours into grey.
pub fn luma([red, green, blue]: [f32; 3]) -> f32 {
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}
