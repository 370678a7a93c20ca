//! Pictures as files: what a figure draws, written as SVG and as PNG.

use std::fs;
use std::path::{Path, PathBuf};

use plotters::coord::Shift;
use plotters::prelude::{
    BitMapBackend, DrawingArea, DrawingAreaErrorKind, DrawingBackend, IntoDrawingArea, SVGBackend,
};
use plotters::style::WHITE;

use crate::error::{Error, Result};
use crate::formats::write_whole;

/// What a figure draws on, in pixels.
pub type Area<B> = DrawingArea<B, Shift>;

/// Whether drawing worked.
pub type Drawn<B> = std::result::Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

/// A picture that can be drawn on anything.
pub trait Figure {
    /// Width and height in pixels.
    fn size(&self) -> (u32, u32);

    fn draw<B: DrawingBackend>(&self, area: &Area<B>) -> Drawn<B>;
}

/// Writes `NAME.svg` and `NAME.png` into a folder, which is made where there is none; their paths.
///
/// # Errors
/// [`Error::Failed`] naming the file or folder that cannot be written.
pub fn save(figure: &impl Figure, folder: &Path, name: &str) -> Result<[PathBuf; 2]> {
    let problem = |error: String| Error::Failed(format!("{name}: cannot be drawn ({error})"));
    let paths = ["svg", "png"].map(|extension| folder.join(format!("{name}.{extension}")));
    fs::create_dir_all(folder)
        .map_err(|error| Error::Failed(format!("{}: cannot be made ({error}); give another -o", folder.display())))?;
    write_whole(&paths[0], svg(figure).map_err(problem)?.as_bytes())?;
    write_whole(&paths[1], &png(figure).map_err(problem)?)?;
    Ok(paths)
}

fn svg(figure: &impl Figure) -> std::result::Result<String, String> {
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, figure.size()).into_drawing_area();
    draw(figure, &area)?;
    drop(area);
    Ok(text)
}

fn png(figure: &impl Figure) -> std::result::Result<Vec<u8>, String> {
    let (width, height) = figure.size();
    let mut pixels = vec![0; (3 * width * height) as usize];
    let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
    draw(figure, &area)?;
    drop(area);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels));
    written.map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn draw<B: DrawingBackend>(figure: &impl Figure, area: &Area<B>) -> std::result::Result<(), String> {
    let drawn = area.fill(&WHITE).and_then(|()| figure.draw(area)).and_then(|()| area.present());
    drawn.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::text;
    use plotters::element::Text;

    struct Word;

    impl Figure for Word {
        fn size(&self) -> (u32, u32) {
            (80, 40)
        }

        fn draw<B: DrawingBackend>(&self, area: &Area<B>) -> Drawn<B> {
            area.draw(&Text::new("ReLU", (10, 10), text(20)))
        }
    }

    #[test]
    fn text_is_drawn_with_the_font_that_comes_along() {
        assert!(svg(&Word).unwrap().contains("ReLU"));
        let bytes = png(&Word).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let dark = pixels.iter().filter(|&&value| value < 128).count();
        assert!((100..3000).contains(&dark), "{dark} dark values");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = save(&Word, file.path(), "word").unwrap_err().to_string();
        assert!(error.contains(&file.path().display().to_string()), "{error}");
    }
}
