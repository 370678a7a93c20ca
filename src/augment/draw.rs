//! The host's draws: each depends on seed, epoch and sample, and a partner on how many rows its batch has.

use super::beta::beta;
use super::{Augmentation, Flip, Transform, WHOLE};
use crate::random::{Sequence, Stream};

/// What a draw is for: each has blocks of words of its own, so that none depends on whether there are others.
#[derive(Clone, Copy)]
enum Draw {
    Flip,
    Shift,
    Cutout,
    Erasing,
    Partner,
    Mixup,
    Cutmix,
}

/// Blocks from one of them to the next: far more than any uses.
const BLOCKS: u32 = 1 << 16;

/// Parts of the image that are erased, height by width of the rectangle, and how often one that fits is looked for.
const ERASED: [f64; 2] = [0.02, 0.4];
const ASPECT: [f64; 2] = [0.3, 3.33];
const TRIES: usize = 100;

/// One sample in one epoch.
#[derive(Clone, Copy)]
struct Visit {
    seed: u64,
    epoch: u32,
    sample: u32,
    /// `[H, W]`
    image: [u32; 2],
}

impl Augmentation {
    /// What befalls the samples of one batch, by their numbers, in an epoch (from 0); images are `input` `[H, W, C]`.
    pub fn draw<'a>(
        &'a self,
        input: [usize; 3],
        seed: u64,
        epoch: u32,
        batch: &'a [u32],
    ) -> impl Iterator<Item = Transform> + 'a {
        let image = [input[0] as u32, input[1] as u32];
        batch.iter().enumerate().map(move |(place, &sample)| {
            let visit = Visit { seed, epoch, sample, image };
            let transform = visit.alone(self);
            if self.mixes() { visit.mixed(self, transform, [place as u32, batch.len() as u32]) } else { transform }
        })
    }
}

impl Visit {
    fn random(&self, draw: Draw) -> Sequence {
        Sequence::new(self.seed, Stream::Augmentation, self.epoch).of(self.sample, draw as u32 * BLOCKS)
    }

    /// What befalls the sample ahead of mixing.
    fn alone(&self, augmentation: &Augmentation) -> Transform {
        let Augmentation { flip, shift, cutout, random_erasing, .. } = *augmentation;
        let mut transform = Transform::NONE;
        transform.flip = match flip {
            Flip::None => 0,
            Flip::Horizontal => self.coin(),
            Flip::Alternating => Self { epoch: 0, ..*self }.coin() ^ (self.epoch & 1),
        };
        if shift > 0 {
            let mut random = self.random(Draw::Shift);
            transform.shift = [(); 2].map(|()| random.below(2 * shift + 1) as i32 - shift as i32);
        }
        if cutout > 0 {
            transform.cutout = self.around_a_pixel(&mut self.random(Draw::Cutout), [cutout; 2]);
        }
        if random_erasing > 0.0 {
            transform.erased = self.erased(random_erasing);
        }
        transform
    }

    fn coin(&self) -> u32 {
        self.random(Draw::Flip).word() >> 31
    }

    /// A box of `[height, width]` whose centre is any pixel, as far as it is in the image. Of an even number of rows, one
    /// more is above the centre than below.
    fn around_a_pixel(&self, random: &mut Sequence, size: [u32; 2]) -> [u32; 4] {
        let [[top, bottom], [left, right]] = [0, 1].map(|axis| {
            let (size, extent) = (size[axis], self.image[axis]);
            let centre = random.below(extent);
            [centre.saturating_sub(size / 2), (centre + size - size / 2).min(extent)]
        });
        [top, left, bottom, right]
    }

    /// Zhong et al., "Random erasing data augmentation" (2020).
    fn erased(&self, probability: f64) -> [u32; 4] {
        let mut random = self.random(Draw::Erasing);
        let between = |[low, high]: [f64; 2], random: &mut Sequence| low + (high - low) * random.fraction();
        if random.fraction() >= probability {
            return [0; 4];
        }
        let [height, width] = self.image.map(f64::from);
        for _ in 0..TRIES {
            let area = between(ERASED, &mut random) * height * width;
            let aspect = between(ASPECT, &mut random);
            let [tall, wide] = [(area * aspect).sqrt().round(), (area / aspect).sqrt().round()];
            if (1.0..height).contains(&tall) && (1.0..width).contains(&wide) {
                let [tall, wide] = [tall as u32, wide as u32];
                let top = random.below(self.image[0] - tall + 1);
                let left = random.below(self.image[1] - wide + 1);
                return [top, left, top + tall, left + wide];
            }
        }
        [0; 4]
    }

    /// The transform with what of the sample becomes another's, of `rows` of its batch; nothing where it is alone there.
    fn mixed(&self, augmentation: &Augmentation, transform: Transform, [place, rows]: [u32; 2]) -> Transform {
        if rows < 2 {
            return Transform { partner: place, ..transform };
        }
        let partner = (place + 1 + self.random(Draw::Partner).below(rows - 1)) % rows;
        let (mut own, mut pasted) = (WHOLE, [0; 4]);
        if augmentation.mixup > 0.0 {
            let lambda = beta(&mut self.random(Draw::Mixup), augmentation.mixup);
            own = (lambda * f64::from(WHOLE)).round() as u32;
        }
        if augmentation.cutmix > 0.0 {
            let mut random = self.random(Draw::Cutmix);
            let side = (1.0 - beta(&mut random, augmentation.cutmix)).sqrt();
            let size = self.image.map(|extent| (f64::from(extent) * side).round() as u32);
            pasted = self.around_a_pixel(&mut random, size);
        }
        let [top, left, bottom, right] = pasted.map(f64::from);
        let [height, width] = self.image.map(f64::from);
        let kept = 1.0 - (bottom - top) * (right - left) / (height * width);
        let share = (f64::from(own) / f64::from(WHOLE) * kept) as f32;
        Transform { partner, own, pasted, share, ..transform }
    }
}
