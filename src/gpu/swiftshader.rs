//! Products as SwiftShader wants them, the software adapter of Chromium's browsers: by threads that are alone, without loops
//! over constants and without branches. Its compiler unrolls nothing, loads lane by lane where an address is no constant, and
//! takes minutes over a hundred branches: docs/design/software-vulkan.md has more. No sum changes its order.

use std::borrow::Cow;

use super::constant::{Known, value};
use crate::kernels::{GemmKernel, Kernel};

/// Statements that a loop is written out into, at most: compiling takes long.
const MOST_STATEMENTS: usize = 2000;

/// The kernel's shader as it should be compiled there; none where it is best as it is.
pub(super) fn text(kernel: &(dyn Kernel + 'static)) -> Option<String> {
    GemmKernel::text_alone(kernel).map(|text| written_out(&without_branches(&text)))
}

/// The shader with conditions that choose between values, and leave nothing out: in every `let`, and where a function begins
/// with `if CONDITION { return VALUE; }`. What is then loaded from outside of a buffer, where run-time checks find another
/// address, is not chosen.
fn without_branches(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let (mut out, mut at) = (Vec::new(), 0);
    // Names of the function's conditions so far, and what it returns under them.
    let mut early: Vec<(String, &str)> = Vec::new();
    while at < lines.len() {
        let (line, mut length) = (lines[at], 1);
        if let Some((condition, value)) = early_return(&lines[at..]) {
            let name = format!("returned_{}", early.len());
            out.push(format!("    let {name} = {};", eager(condition)));
            early.push((name, value));
            length = 3;
        } else if line.trim_start().starts_with("let ") {
            length += lines[at..].iter().position(|line| line.contains(';')).unwrap_or(0);
            out.push(eager(&lines[at..at + length].join("\n")));
        } else if let Some((begin, value)) = line.split_once("return ").filter(|_| !early.is_empty()) {
            let choose = |value, (name, instead): &(String, &str)| format!("select({value}, {instead}, {name})");
            let value = early.iter().rev().fold(value.trim_end_matches(';').to_owned(), choose);
            out.push(format!("{begin}return {value};"));
        } else {
            if line == "}" {
                early.clear();
            }
            out.push(line.to_owned());
        }
        at += length;
    }
    out.join("\n")
}

/// Condition and value, where lines of a function begin with an early return.
fn early_return<'a>(lines: &[&'a str]) -> Option<(&'a str, &'a str)> {
    let [condition, value, "    }", ..] = lines else { return None };
    let condition = condition.strip_prefix("    if ")?.strip_suffix(" {")?;
    Some((condition, value.strip_prefix("        return ")?.strip_suffix(';')?))
}

/// The code with `|` and `&` in place of `||` and `&&`, which branch.
fn eager(code: &str) -> String {
    // What binds least is taken apart first.
    for (separator, eager_one) in [(";", ";"), (" = ", " = "), (",", ","), ("||", "|"), ("&&", "&")] {
        if let Some(at) = outside_brackets(code, separator) {
            let [left, right] = [&code[..at], &code[at + separator.len()..]].map(eager);
            return match eager_one {
                "|" | "&" => format!("({}) {eager_one} ({})", left.trim(), right.trim()),
                _ => format!("{left}{eager_one}{right}"),
            };
        }
    }
    let Some(open) = code.find(['(', '[']) else { return code.to_owned() };
    let (before, inside) = code.split_at(open + 1);
    let end = outside_brackets(inside, if before.ends_with('(') { ")" } else { "]" }).unwrap_or(inside.len());
    format!("{before}{}{}", eager(&inside[..end]), eager(&inside[end..]))
}

/// Where `wanted` stands outside of all brackets that open in the code.
fn outside_brackets(code: &str, wanted: &str) -> Option<usize> {
    let mut depth = 0;
    code.char_indices().find_map(|(at, character)| {
        if depth == 0 && code[at..].starts_with(wanted) {
            return Some(at);
        }
        depth += i32::from("([".contains(character)) - i32::from(")]".contains(character));
        None
    })
}

