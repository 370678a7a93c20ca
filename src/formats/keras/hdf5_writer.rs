//! HDF5 files as Keras writes them: groups by path, texts as attributes, arrays as datasets.

use std::collections::BTreeMap;

use hdf5_pure::{
    AttrValue, Datatype, DatatypeByteOrder, FileBuilder, FinishedGroup, FloatingPointLayout, GroupBuilder, LibVer,
};

use crate::error::{Error, Result};
use crate::precision::Precision;

/// A group and what is in it, in the order of names: the same contents always give the same bytes.
#[derive(Default)]
pub struct Group {
    attributes: BTreeMap<&'static str, AttrValue>,
    groups: BTreeMap<String, Group>,
    arrays: BTreeMap<String, (Vec<u64>, Values)>,
}

/// An array's values.
pub enum Values {
    F32(Vec<f32>),
    /// The same, stored in 16 bits.
    F16(Vec<f32>),
    I64(Vec<i64>),
}

impl Values {
    /// Weights as a file of that precision has them.
    pub fn weights(values: &[f32], precision: Precision) -> Self {
        match precision {
            Precision::F16 => Values::F16(values.to_vec()),
            Precision::F32 | Precision::Bf16 => Values::F32(values.to_vec()),
        }
    }
}

impl Group {
    /// The group at the path below this one, made where there is none.
    pub fn group(&mut self, path: &str) -> &mut Group {
        path.split('/').fold(self, |group, name| group.groups.entry(name.to_owned()).or_default())
    }

    pub fn text(&mut self, key: &'static str, text: impl Into<String>) {
        self.attributes.insert(key, AttrValue::VarLenString(text.into()));
    }

    pub fn texts(&mut self, key: &'static str, texts: Vec<String>) {
        self.attributes.insert(key, AttrValue::VarLenStringArray(texts));
    }

    /// Puts an array at the path below this group; the shape `[]` is a scalar's.
    pub fn array(&mut self, path: &str, shape: &[usize], values: Values) {
        let (group, name) = match path.rsplit_once('/') {
            Some((folder, name)) => (self.group(folder), name),
            None => (self, path),
        };
        group.arrays.insert(name.to_owned(), (shape.iter().map(|&size| size as u64).collect(), values));
    }

    /// The bytes of the file whose root this group is, in the format of HDF5 1.8, which everything reads. The root has
    /// groups and attributes only.
    ///
    /// # Errors
    /// [`Error::Failed`] where the format cannot hold the contents.
    pub fn encode(self) -> Result<Vec<u8>> {
        let mut file = FileBuilder::new();
        file.with_libver_bounds(LibVer::Earliest, LibVer::V18);
        for (key, value) in self.attributes {
            file.set_attr(key, value);
        }
        for (name, group) in self.groups {
            let builder = file.create_group(&name);
            file.add_group(group.finish(builder));
        }
        file.finish().map_err(|error| Error::Failed(format!("the HDF5 file cannot be made: {error}")))
    }

    fn finish(self, mut builder: GroupBuilder) -> FinishedGroup {
        for (key, value) in self.attributes {
            builder.set_attr(key, value);
        }
        for (name, (shape, values)) in self.arrays {
            let dataset = builder.create_dataset(&name);
            match values {
                Values::F32(values) => dataset.with_f32_data(&values),
                Values::F16(values) => {
                    dataset.with_raw_data(half_precision(), Precision::F16.encode(&values), values.len() as u64)
                }
                Values::I64(values) => dataset.with_i64_data(&values),
            };
            dataset.with_shape(&shape);
        }
        for (name, group) in self.groups {
            let inner = builder.create_group(&name);
            builder.add_group(group.finish(inner));
        }
        builder.finish()
    }
}

/// IEEE 754's numbers of 16 bits, `H5T_IEEE_F16LE`.
fn half_precision() -> Datatype {
    let layout = FloatingPointLayout {
        bit_offset: 0,
        bit_precision: 16,
        exponent_location: 10,
        exponent_size: 5,
        mantissa_location: 0,
        mantissa_size: 10,
        exponent_bias: 15,
    };
    Datatype::FloatingPoint { size: 2, byte_order: DatatypeByteOrder::LittleEndian, layout }
}
