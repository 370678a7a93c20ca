//! Pictures as files: what a figure draws is SVG, and its PNG is that SVG in pixels.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea, SVGBackend};
use plotters::style::WHITE;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use super::bitmap::Bitmap;
use super::marks::Marks;
use super::style::{FAMILY, FONT, FONT_NAME};
use crate::error::{Error, Result};
use crate::formats::{make_folder, write_own, write_whole};

/// What a figure draws on, in pixels.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Whether drawing worked.
pub type Drawn = std::result::Result<(), DrawingAreaErrorKind<io::Error>>;

/// A PNG's at most: with the copy that is made to write it, they take half a gigabyte.
const MOST_PIXELS: f64 = (1 << 26) as f64;

/// A picture.
pub trait Figure {
    /// Width and height in pixels.
    fn size(&self) -> (u32, u32);

    /// Draws on a white area of that size.
    fn draw(&self, area: &Area) -> Drawn;

    /// The points that lie upon what is drawn, where they are too many to be drawn one by one: the last on top.
    fn marks(&self) -> Vec<Marks> {
        Vec::new()
    }

    /// The images that lie upon what is drawn.
    fn bitmaps(&self) -> Vec<Bitmap> {
        Vec::new()
    }
}

/// Writes `NAME.svg` and `NAME.png` into a folder, which is made where there is none; their paths.
///
/// # Errors
/// [`Error::Failed`] naming the file or folder that cannot be written.
pub fn save(figure: &impl Figure, folder: &Path, name: &str) -> Result<[PathBuf; 2]> {
    let paths = ["svg", "png"].map(|extension| folder.join(format!("{name}.{extension}")));
    make_folder(folder)?;
    write_own(&paths[0], svg(figure)?.as_bytes())?;
    write_own(&paths[1], &png(figure)?)?;
    Ok(paths)
}

/// Writes one file: as SVG or PNG, by its extension. A PNG would be scaled down to 67 million pixels if it had more.
///
/// # Errors
/// [`Error::Usage`] for any other extension, [`Error::Failed`] naming the file where it cannot be written.
pub fn save_as(figure: &impl Figure, path: &Path) -> Result<()> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "svg" => write_whole(path, svg(figure)?.as_bytes()),
        "png" => write_whole(path, &png(figure)?),
        _ => Err(Error::Usage(format!("{}: neither .svg nor .png; give a name that ends so", path.display()))),
    }
}

/// The text of an SVG file. It stands alone, and can be a part of an HTML page too.
///
/// # Errors
/// [`Error::Failed`] where it cannot be drawn.
pub fn svg(figure: &impl Figure) -> Result<String> {
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, figure.size()).into_drawing_area();
    area.fill(&WHITE).and_then(|()| figure.draw(&area)).and_then(|()| area.present()).map_err(undrawn)?;
    drop(area);
    // Said once, or left out where it goes without saying. Words have their quotes escaped, so none of them look so.
    let family = format!(" font-family=\"{FAMILY}\"");
    let text = text.replace(&family, "").replacen("<svg", &format!("<svg{family}"), 1);
    let text = text.replace(" opacity=\"1\"", "").replace(" stroke=\"none\"", "");
    let marks: String = figure.marks().iter().map(Marks::element).collect();
    let bitmaps: String = figure.bitmaps().iter().map(Bitmap::element).collect();
    Ok(text.replace("</svg>", &(marks + &bitmaps + "</svg>")))
}

fn png(figure: &impl Figure) -> Result<Vec<u8>> {
    let ((width, height), scale) = scaled(figure.size());
    let mut pixels = Pixmap::new(width, height).ok_or_else(|| undrawn(format!("{width} x {height} pixels")))?;
    resvg::render(&tree(figure)?, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels.encode_png().map_err(undrawn)
}

/// Width and height of a picture in no more than [`MOST_PIXELS`], and what it is scaled by for that.
fn scaled((width, height): (u32, u32)) -> ((u32, u32), f32) {
    let scale = (MOST_PIXELS / (f64::from(width) * f64::from(height))).sqrt().min(1.0);
    let scaled = |length: u32| ((f64::from(length) * scale) as u32).max(1);
    ((scaled(width), scaled(height)), scale as f32)
}

/// The SVG's parts, in the font that comes along.
pub(super) fn tree(figure: &impl Figure) -> Result<Tree> {
    let mut options = Options::default();
    let fonts = options.fontdb_mut();
    fonts.load_font_data(FONT.to_vec());
    fonts.set_sans_serif_family(FONT_NAME);
    Tree::from_str(&svg(figure)?, &options).map_err(undrawn)
}

fn undrawn(problem: impl Display) -> Error {
    Error::Failed(format!("the picture cannot be drawn ({problem}); ask for a smaller one"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::text;
    use std::fs;

    use plotters::element::Text;

    struct Word;

    impl Figure for Word {
        fn size(&self) -> (u32, u32) {
            (80, 40)
        }

        fn draw(&self, area: &Area) -> Drawn {
            area.draw(&Text::new("ReLU </svg>", (10, 10), text(20)))
        }
    }

    #[test]
    fn text_is_drawn_with_the_font_that_comes_along() {
        assert!(svg(&Word).unwrap().contains("ReLU &lt;/svg&gt;"));
        let pixels = Pixmap::decode_png(&png(&Word).unwrap()).unwrap();
        assert_eq!((pixels.width(), pixels.height()), Word.size());
        let dark = pixels.pixels().iter().filter(|pixel| pixel.red() < 128).count();
        assert!((60..1000).contains(&dark), "{dark} dark pixels");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = save(&Word, file.path(), "word").unwrap_err().to_string();
        assert!(error.contains(&file.path().display().to_string()), "{error}");
    }

    #[test]
    fn a_file_s_extension_says_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let begins = |name: &str| {
            save_as(&Word, &folder.path().join(name)).unwrap();
            fs::read(folder.path().join(name)).unwrap()[..4].to_vec()
        };
        assert_eq!((begins("word.svg"), begins("word.PNG")), (b"<svg".to_vec(), b"\x89PNG".to_vec()));
        for name in ["word", "word.jpeg"] {
            assert!(matches!(save_as(&Word, Path::new(name)), Err(Error::Usage(_))), "{name}");
        }
    }
}
