//! How the axes of a file's value are those of a value here. A file's axis is none of ours, one, or several of them
//! one after the other: `[N, C, H * W]`. So a `Transpose`, `Reshape`, `Flatten` or `Squeeze` moves nothing: it is
//! another view. Axes of size 1 are in no view, wherever a file has them.

use std::rc::Rc;

use super::constant::BATCH;
use super::file::REMEDY;
use crate::formats::onnx::shown::Found;

/// The most axes of a value.
const MOST: usize = 6;
/// The most values that features are joined of.
const MOST_PARTS: usize = 256;

/// The axes of a value here, in memory's order: height, width and channels of an image; of flat features those of the
/// image that they were, or the features themselves.
#[derive(Clone, Debug, PartialEq)]
pub struct Axes {
    sizes: [usize; 3],
    /// How many of `sizes` there are.
    rank: usize,
    pub flat: bool,
    /// Of features that are several values one after the other, not all of them as they are in memory.
    joined: Option<Rc<Vec<(Axes, Dim)>>>,
}

impl Axes {
    pub fn image(sizes: [usize; 3]) -> Self {
        Self { sizes, rank: 3, flat: false, joined: None }
    }

    pub fn features(features: usize) -> Self {
        Self { sizes: [features, 1, 1], rank: 1, flat: true, joined: None }
    }

    /// The features of several flat values, each seen through its one axis.
    pub fn joined(parts: Vec<(Axes, Dim)>) -> Found<Self> {
        let features = parts.iter().map(|(axes, _)| axes.values()).sum();
        let leaves = |(axes, dim): (Axes, Dim)| match &axes.joined {
            Some(parts) => parts.to_vec(),
            None => vec![(axes, dim)],
        };
        let parts: Vec<(Axes, Dim)> = parts.into_iter().flat_map(leaves).collect();
        if parts.len() > MOST_PARTS {
            return Err(format!("it joins more than {MOST_PARTS} values; {REMEDY}"));
        }
        let is_in_order = parts.iter().all(|(axes, dim)| axes.is_in_order(*dim));
        Ok(Self { joined: (!is_in_order).then(|| parts.into()), ..Self::features(features) })
    }

    /// Whether the values along this axis, which must be all of them, are in memory as a file has them.
    pub fn is_in_order(&self, dim: Dim) -> bool {
        self.joined.is_none() && dim.axes().is_sorted()
    }

    pub fn flattened(&self) -> Self {
        Self { flat: true, ..self.clone() }
    }

    pub fn values(&self) -> usize {
        self.sizes[..self.rank].iter().product()
    }

    /// `[H, W]` of an image.
    pub fn area(&self) -> [usize; 2] {
        [self.sizes[0], self.sizes[1]]
    }

    /// Channels of an image, or all features.
    pub fn channels(&self) -> usize {
        if self.flat { self.values() } else { self.sizes[2] }
    }

    /// These axes of ours as one of a file's.
    pub fn dim(&self, axes: impl IntoIterator<Item = usize>) -> Dim {
        let mut dim = Dim::default();
        for axis in axes.into_iter().filter(|&axis| self.sizes[axis] != 1) {
            dim.axes[usize::from(dim.count)] = axis as u8;
            dim.count += 1;
        }
        dim
    }

    /// The channels of an image, or all features.
    pub fn last(&self) -> Dim {
        if self.flat { self.dim(0..self.rank) } else { self.dim([2]) }
    }

    /// The size of a file's axis.
    pub fn size(&self, dim: Dim) -> usize {
        dim.axes().map(|axis| self.sizes[axis]).product()
    }

    /// Where in memory the values are that a file has one after the other along this axis, which must be all of them.
    pub fn order(&self, dim: Dim) -> Vec<usize> {
        if let Some(parts) = &self.joined {
            let mut start = 0;
            let mut order = Vec::new();
            for (axes, dim) in parts.iter() {
                order.extend(axes.order(*dim).into_iter().map(|place| start + place));
                start += axes.values();
            }
            return order;
        }
        let step = |axis: usize| self.sizes[axis + 1..self.rank].iter().product::<usize>();
        let mut order = vec![0];
        for axis in dim.axes() {
            let step = step(axis);
            order =
                order.iter().flat_map(|&start| (0..self.sizes[axis]).map(move |index| start + index * step)).collect();
        }
        order
    }
}

/// One axis of a file's value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dim {
    is_batch: bool,
    axes: [u8; 3],
    count: u8,
}

impl Dim {
    pub const BATCH: Self = Self { is_batch: true, axes: [0; 3], count: 0 };

    pub fn axes(self) -> impl DoubleEndedIterator<Item = usize> {
        self.axes.into_iter().take(usize::from(self.count)).map(usize::from)
    }

