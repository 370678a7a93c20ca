//! Samples that someone else holds.

/// Values of images `[N, H, W, C]`.
#[derive(Clone, Copy, Debug)]
pub enum Pixels<'a> {
    /// 0 to 255, of which a network sees byte / 255.
    Bytes(&'a [u8]),
    /// Numbers that a network sees as they are.
    Floats(&'a [f32]),
}

impl<'a> Pixels<'a> {
    /// The number of values.
    pub fn len(self) -> usize {
        match self {
            Pixels::Bytes(bytes) => bytes.len(),
            Pixels::Floats(floats) => floats.len(),
        }
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The memory that they are in.
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Pixels::Bytes(bytes) => bytes,
            Pixels::Floats(floats) => bytemuck::cast_slice(floats),
        }
    }

    pub fn are_floats(self) -> bool {
        matches!(self, Pixels::Floats(_))
    }

    /// So many values from the first one on.
    ///
    /// # Panics
    /// Where there are not as many.
    #[must_use]
    pub fn part(self, first: usize, count: usize) -> Self {
        match self {
            Pixels::Bytes(bytes) => Pixels::Bytes(&bytes[first..first + count]),
            Pixels::Floats(floats) => Pixels::Floats(&floats[first..first + count]),
        }
    }
}

/// Labelled images: [`Samples`](super::Samples), or what lies in another's memory.
#[derive(Clone, Copy, Debug)]
pub struct LentSamples<'a> {
    /// `[N, H, W, C]`
    pub pixels: Pixels<'a>,
    /// The class of each image, `[N]`.
    pub labels: &'a [u8],
    /// The shape of one image, `[H, W, C]`.
    pub shape: [usize; 3],
}

impl LentSamples<'_> {
    /// No samples.
    pub const NONE: Self = Self { pixels: Pixels::Bytes(&[]), labels: &[], shape: [1; 3] };

    /// The number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is nothing at all.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.pixels.is_empty()
    }

    /// Whether they are images `[H, W, C]` of that shape with a label each, below `classes`, and no pixel is infinite or
    /// none at all.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn check(&self, input: [usize; 3], classes: usize) -> std::result::Result<(), String> {
        if self.shape != input {
            return Err(format!("images are {:?} [H, W, C], but the model takes {input:?}", self.shape));
        }
        let pixels = input.iter().try_fold(self.labels.len(), |values, &extent| values.checked_mul(extent));
        if pixels != Some(self.pixels.len()) {
            let (values, labels) = (self.pixels.len(), self.labels.len());
            return Err(format!("{values} pixels with {labels} labels are not {labels} images of {input:?} [H, W, C]"));
        }
        if let Pixels::Floats(floats) = self.pixels
            && let Some(place) = floats.iter().position(|value| !value.is_finite())
        {
            let image = place / input.iter().product::<usize>().max(1);
            return Err(format!("a pixel of sample {image} is {}", floats[place]));
        }
        match self.label_beyond(classes) {
            None => Ok(()),
            Some(place) => {
                let label = self.labels[place];
                Err(format!("label {label} of sample {place} is beyond the {classes} classes of the model"))
            }
        }
    }

    /// The first sample whose label is none of so many classes.
    pub fn label_beyond(&self, classes: usize) -> Option<usize> {
        self.labels.iter().position(|&label| usize::from(label) >= classes)
    }
}
