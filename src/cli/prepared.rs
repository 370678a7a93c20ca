//! `--save-prepared`: what the network saw of each picture, as files to look at, or to predict again.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use png::{BitDepth, ColorType, Encoder};

use crate::data::Picture;
use crate::error::{Error, Result};
use crate::formats::write_whole;

/// What a file's own note of its origin says: only a file with it is written over.
const KEYWORD: &str = "Software";
const SOFTWARE: &str = "gpu-fmnist predict --save-prepared";

/// Writes a PNG for each picture into the folder, which is made where it is missing: `boot.jpg` becomes `boot.png`, and
/// `boot-2.png` where that is another's. Nothing is written over but what an earlier call wrote. Gives the files' paths.
///
/// # Errors
/// [`Error::Failed`] naming what cannot be written.
pub fn save(folder: &Path, paths: &[PathBuf], pictures: &[Picture], shape: [usize; 3]) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(folder).map_err(|error| {
        let folder = folder.display();
        Error::Failed(format!("{folder}: cannot be made ({error}); choose another folder for --save-prepared"))
    })?;
    let mut taken = HashSet::new();
    let mut save = |(path, picture): (&PathBuf, &Picture)| {
        let path = free(folder, path, &mut taken);
        write_whole(&path, &encoded(picture, shape)?)?;
        Ok(path)
    };
    paths.iter().zip(pictures).map(&mut save).collect()
}

/// The first name that is no other picture's.
fn free(folder: &Path, path: &Path, taken: &mut HashSet<PathBuf>) -> PathBuf {
    let stem =
        if path == Path::new("-") { "stdin".into() } else { path.file_stem().unwrap_or(path.as_os_str()).to_owned() };
    let numbered = |number: u64| {
        let mut name: OsString = stem.clone();
        if number > 1 {
            name.push(format!("-{number}"));
        }
        name.push(".png");
        folder.join(name)
    };
    let is_free = |path: &PathBuf| !taken.contains(path) && (!path.exists() || is_own(path));
    let path = (1..).map(numbered).find(is_free).expect("numbers without end");
    taken.insert(path.clone());
    path
}

/// Whether an earlier call wrote the file.
fn is_own(path: &Path) -> bool {
    // Of a pipe nobody knows when it opens.
    let Some(file) = path.is_file().then(|| fs::File::open(path).ok()).flatten() else { return false };
    let reader = png::Decoder::new(std::io::BufReader::new(file)).read_info();
    let texts = reader.map(|reader| reader.info().uncompressed_latin1_text.clone()).unwrap_or_default();
    texts.iter().any(|text| text.keyword == KEYWORD && text.text == SOFTWARE)
}

fn encoded(picture: &Picture, [height, width, channels]: [usize; 3]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(if channels == 1 { ColorType::Grayscale } else { ColorType::Rgb });
    encoder.set_depth(BitDepth::Eight);
    let failed = |error: png::EncodingError| Error::Failed(format!("a prepared picture cannot be encoded ({error})"));
    encoder.add_text_chunk(KEYWORD.into(), SOFTWARE.into()).map_err(failed)?;
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&picture.pixels).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}