/// The shader with its loops over constants written out: an array is in registers where its indices are constants.
fn written_out(text: &str) -> String {
    let mut known = Known::new();
    // A constant may stand before those that it is made of.
    let constants: Vec<(&str, &str)> = text.lines().filter_map(constant).collect();
    while let Some((name, value)) = constants
        .iter()
        .filter(|(name, _)| !known.contains_key(name))
        .find_map(|(name, expression)| Some((*name, value(expression, &known)?)))
    {
        known.insert(name, value);
    }
    let lines: Vec<&str> = text.lines().collect();
    let mut out = Vec::new();
    unroll(&lines, &known, &mut out);
    out.join("\n")
}

/// Name and expression of a line with a constant of the module.
fn constant(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.strip_prefix("const ")?.split_once(": ")?;
    let (_, rest) = rest.split_once(" = ")?;
    Some((name, rest.split_once(';')?.0))
}

/// A loop's header, `for (var NAME = FIRST; CONDITION; NAME++) {` or `NAME += STEP`.
struct Loop<'a> {
    name: &'a str,
    values: Vec<u64>,
}

impl<'a> Loop<'a> {
    /// None where the line begins none, or not over constants.
    fn of(line: &'a str, known: &Known<'a>) -> Option<Self> {
        let header = line.trim_start().strip_prefix("for (var ")?.strip_suffix(") {")?;
        let [first, condition, advance] = header.split("; ").collect::<Vec<_>>().try_into().ok()?;
        let (name, first) = first.split_once(" = ")?;
        let step = match advance.strip_prefix(name)? {
            "++" => 1,
            step => value(step.strip_prefix(" += ")?, known)?,
        };
        let mut known = known.clone();
        let mut next = value(first, &known)?;
        let mut values = Vec::new();
        loop {
            known.insert(name, next);
            if value(condition, &known)? == 0 {
                return Some(Self { name, values });
            }
            if step == 0 || values.len() > MOST_STATEMENTS {
                return None;
            }
            values.push(next);
            next += step;
        }
    }
}

/// The lines with their loops over constants written out, each round a block with its own constant. Blocks end at their
/// own indentation.
fn unroll<'a>(mut lines: &[&'a str], known: &Known<'a>, out: &mut Vec<Cow<'a, str>>) {
    while let Some((&line, rest)) = lines.split_first() {
        lines = rest;
        let indentation = &line[..line.len() - line.trim_start().len()];
        let own_end = |other: &&str| other.strip_prefix(indentation) == Some("}");
        let end = rest.iter().position(own_end).filter(|_| line.trim_start().starts_with("for ("));
        let Some(body) = end.map(|end| &rest[..end]) else {
            out.push(line.into());
            continue;
        };
        lines = &rest[body.len() + 1..];
        if let Some(rounds) = Loop::of(line, known).and_then(|of| rounds(&of, body, indentation, known)) {
            out.extend(rounds);
        } else {
            out.push(line.into());
            unroll(body, known, out);
            out.push(format!("{indentation}}}").into());
        }
    }
}

/// Whether a loop with such a line stays: stores are done once, so their loops need not be fast.
fn stays(line: &&str) -> bool {
    ["output[", "weight_gradient[", "input_gradient["].iter().any(|store| line.trim_start().starts_with(store))
}

/// A loop's rounds one after the other; none where they are too long, or the loop stays.
fn rounds<'a>(of: &Loop<'a>, body: &[&'a str], indentation: &str, known: &Known<'a>) -> Option<Vec<Cow<'a, str>>> {
    if body.iter().any(stays) {
        return None;
    }
    let (mut out, mut known) = (Vec::new(), known.clone());
    for &round in &of.values {
        known.insert(of.name, round);
        out.push(format!("{indentation}{{").into());
        out.push(format!("{indentation}    const {} = {round}u;", of.name).into());
        unroll(body, &known, &mut out);
        out.push(format!("{indentation}}}").into());
        if out.iter().filter(is_statement).count() > MOST_STATEMENTS {
            return None;
        }
    }
    Some(out)
}

