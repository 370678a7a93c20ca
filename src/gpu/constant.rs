//! What a WGSL expression over constants comes to: whole numbers, and 1 and 0 for true and false.

use std::collections::HashMap;

/// Constants by their names.
pub(super) type Known<'a> = HashMap<&'a str, u64>;

/// The operators of each level, those that bind least first.
const LEVELS: [&[&str]; 5] = [&["||"], &["&&"], &["==", "!=", "<=", ">=", "<", ">"], &["+", "-"], &["*", "/", "%"]];

/// The expression's value; none where it is not one of known constants, or not a whole number.
pub(super) fn value(expression: &str, known: &Known) -> Option<u64> {
    let mut reader = Reader { rest: expression.trim_start(), known };
    let value = reader.binary(0)?;
    reader.rest.is_empty().then_some(value)
}

struct Reader<'a> {
    /// What is left to read, without blanks before it.
    rest: &'a str,
    known: &'a Known<'a>,
}

impl<'a> Reader<'a> {
    fn take(&mut self, token: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(token)?.trim_start();
        Some(())
    }

    /// The longest run of characters of names and numbers.
    fn word(&mut self) -> &'a str {
        let end = self.rest.find(|each: char| !each.is_alphanumeric() && each != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        word
    }

    fn binary(&mut self, level: usize) -> Option<u64> {
        let Some(operators) = LEVELS.get(level) else { return self.operand() };
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = operators.iter().find(|operator| self.rest.starts_with(**operator)) {
            self.take(operator)?;
            let right = self.binary(level + 1)?;
            left = match *operator {
                "||" => u64::from(left > 0 || right > 0),
                "&&" => u64::from(left > 0 && right > 0),
                "==" => u64::from(left == right),
                "!=" => u64::from(left != right),
                "<=" => u64::from(left <= right),
                ">=" => u64::from(left >= right),
                "<" => u64::from(left < right),
                ">" => u64::from(left > right),
                "+" => left.checked_add(right)?,
                "-" => left.checked_sub(right)?,
                "*" => left.checked_mul(right)?,
                "/" => left.checked_div(right)?,
                _ => left.checked_rem(right)?,
            };
        }
        Some(left)
    }

    fn operand(&mut self) -> Option<u64> {
        if self.take("(").is_some() {
            let value = self.binary(0)?;
            self.take(")")?;
            return Some(value);
        }
        match self.word() {
            "true" => Some(1),
            "false" => Some(0),
            name @ ("min" | "max") => {
                self.take("(")?;
                let one = self.binary(0)?;
                self.take(",")?;
                let other = self.binary(0)?;
                self.take(")")?;
                Some(if name == "min" { one.min(other) } else { one.max(other) })
            }
            word => match self.known.get(word) {
                Some(&value) => Some(value),
                None => word.strip_suffix('u').unwrap_or(word).parse().ok(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_what_wgsl_makes_of_them() {
        let known = Known::from([("ROWS", 9), ("DEPTH", 4)]);
        let of = |expression| value(expression, &known);
        assert_eq!(of("ROWS + 2 * DEPTH - 1u"), Some(16));
        assert_eq!(of("(ROWS + DEPTH - 1) / DEPTH % 2"), Some(1));
        assert_eq!(of("ROWS <= DEPTH || 3 < max(ROWS, DEPTH) && true"), Some(1));
        assert_eq!(of("8 % ROWS == min(8, ROWS)"), Some(1));
        for not_one in ["DEPTH - ROWS", "ROWS / 0", "thread.x", "ROWS +", "(ROWS", "ROWS DEPTH", "1.5", ""] {
            assert_eq!(of(not_one), None, "{not_one}");
        }
    }
}
