// What updates bind first, and the numbers of a step, src/kernels/step_numbers.rs: the rate is the first, then there may be two more, by
// their places.
const NUMBERS: u32 = 1;
const DECAY: u32 = 0; // the part of a weight that goes before the update; 0: none
const FACTOR: u32 = 0; // what gradients are multiplied by; 0: nothing
const SKIPS: u32 = 0; // 1: where that factor is 0, the step changes nothing

@group(0) @binding(0) var<storage, read> gradient: array<f32>; // [MICRO_BATCHES, MICRO_BATCH_STRIDE]
@group(0) @binding(1) var<storage, read> rates: array<f32>; // [batches of the order, NUMBERS]
@group(0) @binding(2) var<storage, read> progress: Progress;
@group(0) @binding(3) var<storage, read> variables: array<u32>; // [WORKGROUPS], then [variables, 7]
@group(0) @binding(4) var<storage, read_write> weights: array<f32>; // [values of all variables]

fn number(place: u32) -> f32 {
    return rates[progress.batch * NUMBERS + place];
}

fn is_skipped() -> bool {
    return SKIPS == 1 && number(FACTOR) == 0.0;
}

fn clipped(gradient: f32) -> f32 {
    if FACTOR > 0 {
        return gradient * number(FACTOR);
    }
    return gradient;
}

fn decayed(variable: Variable, at: u32) -> f32 {
    let weight = weights[at];
    if DECAY > 0 && variable.decays == 1 {
        return weight - weight * number(DECAY);
    }
    return weight;
}
