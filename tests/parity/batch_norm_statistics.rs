//! `shaders/batch_norm_statistics.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{Mutation, all_go_red, mutation};
use crate::parts::{LANES, PLACES, POSITIONS};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("batch_norm_statistics");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the sum", "sums.x += sum;", "sums.x = sum;"),
        mutation("squared distances", "sums.y += dot(distances, distances)", "sums.y = dot(distances, distances)"),
        mutation("a round's own mean", "values - sum / max(number, 1.0)", "values"),
        mutation("the distance of means", "+ apart * apart * count", "+ apart * count"),
        mutation("the weight of a distance", "count * number / max(count + number, 1.0)", "count * number"),
        mutation("how many there are", "count += number;", "count = number;"),
        mutation("what counts", "vec4(1.0), positions < vec4(end)", "vec4(1.0), positions <= vec4(end)"),
        mutation(
            "a lane's positions",
            "(4 * round + vec4(0u, 1u, 2u, 3u)) * LANES",
            "(4 * round + vec4(0u, 1u, 2u, 2u)) * LANES",
        ),
        mutation("a round's positions", "(4 * round + vec4", "(round + vec4"),
        mutation("the last round", "round < ROUNDS", "round + 1 < ROUNDS"),
        mutation("the partition's positions", "group.x * PARTITION", "0u"),
        mutation("the partition's end", "first + PARTITION)", "POSITIONS)"),
        mutation("the mean of all lanes", "sums.x / max(f32(positions), 1.0)", "sums.x"),
        mutation("a lane's count", "u32(lane < positions % LANES)", "0u"),
        mutation("the lanes' distances", "sums.y += number * distance * distance;", "sums.y += 0.0;"),
        mutation("the place of the sum", "partials[2 * group.x * CHANNELS", "partials[(2 * group.x + 1) * CHANNELS"),
    ];
    let mutations: Vec<Mutation> = mutations.into_iter().chain(PLACES).chain(POSITIONS).chain(LANES).collect();
    all_go_red("batch_norm_statistics", &mutations);
}
