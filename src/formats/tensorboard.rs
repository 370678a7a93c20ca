//! TensorBoard's event files: protocol buffers (`tensorboard/compat/proto`, `tensorboard/plugins/hparams`) in the frames of
//! TFRecord files, each with its length and checksums.

use super::protobuf::{Fields, Message, Value, bytes};

/// A run's parameter, as TensorBoard's table of runs and MLflow have it.
#[derive(Clone, Debug, PartialEq)]
pub enum Parameter {
    Number(f64),
    Flag(bool),
    Text(String),
}

/// What a record says, as far as it is of interest to who goes on with the file.
#[derive(Debug, PartialEq)]
pub struct Recorded {
    /// Of its first scalar, if it has one.
    pub tag: String,
    pub step: u64,
    /// Where the record ends in the file.
    pub end: usize,
}

/// Field numbers, by the messages' names.
mod event {
    pub const WALL_TIME: u64 = 1;
    pub const STEP: u64 = 2;
    pub const FILE_VERSION: u64 = 3;
    pub const SUMMARY: u64 = 5;
}
mod summary {
    pub const VALUE: u64 = 1;
    /// Of a value.
    pub const TAG: u64 = 1;
    pub const SIMPLE_VALUE: u64 = 2;
    pub const TENSOR: u64 = 8;
    pub const METADATA: u64 = 9;
    /// Of the metadata.
    pub const PLUGIN_DATA: u64 = 1;
    pub const PLUGIN_NAME: u64 = 1;
    pub const CONTENT: u64 = 2;
}
mod hparams {
    pub const SESSION_START: u64 = 3;
    pub const SESSION_END: u64 = 4;
    /// Of the start: a map, whose entries have a key and a value.
    pub const PARAMETERS: u64 = 1;
    pub const START_TIME: u64 = 5;
    /// Of the end.
    pub const STATUS: u64 = 1;
    pub const END_TIME: u64 = 2;
    /// Of a `google.protobuf.Value`.
    pub const NUMBER: u64 = 2;
    pub const STRING: u64 = 3;
    pub const BOOL: u64 = 4;
}

/// The tag of the record that ends a run.
pub const SESSION_END_TAG: &str = "_hparams_/session_end_info";
const SESSION_START_TAG: &str = "_hparams_/session_start_info";
const FILE_VERSION: &str = "brain.Event:2";
/// A `Status` of the hparams plugin.
const SUCCESS: u64 = 1;
const FAILURE: u64 = 2;

/// The record that a file begins with; times are seconds since 1970.
pub fn beginning(time: f64) -> Vec<u8> {
    framed(&Message::default().double(event::WALL_TIME, time).text(event::FILE_VERSION, FILE_VERSION))
}

/// Scalars of one step, float32 each.
pub fn scalars(time: f64, step: u64, values: &[(String, f64)]) -> Vec<u8> {
    let value = |(tag, value): &(String, f64)| {
        Message::default().text(summary::TAG, tag).float(summary::SIMPLE_VALUE, *value as f32)
    };
    let values: Vec<Message> = values.iter().map(value).collect();
    let summary = Message::default().messages(summary::VALUE, &values);
    framed(
        &Message::default().double(event::WALL_TIME, time).number(event::STEP, step).message(event::SUMMARY, &summary),
    )
}

/// What the run is made with.
pub fn session_start(time: f64, parameters: &[(String, Parameter)]) -> Vec<u8> {
    let entry = |(name, parameter): &(String, Parameter)| {
        let value = match parameter {
            Parameter::Number(number) => Message::default().double(hparams::NUMBER, *number),
            Parameter::Text(text) => Message::default().text(hparams::STRING, text),
            Parameter::Flag(flag) => Message::default().number(hparams::BOOL, u64::from(*flag)),
        };
        Message::default().text(1, name).message(2, &value)
    };
    let entries: Vec<Message> = parameters.iter().map(entry).collect();
    let start = Message::default().messages(hparams::PARAMETERS, &entries).double(hparams::START_TIME, time);
    session(time, SESSION_START_TAG, &Message::default().message(hparams::SESSION_START, &start))
}

/// How the run ended.
pub fn session_end(time: f64, success: bool) -> Vec<u8> {
    let status = if success { SUCCESS } else { FAILURE };
    let end = Message::default().number(hparams::STATUS, status).double(hparams::END_TIME, time);
    session(time, SESSION_END_TAG, &Message::default().message(hparams::SESSION_END, &end))
}

