//! The wire format of protocol buffers, as far as files of ONNX and TensorBoard need it:
//! <https://protobuf.dev/programming-guides/encoding/>.
//!
//! What is read stays where it is, field by field. A decoder that makes values of all that a file holds would let a small
//! file ask for much memory: an empty message in a message takes two bytes.

/// A message that is being written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message(Vec<u8>);

/// What a field of a message that is being read holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// An integer, a negative one as its two's complement.
    Number(u64),
    /// A text, bytes, or another message.
    Bytes(&'a [u8]),
    /// A number of 4 bytes, as bits.
    Fixed32(u32),
    /// A number of 8 bytes, as bits.
    Fixed64(u64),
}

/// The fields of a message, by number; `None` where the bytes are none.
pub struct Fields<'a>(&'a [u8]);

const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const LENGTH_DELIMITED: u64 = 2;
const FIXED32: u64 = 5;

impl Message {
    pub fn number(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3 | VARINT);
        self.varint(value);
        self
    }

    pub fn float(mut self, field: u64, value: f32) -> Self {
        self.varint(field << 3 | FIXED32);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub fn double(mut self, field: u64, value: f64) -> Self {
        self.varint(field << 3 | FIXED64);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        self.varint(field << 3 | LENGTH_DELIMITED);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }

    pub fn text(self, field: u64, text: &str) -> Self {
        self.bytes(field, text.as_bytes())
    }

    pub fn message(self, field: u64, message: &Message) -> Self {
        self.bytes(field, &message.0)
    }

    /// The same field several times.
    pub fn messages<'a>(self, field: u64, messages: impl IntoIterator<Item = &'a Message>) -> Self {
        messages.into_iter().fold(self, |all, message| all.message(field, message))
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Seven bits a byte, the lowest first; the eighth says that more follow.
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

/// The integers of a packed field: one after the other, without keys.
pub fn packed(bytes: &[u8]) -> impl Iterator<Item = Option<u64>> {
    let mut rest = Fields(bytes);
    std::iter::from_fn(move || (!rest.0.is_empty()).then(|| rest.varint().or_else(|| rest.end())))
}

/// The bytes of a message's field, the last of that number, if it has one.
pub fn bytes(message: &[u8], field: u64) -> Option<&[u8]> {
    let bytes = |(number, value)| match value {
        Value::Bytes(bytes) if number == field => Some(bytes),
        _ => None,
    };
    Fields::of(message).flatten().filter_map(bytes).last()
}

impl<'a> Fields<'a> {
    pub fn of(message: &'a [u8]) -> Self {
        Self(message)
    }

    fn field(&mut self) -> Option<(u64, Value<'a>)> {
        let key = self.varint()?;
        let value = match key & 7 {
            VARINT => Value::Number(self.varint()?),
            LENGTH_DELIMITED => {
                let length = usize::try_from(self.varint()?).ok()?;
                Value::Bytes(self.take(length)?)
            }
            FIXED64 => Value::Fixed64(self.take(8).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes)?),
            FIXED32 => Value::Fixed32(self.take(4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes)?),
            _ => return None,
        };
        Some((key >> 3, value))
    }

    /// Nothing after this can be read.
    fn end<T>(&mut self) -> Option<T> {
        self.0 = &[];
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u64, Value<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        Some(self.field().or_else(|| self.end()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the format's own description.
    #[test]
    fn the_bytes_are_the_formats() {
        assert_eq!(Message::default().number(1, 150).as_bytes(), b"\x08\x96\x01");
        assert_eq!(Message::default().text(2, "testing").as_bytes(), b"\x12\x07testing");
        let inner = Message::default().number(1, 150);
        assert_eq!(Message::default().message(3, &inner).as_bytes(), b"\x1a\x03\x08\x96\x01");
    }

    #[test]
    fn what_is_written_is_read() {
        let message = Message::default().number(1, u64::MAX).number(300, 0).bytes(15, b"\x00\xff").into_bytes();
        let fields: Vec<_> = Fields::of(&message).collect::<Option<_>>().unwrap();
        assert_eq!(fields, [(1, Value::Number(u64::MAX)), (300, Value::Number(0)), (15, Value::Bytes(b"\x00\xff"))]);
        let fixed = Fields::of(b"\x09\x01\x02\x03\x04\x05\x06\x07\x08\x0d\x01\x02\x03\x04");
        let fixed: Vec<_> = fixed.collect::<Option<_>>().unwrap();
        assert_eq!(fixed, [(1, Value::Fixed64(0x0807_0605_0403_0201)), (1, Value::Fixed32(0x0403_0201))]);
        let float = Message::default().float(2, 1.5).into_bytes();
        assert_eq!(Fields::of(&float).next(), Some(Some((2, Value::Fixed32(1.5_f32.to_bits())))));
        let double = Message::default().double(2, 1.5).into_bytes();
        assert_eq!(Fields::of(&double).next(), Some(Some((2, Value::Fixed64(1.5_f64.to_bits())))));
    }

    #[test]
    fn what_is_no_message_is_refused_once() {
        let endless = [0xff; 40];
        for bytes in [&b"\x08"[..], b"\x12\x07test", b"\x0b", b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", &endless]
        {
            assert_eq!(Fields::of(bytes).collect::<Vec<_>>(), [None], "{bytes:?}");
        }
    }
}
