// Partitions that are read several at a time, so that a GPU waits for memory once, not once for each. They are added up
// in the same order.
const READ_AHEAD: u32 = 0; // 0: one after the other

// A sum, and then the first `count` of four values, one after the other.
fn added_in_order(before: f32, values: vec4<f32>, count: u32) -> f32 {
    let one = select(before, before + values.x, count > 0);
    let two = select(one, one + values.y, count > 1);
    let three = select(two, two + values.z, count > 2);
    return select(three, three + values.w, count > 3);
}
