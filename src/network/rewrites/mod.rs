//! What may be fused. Each rewrite changes one thing where it finds it allowed, and leaves the network's numbers as they
//! are.

#[cfg(test)]
mod tests;

use super::graph::{Graph, Stage};
use crate::kernels::Function;
use crate::layers::{Added, Fused};
use crate::plan::ValueId;

/// A rewrite, by name.
#[derive(Debug)]
pub struct Rewrite {
    pub name: &'static str,
    /// Applies it once, if it can.
    apply: fn(&mut Graph) -> bool,
}

/// In the order in which they are tried.
pub const REWRITES: [Rewrite; 9] = [
    Rewrite { name: "nothing for what moves nothing", apply: drop_identity },
    Rewrite { name: "no ReLU of what is not negative", apply: drop_relu },
    Rewrite { name: "pixels rescaled as they are gathered", apply: rescale_pixels },
    Rewrite { name: "ReLU ahead of what commutes with it", apply: hoist_relu },
    Rewrite { name: "ReLU in a product's epilogue", apply: fuse_relu },
    Rewrite { name: "2 x 2 max-pool in a convolution's epilogue", apply: fuse_pool },
    Rewrite { name: "activation in the pass before it", apply: fuse_function },
    Rewrite { name: "sum in a normalisation's pass", apply: fuse_sum },
    Rewrite { name: "in place where nothing else reads the value", apply: work_in_place },
];

/// Applies all rewrites until none finds anything.
pub fn rewrite(graph: &mut Graph) {
    while REWRITES.iter().any(|rewrite| (rewrite.apply)(graph)) {}
}

fn drop_identity(graph: &mut Graph) -> bool {
    remove(graph, |graph| graph.stages.iter().position(|stage| stage.rules().is_identity))
}

/// Pixels are not negative, unless they are or are gathered so, and neither is what a ReLU leaves.
fn drop_relu(graph: &mut Graph) -> bool {
    remove(graph, |graph| {
        let mut positive = vec![false; graph.shapes.len()];
        positive[0] = !graph.signed_pixels && graph.pixels.keeps_pixels_positive();
        for (number, stage) in graph.stages.iter().enumerate() {
            let of_positive = stage.inputs.iter().all(|input| positive[input.0]);
            if stage.rules().is_relu && of_positive {
                return Some(number);
            }
            positive[stage.output.0] =
                stage.rules().is_relu || stage.fused.relu || (stage.rules().keeps_sign && of_positive);
        }
        None
    })
}

/// Only where nothing else reads the pixels, and nothing has changed them.
fn rescale_pixels(graph: &mut Graph) -> bool {
    let (makers, readers) = graph.makers_and_readers();
    let mut of_pixels = graph.stages.iter().enumerate().filter(|(_, stage)| stage.inputs[0] == ValueId(0));
    let rescaling = of_pixels.find_map(|(number, stage)| Some((number, stage.rules().scaling?)));
    let Some((number, scaling)) = rescaling.filter(|_| readers[0] == 1 && makers[0].is_none()) else { return false };
    graph.pixels = graph.pixels.then(scaling);
    remove(graph, |_| Some(number))
}

/// Removes a stage of one input, which is read instead of its output.
fn remove(graph: &mut Graph, find: impl Fn(&Graph) -> Option<usize>) -> bool {
    let Some(number) = find(graph) else { return false };
    let stage = graph.stages.remove(number);
    graph.replace(stage.output, stage.inputs[0]);
    true
}

/// The first pair of a stage that `fits` and the one that makes its only input, which nothing else reads.
fn pair(graph: &Graph, fits: impl Fn(&Stage, &Stage) -> bool) -> Option<[usize; 2]> {
    let (makers, readers) = graph.makers_and_readers();
    let before = |number: usize| match graph.stages[number].inputs[..] {
        [ValueId(input)] if readers[input] == 1 => makers[input].map(|maker| [maker, number]),
        _ => None,
    };
    let mut pairs = (0..graph.stages.len()).filter_map(before);
    pairs.find(|[maker, number]| fits(&graph.stages[*maker], &graph.stages[*number]))
}