fn session(time: f64, tag: &str, content: &Message) -> Vec<u8> {
    let plugin = Message::default().text(summary::PLUGIN_NAME, "hparams").bytes(summary::CONTENT, content.as_bytes());
    let metadata = Message::default().message(summary::PLUGIN_DATA, &plugin);
    // A value has to have one: an empty float32 tensor, as TensorBoard's own writer has it.
    let shape = Message::default().message(2, &Message::default().number(1, 0));
    let tensor = Message::default().number(1, 1).message(2, &shape);
    let value = Message::default()
        .text(summary::TAG, tag)
        .message(summary::TENSOR, &tensor)
        .message(summary::METADATA, &metadata);
    let summary = Message::default().message(summary::VALUE, &value);
    framed(&Message::default().double(event::WALL_TIME, time).message(event::SUMMARY, &summary))
}

/// The records of a file, up to its end or to the first damaged one.
pub fn records(file: &[u8]) -> impl Iterator<Item = Recorded> {
    let mut end = 0;
    std::iter::from_fn(move || {
        let data = unframed(&file[end..])?;
        end += data.len() + FRAME;
        let mut step = 0;
        for field in Fields::of(data) {
            if let (event::STEP, Value::Number(number)) = field? {
                step = number;
            }
        }
        let tag = bytes(data, event::SUMMARY).and_then(|summary| first(summary, summary::VALUE));
        let tag = tag.and_then(|value| bytes(value, summary::TAG)).unwrap_or_default();
        Some(Recorded { tag: String::from_utf8_lossy(tag).into_owned(), step, end })
    })
}

/// The bytes of a message's first field of that number.
fn first(message: &[u8], field: u64) -> Option<&[u8]> {
    Fields::of(message).flatten().find_map(|found| match found {
        (number, Value::Bytes(bytes)) if number == field => Some(bytes),
        _ => None,
    })
}

/// What a frame has beside the data: its length in 8 bytes, and a checksum of each.
const FRAME: usize = 16;

fn framed(message: &Message) -> Vec<u8> {
    let data = message.as_bytes();
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &checksum(&length).to_le_bytes(), data, &checksum(data).to_le_bytes()].concat()
}

/// The data of the frame that the bytes begin with; none where it is not whole.
fn unframed(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let (of_length, rest) = rest.split_first_chunk::<4>()?;
    let (data, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let (of_data, _) = rest.split_first_chunk::<4>()?;
    let whole = [(&length[..], of_length), (data, of_data)];
    whole.iter().all(|(bytes, sum)| checksum(bytes).to_le_bytes() == **sum).then_some(data)
}

/// CRC-32C, masked as TFRecord does: checksums of what has checksums in it would be weak.
fn checksum(bytes: &[u8]) -> u32 {
    let crc = !bytes.iter().fold(!0, |crc: u32, byte| (crc >> 8) ^ TABLE[usize::from(crc as u8 ^ byte)]);
    crc.rotate_right(15).wrapping_add(0xA282_EAD8)
}

/// What each byte does to the CRC, by Castagnoli's polynomial with its bits reversed.
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82F6_3B78 } else { crc >> 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of CRC-32C, and what RFC 3720 has for 32 zeros.
    #[test]
    fn checksums_are_castagnolis() {
        let unmasked = |bytes: &[u8]| checksum(bytes).wrapping_sub(0xA282_EAD8).rotate_left(15);
        assert_eq!(unmasked(b"123456789"), 0xE306_9283);
        assert_eq!(unmasked(&[0; 32]), 0x8A91_36AA);
    }

    fn file() -> (Vec<u8>, Vec<Recorded>) {
        let parts = [
            beginning(1.5),
            session_start(1.5, &[("seed".into(), Parameter::Number(7.0)), ("shuffle".into(), Parameter::Flag(true))]),
            scalars(2.0, 300, &[("step/loss".into(), 0.5), ("step/accuracy".into(), 0.25)]),
            session_end(3.0, true),
        ];
        let mut end = 0;
        let said = [("", 0), (SESSION_START_TAG, 0), ("step/loss", 300), (SESSION_END_TAG, 0)];
        let recorded = parts.iter().zip(said).map(|(part, (tag, step))| {
            end += part.len();
            Recorded { tag: tag.into(), step, end }
        });
        let recorded = recorded.collect();
        (parts.concat(), recorded)
    }

    #[test]
    fn what_is_written_is_read() {
        let (file, recorded) = file();
        assert_eq!(records(&file).collect::<Vec<_>>(), recorded);
    }

    #[test]
    fn reading_ends_where_a_record_is_not_whole() {
        let (file, recorded) = file();
        for length in 0..file.len() {
            let whole = recorded.iter().filter(|record| record.end <= length).count();
            assert_eq!(records(&file[..length]).count(), whole, "{length}");
            let mut damaged = file.clone();
            damaged[length] ^= 0x10;
            let before = recorded.iter().filter(|record| record.end <= length).count();
            assert_eq!(records(&damaged).count(), before, "byte {length}");
        }
    }
}
