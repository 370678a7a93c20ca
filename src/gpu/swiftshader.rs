//! Products as SwiftShader wants them, the software adapter of Chromium's browsers: a thread alone, without barriers, its
//! tiles in registers. docs/design/software-vulkan.md has why. No sum changes its order.

use std::borrow::Cow;

use super::constant::{Known, value};

/// Statements that a loop is written out into, at most: compiling takes long.
const MOST_STATEMENTS: usize = 2000;

/// A thread that loads its tile of A by itself, where the workgroup is one row of threads: what stands in the shaders, and
/// instead of it.
const ALONE: [(&str, &str); 6] = [
    ("var<workgroup> a_tile", "var<private> a_tile"),
    ("workgroupBarrier();", ""),
    ("let index = thread_index(thread);", "let index = 0u;"),
    ("thread.y", "0u"),
    ("const ROW_STRIDE: u32 = THREADS / THREADS_PER_ROW;", "const ROW_STRIDE: u32 = 1;"),
    (
        "const ROWS_PER_THREAD: u32 = (TILE_ROWS * THREADS_PER_ROW + THREADS - 1) / THREADS;",
        "const ROWS_PER_THREAD: u32 = TILE_ROWS;",
    ),
];

/// The shader as it should be compiled there: itself, or a product whose workgroups are one row of threads rewritten.
pub(super) fn rewritten(wgsl: String) -> String {
    let is = |constant: &str| wgsl.lines().any(|line| line == constant);
    if !(wgsl.contains(ALONE[0].0) && is("const THREADS_Y: u32 = 1u;") && is("const STAGE_B: u32 = 0u;")) {
        return wgsl;
    }
    let shares = |line: &&str| line.starts_with("const THREADS_PER_ROW: u32 = ");
    let shared = wgsl.lines().find(shares).unwrap_or_default().to_owned();
    let text = wgsl.replace(&shared, "const THREADS_PER_ROW: u32 = 1u;");
    written_out(&ALONE.iter().fold(text, |text, (from, to)| text.replace(from, to)))
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

/// Whether a loop with such a line stays: stores are done once, so their loops need not be fast; and where a value comes
/// under a condition, the branches of many rounds take minutes to compile.
fn stays(line: &&str) -> bool {
    const STORES: [&str; 3] = ["output[", "weight_gradient[", "input_gradient["];
    let statement = line.trim_start();
    STORES.iter().any(|store| statement.starts_with(store)) || statement.contains("gradient_value(source,")
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
    use crate::kernels::{Case, REGISTRY, specialise};

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

    /// Of whatever adapter there is: each product of SwiftShader's profile, as it stands and rewritten.
    #[test]
    fn threads_alone_come_to_the_same_bits() {
        let adapter = adapters().into_iter().next().expect("no adapter: run the tests by scripts/test");
        let plain = Probe::open(&adapter).unwrap();
        let mut alone = Probe::open(&adapter).unwrap();
        alone.0.is_swiftshader = true;
        let own = |case: &Case| case.class == Some(DeviceClass::SwiftShader);
        let mut compared = 0;
        for case in REGISTRY.iter().flat_map(|row| (row.cases)()).filter(own) {
            let text = specialise(case.kernel.descriptor().wgsl, &case.kernel.constants());
            assert!(!rewritten(text).contains("workgroupBarrier"), "{}", case.label);
            assert_eq!(plain.run(&case).unwrap(), alone.run(&case).unwrap(), "{}", case.label);
            compared += 1;
        }
        assert!(compared > 30, "{compared}");
    }
}