    /// Whether it is of size 1, whatever the batch's is.
    pub fn is_one(self) -> bool {
        self.count == 0 && !self.is_batch
    }
}

/// The axes of a file's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View(pub Vec<Dim>);

impl View {
    pub fn of(dims: impl IntoIterator<Item = Dim>) -> Self {
        Self([Dim::BATCH].into_iter().chain(dims).collect())
    }

    /// `[N, C, H, W]` of an image.
    pub fn channels_first(axes: &Axes) -> Self {
        Self::of([2, 0, 1].map(|axis| axes.dim([axis])))
    }

    /// `[N, H, W, C]` of an image.
    pub fn channels_last(axes: &Axes) -> Self {
        Self::of([0, 1, 2].map(|axis| axes.dim([axis])))
    }

    /// `[N, F]`
    pub fn flat(axes: &Axes) -> Self {
        Self::of([axes.last()])
    }

    /// Counts from the end where it is negative.
    pub fn axis(&self, axis: i64) -> Found<usize> {
        place(axis, self.0.len())
    }

    pub fn transposed(&self, order: Option<Vec<i64>>) -> Found<Self> {
        let order = order.unwrap_or_else(|| (0..self.0.len() as i64).rev().collect());
        let mut seen = vec![false; self.0.len()];
        let mut dims = Vec::new();
        for axis in order {
            let axis = self.axis(axis)?;
            if std::mem::replace(&mut seen[axis], true) {
                return Err(format!("it names an axis twice; {REMEDY}"));
            }
            dims.push(self.0[axis]);
        }
        if dims.len() == self.0.len() { Ok(Self(dims)) } else { Err(format!("it leaves out an axis; {REMEDY}")) }
    }

    /// Without these axes, which must be of size 1; without all such ones where none is named.
    pub fn squeezed(&self, axes: Option<Vec<i64>>) -> Found<Self> {
        let gone = match axes {
            None => (0..self.0.len()).filter(|&axis| self.0[axis].is_one()).collect(),
            Some(axes) => axes.into_iter().map(|axis| self.axis(axis)).collect::<Found<Vec<_>>>()?,
        };
        if let Some(axis) = gone.iter().find(|&&axis| !self.0[axis].is_one()) {
            return Err(format!("axis {axis} is the batch's or larger than 1; {REMEDY}"));
        }
        let dims = self.0.iter().enumerate().filter(|(axis, _)| !gone.contains(axis));
        Ok(Self(dims.map(|(_, dim)| *dim).collect()))
    }

    pub fn unsqueezed(&self, axes: &[i64]) -> Found<Self> {
        let rank = self.0.len() + axes.len();
        let new: Vec<usize> = axes.iter().map(|&axis| place(axis, rank)).collect::<Found<_>>()?;
        let mut old = self.0.iter().copied();
        let dim = |axis| if new.contains(&axis) { Dim::default() } else { old.next().unwrap_or_default() };
        Self((0..rank).map(dim).collect()).checked()
    }

    /// In as many axes as `target` has sizes, of which one may be -1; 0 is the size that is there, unless `zeros`
    /// says that it is none. The batch's axis stays the first one, whatever size the file says; `batch` is its own.
    pub fn reshaped(&self, axes: &Axes, target: &[i64], zeros: bool, batch: Option<i64>) -> Found<Self> {
        let fail = |problem: &str| Err(format!("its new shape {} {problem}; {REMEDY}", sizes(target)));
        let (Some(Dim::BATCH), Some((&first, rest))) = (self.0.first().copied(), target.split_first()) else {
            return fail("has the batch elsewhere than first");
        };
        let size = |(index, &size): (usize, &i64)| match size {
            0 if !zeros => self.0.get(index + 1).map(|&dim| axes.size(dim) as i64),
            size => Some(size),
        };
        let Some(mut rest) = rest.iter().enumerate().map(size).collect::<Option<Vec<i64>>>() else {
            return fail("has a 0 for an axis that is not there");
        };
        let known = rest.iter().filter(|&&size| size != -1).try_fold(1_i64, |all, &size| all.checked_mul(size));
        let all = axes.values() as i64;
        let open: Vec<usize> = (0..rest.len()).filter(|&index| rest[index] == -1).collect();
        match (known, open.as_slice()) {
            (Some(known), []) if known == all => {}
            (Some(known @ 1..), &[index]) if all % known == 0 && first != -1 => rest[index] = all / known,
            _ => return fail(&format!("does not have the {all} values that it is of")),
        }
        if !(matches!(first, -1 | 1 | BATCH) || first == 0 && !zeros || Some(first) == batch) {
            return fail("has another batch");
        }
        let mut all = self.0.iter().flat_map(|dim| dim.axes());
        let mut dims = Vec::new();
        for &size in &rest {
            let mut dim = Dim::default();
            while (axes.size(dim) as i64) < size
                && let Some(axis) = all.next()
            {
                dim.axes[usize::from(dim.count)] = axis as u8;
                dim.count += 1;
            }
            if axes.size(dim) as i64 != size {
                return fail("divides an axis");
            }
            dims.push(dim);
        }
        Self::of(dims).checked()
    }

