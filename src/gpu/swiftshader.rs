//! Products as SwiftShader wants them, the software adapter of Chromium's browsers: a thread alone, without barriers, its
//! tiles in registers. docs/design/software-vulkan.md has why. No sum changes its order.

use std::borrow::Cow;

use super::constant::{Known, value};

/// Statements that a loop is written out into, at most: compiling takes long.
const MOST_STATEMENTS: usize = 2000;

/// What stands in the shaders, and instead of it.
const REWRITTEN: [(&str, &str); 22] = [
    // A thread loads its tile of A by itself.
    ("var<workgroup> a_tile", "var<private> a_tile"),
    ("workgroupBarrier();", ""),
    ("let index = thread_index(thread);", "let index = 0u;"),
    ("thread.y", "0u"),
    ("const ROW_STRIDE: u32 = THREADS / THREADS_PER_ROW;", "const ROW_STRIDE: u32 = 1;"),
    (
        "const ROWS_PER_THREAD: u32 = (TILE_ROWS * THREADS_PER_ROW + THREADS - 1) / THREADS;",
        "const ROWS_PER_THREAD: u32 = TILE_ROWS;",
    ),
    // An array of more than a hundred elements does not get into registers, but one of arrays does; and none does whose
    // indices are no constants, as they are where sums are stored.
    ("array<f32, THREAD_ROWS * THREAD_COLUMNS>", "array<array<f32, THREAD_COLUMNS>, THREAD_ROWS>"),
    ("var largest = sums[i * THREAD_COLUMNS + j];", "var largest = stored[i][j];"),
    ("let candidate = sums[(i + element) * THREAD_COLUMNS + j];", "let candidate = stored[i + element][j];"),
    (" + column] = sums[i * THREAD_COLUMNS + j];", " + column] = stored[i][j];"),
    ("var value = sums[i * THREAD_COLUMNS + j];", "var value = stored[i][j];"),
    ("sums[i * THREAD_COLUMNS + j]", "sums[i][j]"),
    ("(*sums)[i * THREAD_COLUMNS + j]", "(*sums)[i][j]"),
    ("    let thread_row = ", "    var stored = sums;\n    let thread_row = "),
    ("    let partition_start = ", "    var stored = sums;\n    let partition_start = "),
    ("\n        let channel = first_column", "\n        var stored = sums;\n        let channel = first_column"),
    // Conditions without branches, of which many take its compiler minutes.
    (
        "!PADDED\n                    || (corner.x + kernel_y - PAD_TOP < HEIGHT && corner.y + kernel_x - PAD_LEFT < WIDTH)",
        "!PADDED | ((corner.x + kernel_y - PAD_TOP < HEIGHT) & (corner.y + kernel_x - PAD_LEFT < WIDTH))",
    ),
    (
        "in_image && (DEPTH % DEPTH_TILE == 0 || depth < DEPTH)",
        "in_image & ((DEPTH % DEPTH_TILE == 0) | (depth < DEPTH))",
    ),
    ("!PADDED || (y < HEIGHT && x < WIDTH)", "!PADDED | ((y < HEIGHT) & (x < WIDTH))"),
    (
        "    if UNEVEN && position >= end {\n        return 0.0;\n    }\n    \
         return output_gradient[position * FILTERS + min(column, FILTERS - 1)];",
        "    let none = UNEVEN & (position >= end);\n    \
         let gradient = output_gradient[select(position, 0u, none) * FILTERS + min(column, FILTERS - 1)];\n    \
         return select(gradient, 0.0, none);",
    ),
    (
        "y >= POOLED_HEIGHT * POOL || x >= POOLED_WIDTH * POOL",
        "(y >= POOLED_HEIGHT * POOL) | (x >= POOLED_WIDTH * POOL)",
    ),
    (
        "    if position == OUTSIDE || (FILTERS % DEPTH_TILE != 0 && filter_index >= FILTERS) {\n        return 0.0;\n    }\n    \
         let gradient = output_gradient[position * FILTERS + filter_index];\n    \
         if POOL > 1 {\n        \
         let word = argmax[position / POSITIONS_PER_WORD * FILTERS + filter_index];\n        \
         let winner = (word >> (4 * (position % POSITIONS_PER_WORD))) & 15;\n        \
         return select(0.0, gradient, winner == source.y);\n    }\n    return gradient;",
        "    let none = (position == OUTSIDE) | ((FILTERS % DEPTH_TILE != 0) & (filter_index >= FILTERS));\n    \
         let inside = select(position, 0u, none);\n    \
         let filter_inside = select(filter_index, 0u, none);\n    \
         let loaded = output_gradient[inside * FILTERS + filter_inside];\n    \
         var gradient = select(loaded, 0.0, none);\n    \
         if POOL > 1 {\n        \
         let word = argmax[inside / POSITIONS_PER_WORD * FILTERS + filter_inside];\n        \
         let winner = (word >> (4 * (inside % POSITIONS_PER_WORD))) & 15;\n        \
         gradient = select(0.0, gradient, winner == source.y);\n    }\n    return gradient;",
    ),
];

/// The shader as it should be compiled there: itself, or a product whose workgroups are one row of threads rewritten.
pub(super) fn rewritten(wgsl: String) -> String {
    let is = |constant: &str| wgsl.lines().any(|line| line == constant);
    if !(wgsl.contains("var<workgroup> a_tile") && is("const THREADS_Y: u32 = 1u;") && is("const STAGE_B: u32 = 0u;")) {
        return wgsl;
    }
    let shares = |line: &&str| line.starts_with("const THREADS_PER_ROW: u32 = ");
    let shared = wgsl.lines().find(shares).unwrap_or_default().to_owned();
    let text = wgsl.replace(&shared, "const THREADS_PER_ROW: u32 = 1u;");
    written_out(&REWRITTEN.iter().fold(text, |text, (from, to)| text.replace(from, to)))
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

    #[test]
    fn what_is_rewritten_stands_in_some_shader() {
        for (from, _) in REWRITTEN {
            assert!(REGISTRY.iter().any(|row| row.wgsl.contains(from)), "{from}");
        }
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
