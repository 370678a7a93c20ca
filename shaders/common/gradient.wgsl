// A gradient: the sum of its partitions, in order, a micro-batch after the other; or of micro-batches as a tree.
// With read_ahead.wgsl and tree.wgsl.
const MICRO_BATCHES: u32 = 1;
const MICRO_BATCH_STRIDE: u32 = 128; // from a micro-batch's gradients to the next one's
const TREE: u32 = 0; // 1: of each micro-batch by itself, and then of these as a tree

fn gradient_of(variable: Variable, index: u32) -> f32 {
    var place = variable.first_partition + index;
    var sum = with_partitions(gradient[place], variable, place, 1u);
    if TREE == 1 {
        var waiting: array<f32, LEVELS>;
        waiting[0] = sum;
        var height = 1u;
        for (var number = 1u; number < MICRO_BATCHES; number++) {
            place += MICRO_BATCH_STRIDE;
            sum = with_partitions(gradient[place], variable, place, 1u);
            for (var left = joins(number, MICRO_BATCHES); left > 0; left--) {
                height--;
                sum = waiting[height] + sum;
            }
            waiting[height] = sum;
            height++;
        }
        return sum;
    }
    for (var micro_batch = 1u; micro_batch < MICRO_BATCHES; micro_batch++) {
        place += MICRO_BATCH_STRIDE;
        sum = with_partitions(sum, variable, place, 0u);
    }
    return sum;
}

// A sum, and then a micro-batch's partitions from `first` on.
fn with_partitions(before: f32, variable: Variable, place: u32, first: u32) -> f32 {
    var sum = before;
    if READ_AHEAD == 1 {
        for (var part = first; part < variable.partitions; part += 16) {
            let parts = part + vec4(0u, 4u, 8u, 12u);
            let left = max(vec4(variable.partitions), parts) - parts;
            let a = four_partitions(variable, place, parts.x);
            let b = four_partitions(variable, place, parts.y);
            let c = four_partitions(variable, place, parts.z);
            let d = four_partitions(variable, place, parts.w);
            sum = added_in_order(added_in_order(sum, a, left.x), b, left.y);
            sum = added_in_order(added_in_order(sum, c, left.z), d, left.w);
        }
        return sum;
    }
    for (var part = first; part < variable.partitions; part++) {
        sum += gradient[place + part * variable.stride];
    }
    return sum;
}

// The partitions from `part` on; past the last one, that again.
fn four_partitions(variable: Variable, place: u32, part: u32) -> vec4<f32> {
    let at = place + min(part + vec4(0u, 1u, 2u, 3u), vec4(variable.partitions - 1)) * variable.stride;
    return vec4(gradient[at.x], gradient[at.y], gradient[at.z], gradient[at.w]);
}
