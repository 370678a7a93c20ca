//! What the numbers of an optimizer may be. Shaders have them in f32.

type Checked = Result<(), String>;

/// The part of something that is kept: from 0 to below 1.
pub fn part(key: &str, value: f64) -> Checked {
    refuse_unless((0.0..1.0).contains(&value), key, value, "a number from 0 to below 1")
}

pub fn positive(key: &str, value: f64) -> Checked {
    refuse_unless(is_finite(value) && value as f32 > 0.0, key, value, "a number above 0")
}

pub fn not_negative(key: &str, value: f64) -> Checked {
    refuse_unless(is_finite(value) && value >= 0.0, key, value, "a number, 0 or more")
}

fn is_finite(value: f64) -> bool {
    (value as f32).is_finite()
}

fn refuse_unless(right: bool, key: &str, value: f64, wanted: &str) -> Checked {
    if right { Ok(()) } else { Err(format!("{key} is {value}; give {wanted}")) }
}
