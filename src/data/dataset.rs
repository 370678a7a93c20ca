//! A whole data set in memory.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::checksums::FILES;
use super::classes::{class_names_in, fashion_mnist_names};
use super::files::files_in;
use super::idx::{Images, Labels};
use super::lent::{LentSamples, Pixels};
use super::names::role;
use super::problem::problem_with;
use crate::error::Result;

const REMEDY: &str = "put four files of one data set in the folder";
const NAMED: &str = "give four files named as Fashion-MNIST's are, train-images-idx3-ubyte.gz and so on";

/// What reads a file.
type Read<'a, T> = &'a (dyn Fn(&Path) -> Result<T> + Sync);

/// Labelled images: at least one, and as many labels as images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Samples {
    /// The pixels, 0 to 255, in `[N, H, W, C]` order.
    pub images: Vec<u8>,
    /// The class of each image, `[N]`.
    pub labels: Vec<u8>,
    /// The shape of one image, `[H, W, C]`, none of them zero.
    pub shape: [usize; 3],
}

impl<'a> From<&'a Samples> for LentSamples<'a> {
    fn from(samples: &'a Samples) -> Self {
        Self { pixels: Pixels::Bytes(&samples.images), labels: &samples.labels, shape: samples.shape }
    }
}

impl Samples {
    /// The number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// The first sample whose label is none of so many classes.
    pub fn label_beyond(&self, classes: usize) -> Option<usize> {
        LentSamples::from(self).label_beyond(classes)
    }

    /// Whether there are no images, which no data set that was read has.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}

/// The training and test samples of one folder. Their images have the same shape.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// The samples to train with, of which some may be held out for validation.
    pub train: Samples,
    /// The samples to test with.
    pub test: Samples,
    /// Where the samples were read from.
    pub folder: PathBuf,
    /// The four files themselves, in the order of [`FILES`].
    pub files: [PathBuf; 4],
    /// As what files were taken, where that is not plain.
    pub notes: Vec<String>,
    /// Whether all four checksums are Fashion-MNIST's. If not, this may well be another data set of the same format.
    pub verified: bool,
    /// The name and the SHA-256 (of the unpacked bytes, lowercase hexadecimal) of each file, in the order of [`FILES`].
    pub hashes: [(&'static str, String); 4],
}

impl Dataset {
    /// One more than the largest label: the classes that there are at least.
    pub fn classes(&self) -> usize {
        self.train.labels.iter().chain(&self.test.labels).max().map_or(0, |&label| usize::from(label) + 1)
    }

    /// What the data tells of one of these numbers of classes: the names in the folder's `classes.txt`, else
    /// Fashion-MNIST's where it is that; nothing for any other data set.
    ///
    /// # Errors
    /// See [`read_class_names`](super::read_class_names).
    pub fn class_names(&self, classes: RangeInclusive<usize>) -> Result<Vec<String>> {
        match class_names_in(&self.folder, classes.clone())? {
            names if names.is_empty() => {
                Ok(fashion_mnist_names(self.hashes.iter().map(|(_, hash)| hash), *classes.start()))
            }
            names => Ok(names),
        }
    }

    /// Reads the four files in `folder`, each plain or gzip, in parallel.
    ///
    /// # Errors
    ///
    /// [`Error::Data`](crate::error::Error::Data) when a file is missing or malformed, when images and labels differ in
    /// number, or when training and test images differ in shape.
    pub fn load(folder: &Path) -> Result<Self> {
        Self::of(folder, files_in(folder)?, &Images::read, &Labels::read)
    }

    /// The same of four files in memory, in any order, told apart by their names.
    ///
    /// # Errors
    /// See [`Dataset::load`].
    pub fn decode(files: &[(PathBuf, Vec<u8>)]) -> Result<Self> {
        let mut found: [Option<&(PathBuf, Vec<u8>)>; 4] = [None; 4];
        for file in files {
            let role = file.0.to_str().and_then(role);
            let role =
                role.ok_or_else(|| problem_with(&file.0, format!("not the name of a data set's file; {NAMED}")))?;
            if let Some((other, _)) = found[role.file].replace(file) {
                let problem = format!("the same part of a data set as {}; give one of the two", other.display());
                return Err(problem_with(&file.0, problem));
            }
        }
        let missing = |place: usize| problem_with(Path::new(FILES[place].name), format!("missing; {NAMED}"));
        let [a, b, c, d] = [0, 1, 2, 3].map(|place| found[place].ok_or_else(|| missing(place)));
        let found = [a?, b?, c?, d?];
        let bytes = |name: &Path| {
            let file = found.iter().find(|(path, _)| path == name);
            file.map_or(&[][..], |(_, bytes)| bytes)
        };
        let paths = found.map(|(path, _)| path.clone());
        let images = |name: &Path| Images::decode(name, bytes(name));
        Self::of(Path::new(""), paths, &images, &|name: &Path| Labels::decode(name, bytes(name)))
    }

    /// Reads the four files by `images` and `labels`, in parallel.
    fn of(folder: &Path, files: [PathBuf; 4], images: Read<Images>, labels: Read<Labels>) -> Result<Self> {
        let [train_images, train_labels, test_images, test_labels] = &files;
        let samples = |image_path: &Path, label_path: &Path| samples((image_path, images), (label_path, labels));
        let (train, test) = rayon::join(|| samples(train_images, train_labels), || samples(test_images, test_labels));
        let ((train, train_hashes, mut notes), (test, test_hashes, test_notes)) = (train?, test?);
        notes.extend(test_notes);
        if train.shape != test.shape {
            let (test_shape, train_shape) = (test.shape, train.shape);
            return Err(problem_with(
                test_images,
                format!("the shape [H, W, C] is {test_shape:?}, but {train_shape:?} in the training images; {REMEDY}"),
            ));
        }
        let ([train_images, train_labels], [test_images, test_labels]) = (train_hashes, test_hashes);
        let hashes = [
            (FILES[0].name, train_images),
            (FILES[1].name, train_labels),
            (FILES[2].name, test_images),
            (FILES[3].name, test_labels),
        ];
        let verified = FILES.iter().zip(&hashes).all(|(file, (_, hash))| file.sha256 == hash);
        Ok(Self { train, test, folder: folder.to_path_buf(), files, notes, verified, hashes })
    }
}

/// Reads the samples of an image and a label file, their checksums in this order, and what there is to say of them.
fn samples(
    (image_path, images): (&Path, Read<Images>),
    (label_path, labels): (&Path, Read<Labels>),
) -> Result<(Samples, [String; 2], Vec<String>)> {
    let (images, labels) = rayon::join(|| images(image_path), || labels(label_path));
    let (images, labels) = (images?, labels?);
    let [count, height, width, channels] = images.shape;
    if count != labels.classes.len() {
        let (labels, image_path) = (labels.classes.len(), image_path.display());
        let problem = format!("the label count is {labels}, but {image_path} holds {count} images");
        return Err(problem_with(label_path, format!("{problem}; {REMEDY}")));
    }
    let samples = Samples { images: images.pixels, labels: labels.classes, shape: [height, width, channels] };
    let notes = [(image_path, images.note), (label_path, labels.note)];
    let notes = notes.into_iter().filter_map(|(path, note)| Some(format!("{}: {}", path.display(), note?)));
    Ok((samples, [images.sha256, labels.sha256], notes.collect()))
}
