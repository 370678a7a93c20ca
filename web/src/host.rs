//! What the worker's JavaScript does for us.

use serde_json::Value;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(raw_module = "./host.js")]
extern "C" {
    /// The request, as JSON.
    pub fn request() -> String;

    /// The bytes of the request's file of that number, which are handed over.
    pub fn file(number: usize) -> Vec<u8>;

    /// Whether the page wants what is going on to stop.
    pub fn stopped() -> bool;

    /// A panic's words: the worker is lost.
    pub fn panicked(message: &str);

    fn post(kind: &str, json: &str, bytes: Vec<u8>);
}

/// Tells the page, with the bytes of a file where there is one.
pub fn tell(kind: &str, value: &Value, bytes: Vec<u8>) {
    post(kind, &value.to_string(), bytes);
}
