//! `shaders/loss_scale.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{Mutation, all_go_red, mutation};
use crate::parts::{SQUARES, WORKGROUP_SUM};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("loss_scale");
}

#[test]
fn every_broken_line_is_noticed() {
    let own = [
        mutation("what is not finite", "== 0x7f800000", "== 1"),
        mutation("what is finite", "== 0x7f800000", "!= 1"),
        mutation("a step that does not count", "keep_factor(0.0)", "keep_factor(1.0)"),
        mutation("half the scale", "scale * 0.5", "scale * 0.25"),
        mutation("the smallest scale", "max(scale * 0.5, 1.0)", "scale * 0.5"),
        mutation("steps since one was left out", "scaling[1] = 0;", "scaling[1] = steps;"),
        mutation("steps left out", "scaling[2] += 1;", "scaling[2] = 1;"),
        mutation("the scale of the gradients", "var factor = 1.0 / scale;", "var factor = 1.0;"),
        mutation("the root", "sqrt(sum) * factor", "sum * factor"),
        mutation("the scale of the norm", "sqrt(sum) * factor", "sqrt(sum)"),
        mutation("no largest norm", "CLIP > 0.0 && norm > CLIP", "norm > CLIP"),
        mutation("the largest norm", "&& norm > CLIP", "&& norm > 2.0 * CLIP"),
        mutation("a norm that is small enough", "&& norm > CLIP", "&& norm > 0.0"),
        mutation("the clipped factor", "factor *= CLIP / norm", "factor *= 1.0 / norm"),
        mutation("patience", "steps >= PATIENCE", "steps > PATIENCE"),
        mutation("twice the scale", "scale * 2.0", "scale * 4.0"),
        mutation("the largest scale", "min(scale * 2.0, LARGEST)", "scale * 2.0"),
        mutation("steps begin anew", "select(steps, 0, grows)", "steps"),
        mutation("one step more", "scaling[1] + 1", "scaling[1]"),
        mutation("none left out", "scaling[2] = 0;", "scaling[2] += 0;"),
    ];
    all_go_red("loss_scale", &own.into_iter().chain(SQUARES).chain(WORKGROUP_SUM).collect::<Vec<Mutation>>());
}
