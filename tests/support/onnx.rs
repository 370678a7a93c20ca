//! ONNX files, field by field.

/// A field of ONNX' messages with bytes in it.
pub fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let length = (0..5).map(|place| (bytes.len() >> (7 * place)) as u8 | 0x80).chain([0]);
    [number << 3 | 2].into_iter().chain(length).chain(bytes.iter().copied()).collect()
}

/// A field of ONNX' messages with a number in it.
pub fn number(field: u8, number: u64) -> Vec<u8> {
    let bytes = (0..9).map(|place| (number >> (7 * place)) as u8 | 0x80).chain([(number >> 63) as u8]);
    [field << 3].into_iter().chain(bytes).collect()
}

pub fn node(operator: &str, inputs: &[&str], output: &str) -> Vec<u8> {
    let inputs = inputs.iter().flat_map(|input| field(1, input.as_bytes()));
    let rest = [field(2, output.as_bytes()), field(4, operator.as_bytes())].concat();
    field(1, &inputs.chain(rest).collect::<Vec<_>>())
}

/// A weight of f32.
pub fn weight(name: &str, shape: &[u64], values: &[f32]) -> Vec<u8> {
    let values: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let shape: Vec<u8> = shape.iter().flat_map(|&size| number(1, size)).collect();
    field(5, &[shape, number(2, 1), field(8, name.as_bytes()), field(9, &values)].concat())
}

/// Another program's file with images `[N, sizes]` called `x`, and the output `y`.
pub fn foreign(sizes: &[u64], graph: &[Vec<u8>]) -> Vec<u8> {
    let sizes: Vec<u8> = sizes.iter().flat_map(|&size| field(1, &number(1, size))).collect();
    let shape = field(2, &[field(1, &field(2, b"N")), sizes].concat());
    let input = field(11, &[field(1, b"x"), field(2, &field(1, &[number(1, 1), shape].concat()))].concat());
    let graph = [graph.concat(), input, field(12, &field(1, b"y"))].concat();
    [number(1, 8), field(2, b"pytorch"), field(7, &graph), field(8, &number(2, 13))].concat()
}
