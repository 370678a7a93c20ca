// A gradient: the sum of its partitions, in order, a micro-batch after the other.
const MICRO_BATCHES: u32 = 1;
const MICRO_BATCH_STRIDE: u32 = 128; // from a micro-batch's gradients to the next one's

fn gradient_of(variable: Variable, index: u32) -> f32 {
    var place = variable.first_partition + index;
    var sum = gradient[place];
    for (var part = 1u; part < variable.partitions; part++) {
        sum += gradient[place + part * variable.stride];
    }
    for (var micro_batch = 1u; micro_batch < MICRO_BATCHES; micro_batch++) {
        place += MICRO_BATCH_STRIDE;
        for (var part = 0u; part < variable.partitions; part++) {
            sum += gradient[place + part * variable.stride];
        }
    }
    return sum;
}