    /// Its first axis as it is, and all others as one.
    pub fn flattened(&self, axes: &Axes) -> Found<Self> {
        self.reshaped(axes, &[BATCH, -1], false, None)
    }

    /// As a file's shape.
    pub fn sizes(&self, axes: &Axes) -> Vec<i64> {
        let size = |dim: &Dim| if *dim == Dim::BATCH { BATCH } else { axes.size(*dim) as i64 };
        self.0.iter().map(size).collect()
    }

    fn checked(self) -> Found<Self> {
        if self.0.len() <= MOST { Ok(self) } else { Err(format!("it makes more than {MOST} axes; {REMEDY}")) }
    }
}

/// Counts from the end where it is negative.
pub fn place(axis: i64, rank: usize) -> Found<usize> {
    let place = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
    let place = place.and_then(|place| usize::try_from(place).ok()).filter(|&place| place < rank);
    place.ok_or_else(|| format!("it has no axis {axis}; {REMEDY}"))
}

/// A shape for messages: `[N, 1, 28, 28]`
pub fn sizes(shape: &[i64]) -> String {
    let size = |&size: &i64| if size == BATCH { "N".to_owned() } else { size.to_string() };
    format!("[{}]", shape.iter().take(8).map(size).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flattened_image_says_where_its_values_are() {
        let axes = Axes::image([2, 3, 4]);
        let flat = View::channels_first(&axes).flattened(&axes).unwrap();
        assert_eq!(flat.sizes(&axes), [BATCH, 24]);
        assert_eq!(axes.order(flat.0[1])[..8], [0, 4, 8, 12, 16, 20, 1, 5]);
        let last = View::channels_last(&axes).flattened(&axes).unwrap();
        assert_eq!(axes.order(last.0[1]), (0..24).collect::<Vec<_>>());
        assert_eq!(flat.reshaped(&axes, &[0, 4, 2, -1], false, None).unwrap(), View::channels_first(&axes));
        assert!(flat.reshaped(&axes, &[-1, 3, 8], false, None).unwrap_err().contains("divides an axis"));
        for bad in [&[-1, -1][..], &[5, 24], &[-1, 25], &[24], &[], &[1, 0, 24], &[1, i64::MAX, i64::MAX]] {
            assert!(flat.reshaped(&axes, bad, true, Some(2)).is_err(), "{bad:?}");
        }
    }

    /// A program may write a transposition of one channel as a change of shape.
    #[test]
    fn axes_of_size_1_are_nowhere() {
        let axes = Axes::image([5, 7, 1]);
        let (first, last) = (View::channels_first(&axes), View::channels_last(&axes));
        assert_eq!(last.reshaped(&axes, &[-1, 1, 5, 7], false, None).unwrap(), first);
        assert_eq!(last.transposed(Some(vec![0, 3, 1, 2])).unwrap(), first);
        assert_eq!(last.squeezed(None).unwrap().unsqueezed(&[1]).unwrap(), first);
        assert_eq!(first.squeezed(Some(vec![1])).unwrap().unsqueezed(&[-1]).unwrap(), last);
        assert!(first.squeezed(Some(vec![2])).is_err() && first.squeezed(Some(vec![0])).is_err());
        assert!(first.transposed(Some(vec![0, 1, 2, 2])).is_err() && first.transposed(Some(vec![0, 1])).is_err());
    }

    #[test]
    fn joined_features_are_one_after_the_other() {
        let (image, features) = (Axes::image([1, 2, 2]), Axes::features(3));
        let flat = image.flattened();
        let parts = vec![
            (features.clone(), features.last()),
            (flat, View::channels_first(&image).flattened(&image).unwrap().0[1]),
        ];
        let joined = Axes::joined(parts).unwrap();
        assert_eq!(joined.order(joined.last()), [0, 1, 2, 3, 5, 4, 6]);
        let again = Axes::joined(vec![(joined.clone(), joined.last()), (features.clone(), features.last())]).unwrap();
        assert_eq!(again.order(again.last()), [0, 1, 2, 3, 5, 4, 6, 7, 8, 9]);
        assert_eq!(Axes::joined(vec![(features.clone(), features.last()); 2]), Ok(Axes::features(6)));
        assert!(Axes::joined(vec![(again.clone(), again.last()); 86]).is_err());
    }
}
