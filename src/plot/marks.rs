//! Thousands of points within a figure: a path is many of them, to a tenth of a pixel, in 16 bytes each.

use plotters::style::RGBColor;

/// What a point looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Circle,
    Triangle,
    Square,
    Cross,
}

/// Points of one shape and colour.
#[derive(Clone, Debug)]
pub struct Marks {
    pub shape: Shape,
    pub colour: RGBColor,
    /// 0 to 1, of all of them together: where two of these cover each other, it is no darker.
    pub opacity: f64,
    /// Of a circle, in pixels; the other shapes are about as large.
    pub radius: f64,
    /// In pixels from the figure's left and from its top.
    pub centres: Vec<(f64, f64)>,
}

impl Marks {
    /// As a part of an SVG file.
    pub(super) fn element(&self) -> String {
        let Self { colour: RGBColor(red, green, blue), opacity, radius, .. } = *self;
        let colour = format!("#{red:02X}{green:02X}{blue:02X}");
        let line = |thick: f64, cap: &str| {
            format!("fill=\"none\" stroke=\"{colour}\" stroke-width=\"{thick:.1}\" stroke-linecap=\"{cap}\"")
        };
        // A line that is next to nothing is what its ends are: the shortest way to say a circle or a square. A path is
        // said from a point that lies so far from the centre.
        let (style, [right, down], path) = match self.shape {
            Shape::Circle => (line(2.0 * radius, "round"), [0.0; 2], "h.01".to_owned()),
            Shape::Square => (line(1.77 * radius, "square"), [0.0; 2], "h.01".to_owned()),
            Shape::Triangle => {
                let path = format!("l{:.1} {:.1}h-{:.1}z", 1.3 * radius, 2.2 * radius, 2.6 * radius);
                (format!("fill=\"{colour}\""), [0.0, -1.4 * radius], path)
            }
            Shape::Cross => {
                let path = format!("h{0:.1}m-{1:.1} -{1:.1}v{0:.1}", 2.6 * radius, 1.3 * radius);
                (line(0.8 * radius, "butt"), [-1.3 * radius, 0.0], path)
            }
        };
        let points: String =
            self.centres.iter().map(|(x, y)| format!("M{:.1} {:.1}{path}", x + right, y + down)).collect();
        format!("<path {style} opacity=\"{opacity}\" d=\"{points}\"/>\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{Area, Drawn, Figure, save_as};
    use resvg::tiny_skia::Pixmap;

    struct One(Shape);

    impl Figure for One {
        fn size(&self) -> (u32, u32) {
            (60, 60)
        }

        fn draw(&self, _: &Area) -> Drawn {
            Ok(())
        }

        fn marks(&self) -> Vec<Marks> {
            let colour = RGBColor(0, 0, 0);
            vec![Marks { shape: self.0, colour, opacity: 1.0, radius: 10.0, centres: vec![(30.0, 30.0)] }]
        }
    }

    /// How much of the picture is dark, in pixels.
    fn area(shape: Shape) -> f64 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.png");
        save_as(&One(shape), &path).unwrap();
        let pixels = Pixmap::load_png(&path).unwrap();
        pixels.pixels().iter().map(|pixel| 1.0 - f64::from(pixel.red()) / 255.0).sum()
    }

    #[test]
    fn shapes_are_of_about_one_size() {
        let circle = area(Shape::Circle);
        assert!((circle - 314.0).abs() < 8.0, "{circle}");
        for shape in [Shape::Triangle, Shape::Square, Shape::Cross] {
            let area = area(shape);
            assert!((0.85..1.2).contains(&(area / circle)), "{shape:?}: {area} of {circle}");
        }
    }
}