/// max(x, 0) of the largest is the largest of max(x, 0), and so it is with what is scaled or set to zero.
fn hoist_relu(graph: &mut Graph) -> bool {
    let fits = |maker: &Stage, relu: &Stage| {
        relu.rules().is_relu
            && maker.rules().commutes_with_relu
            && matches!(maker.inputs[..], [input] if input != maker.output)
    };
    let Some([maker, relu]) = pair(graph, fits) else { return false };
    // From input -> maker -> between -> ReLU -> output to input -> ReLU -> between -> maker -> output.
    let (input, between, output) =
        (graph.stages[maker].inputs[0], graph.stages[maker].output, graph.stages[relu].output);
    graph.shapes[between.0] = graph.shapes[input.0];
    graph.stages.swap(maker, relu);
    let ends = [(maker, input, between), (relu, between, output)];
    for (number, from, to) in ends {
        graph.stages[number].inputs = vec![from];
        graph.stages[number].output = to;
    }
    true
}

fn fuse_relu(graph: &mut Graph) -> bool {
    let fits = |maker: &Stage, relu: &Stage| relu.rules().is_relu && maker.rules().takes_relu && !ends(maker);
    let Some([maker, relu]) = pair(graph, fits) else { return false };
    graph.stages[maker].fused.relu = true;
    absorb(graph, maker, relu)
}

/// Whether something else than a pool is the end of a stage's passes already.
fn ends(stage: &Stage) -> bool {
    let Fused { relu, function, added, .. } = stage.fused;
    relu || function != Function::Linear || added == Some(Added::AfterActivation)
}

/// Of more inputs than two, what the activation is of is not kept.
fn fuse_function(graph: &mut Graph) -> bool {
    let fits = |maker: &Stage, activation: &Stage| {
        let is_free = maker.rules().takes_function && maker.inputs.len() <= 2 && !ends(maker);
        is_free && activation.rules().function.is_some()
    };
    let Some([maker, activation]) = pair(graph, fits) else { return false };
    graph.stages[maker].fused.function = graph.stages[activation].rules().function.unwrap_or_default();
    absorb(graph, maker, activation)
}

/// The sum of two values is made with the later one, where nothing else reads that.
fn fuse_sum(graph: &mut Graph) -> bool {
    let (makers, readers) = graph.makers_and_readers();
    let find = |number: usize| {
        let sum = &graph.stages[number];
        let [one, two] = sum.inputs[..] else { return None };
        [[one, two], [two, one]].into_iter().find_map(|[own, other]| {
            let maker = makers[own.0].filter(|_| sum.rules().is_sum && readers[own.0] == 1)?;
            let stage = &graph.stages[maker];
            let comes_before = makers[other.0].is_none_or(|before| before < maker);
            let fits = stage.rules().takes_sum && stage.fused.added.is_none() && !(ends(stage) && ends(sum));
            (fits && comes_before).then_some([maker, number, other.0])
        })
    };
    let Some([maker, sum, other]) = (0..graph.stages.len()).find_map(find) else { return false };
    let Fused { relu, function, .. } = graph.stages[sum].fused;
    let stage = &mut graph.stages[maker];
    stage.inputs.push(ValueId(other));
    stage.fused = match stage.fused {
        // What is behind the activation may be negative: no mask could carry the gradient.
        fused if fused.relu => {
            Fused { relu: false, function: Function::Relu, added: Some(Added::AfterActivation), ..fused }
        }
        fused if fused.function != Function::Linear => Fused { added: Some(Added::AfterActivation), ..fused },
        fused => Fused { relu, function, added: Some(Added::BeforeActivation), ..fused },
    };
    absorb(graph, maker, sum)
}

fn fuse_pool(graph: &mut Graph) -> bool {
    // No window may reach over the border.
    let inside = |pool: &Stage| {
        let window = pool.inferred.window;
        window.is_some_and(|window| (0..2).all(|axis| 2 * window.output[axis] <= window.input[axis]))
    };
    let fits = |maker: &Stage, pool: &Stage| {
        pool.rules().pools_by_two && inside(pool) && maker.rules().takes_pool && !maker.fused.pool
    };
    let Some([maker, pool]) = pair(graph, fits) else { return false };
    graph.stages[maker].fused.pool = true;
    absorb(graph, maker, pool)
}

/// The maker's passes end with what the stage would make.
fn absorb(graph: &mut Graph, maker: usize, stage: usize) -> bool {
    graph.stages[maker].output = graph.stages[stage].output;
    graph.stages.remove(stage);
    true
}

fn work_in_place(graph: &mut Graph) -> bool {
    let (_, readers) = graph.makers_and_readers();
    let found = graph.stages.iter().position(|stage| {
        stage.rules().is_in_place && stage.output != stage.inputs[0] && readers[stage.inputs[0].0] == 1
    });
    let Some(number) = found else { return false };
    let (input, output) = (graph.stages[number].inputs[0], graph.stages[number].output);
    graph.replace(output, input);
    graph.stages[number].output = input;
    true
}
