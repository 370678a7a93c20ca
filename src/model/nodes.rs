//! A model's layers, of which a file may list no more than anyone needs.

use std::fmt::Formatter;

use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};

use super::Node;

/// The most layers: far more than anyone trains, and few enough that naming them all is quick.
pub const MOST_LAYERS: usize = 1000;

/// The list; of one that is too long no more than that is ever in memory.
pub fn few<'a, D: Deserializer<'a>>(deserializer: D) -> Result<Vec<Node>, D::Error> {
    deserializer.deserialize_seq(Nodes)
}

struct Nodes;

impl<'a> Visitor<'a> for Nodes {
    type Value = Vec<Node>;

    fn expecting(&self, formatter: &mut Formatter) -> std::fmt::Result {
        formatter.write_str("a list of layers")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<Vec<Node>, A::Error> {
        let mut nodes = Vec::new();
        while nodes.len() < MOST_LAYERS {
            match list.next_element()? {
                Some(node) => nodes.push(node),
                None => return Ok(nodes),
            }
        }
        let mut count = MOST_LAYERS;
        while list.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        match count {
            MOST_LAYERS => Ok(nodes),
            _ => Err(A::Error::custom(format_args!("{count} layers; give at most {MOST_LAYERS}"))),
        }
    }
}