fn is_statement(line: &&Cow<str>) -> bool {
    line.ends_with(';') && !line.trim_start().starts_with("const ")
}

#[cfg(test)]
mod tests {
    use super::super::{Probe, adapters};
    use super::*;
    use crate::gemm::DeviceClass;
    use crate::kernels::{Case, REGISTRY};

    #[test]
    fn loops_over_constants_are_written_out_but_those_that_store() {
        let text = "const ROWS: u32 = TWO * 2;\nconst TWO: u32 = 2u;\nfn main() {\n    for (var i = 0u; i < ROWS; i += TWO) {\n        \
                    a[i] = 1.0;\n    }\n    for (var i = 0u; i < rows; i++) {\n        a[i] = 2.0;\n    }\n    \
                    for (var i = 0u; i < ROWS; i++) {\n        output[i] = a[i];\n    }\n}";
        let expected = "const ROWS: u32 = TWO * 2;\nconst TWO: u32 = 2u;\nfn main() {\n    {\n        const i = 0u;\n        \
                        a[i] = 1.0;\n    }\n    {\n        const i = 2u;\n        a[i] = 1.0;\n    }\n    \
                        for (var i = 0u; i < rows; i++) {\n        a[i] = 2.0;\n    }\n    \
                        for (var i = 0u; i < ROWS; i++) {\n        output[i] = a[i];\n    }\n}";
        assert_eq!(written_out(text), expected);
    }

    #[test]
    fn conditions_choose_values() {
        let text = "fn value(at: u32) -> f32 {\n    if at == NONE || (PADDED && at >= END) {\n        return 0.0;\n    }\n    \
                    let found = f(at, !EVEN\n        || values[at] < 1.0);\n    if POOL > 1 {\n        \
                    let other = h(at);\n        return g(found);\n    }\n    \
                    return found;\n}\nfn other(at: u32) -> f32 {\n    return 1.0;\n}";
        let expected = "fn value(at: u32) -> f32 {\n    let returned_0 = (at == NONE) | (((PADDED) & (at >= END)));\n    \
                        let found = f(at,(!EVEN) | (values[at] < 1.0));\n    if POOL > 1 {\n        let other = h(at);\n        \
                        return select(g(found), 0.0, returned_0);\n    }\n    return select(found, 0.0, returned_0);\n}\n\
                        fn other(at: u32) -> f32 {\n    return 1.0;\n}";
        assert_eq!(without_branches(text), expected);
    }

    /// Of whatever adapter there is: each product of SwiftShader's profile, by threads that share a tile and by threads alone.
    #[test]
    fn threads_alone_come_to_the_same_bits() {
        let adapter = adapters().into_iter().next().expect("no adapter: run the tests by scripts/test");
        let plain = Probe::open(&adapter).unwrap();
        let mut alone = Probe::open(&adapter).unwrap();
        alone.0.is_swiftshader = true;
        let own = |case: &Case| case.class == Some(DeviceClass::SwiftShader);
        let mut compared = 0;
        for case in REGISTRY.iter().flat_map(|row| (row.cases)()).filter(own) {
            let text = text(&*case.kernel).unwrap_or_default();
            assert!(text.contains("var<private> a_tile") && !text.contains("var<workgroup>"), "{}", case.label);
            let branching: Vec<&str> =
                text.lines().filter(|line| line.contains("let ") && line.contains("&&")).collect();
            assert!(branching.is_empty(), "{}: {branching:?}", case.label);
            assert_eq!(plain.run(&case).unwrap(), alone.run(&case).unwrap(), "{}", case.label);
            compared += 1;
        }
        assert!(compared > 30, "{compared}");
    }
}
