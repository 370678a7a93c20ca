//! What every layer says of itself.

use super::activation::Activation;
use super::keys::LayerKeys;
use crate::error::{Error, Result};
use crate::geometry::{Shape, Window};
use crate::kernels::Function;
use crate::plan::{Change, Tape, ValueId, VariableSpec};

/// A layer's rules: of shapes, of what may be fused with it, and of the passes it becomes.
pub trait Operation {
    fn keys(&self) -> &'static LayerKeys;

    /// What the layer makes of inputs of these shapes, or why it cannot be.
    fn infer(&self, inputs: &[Shape]) -> std::result::Result<Inferred, String>;

    /// What it does to its own output: linear, unless a file can say otherwise.
    fn activation(&self) -> Activation {
        Activation::Linear
    }

    /// What may be done with it. Nothing is allowed that is not said.
    fn rules(&self) -> Rules;

    /// Adds the forward passes, without the layer's activation, to the tape, and returns what adds the backward ones.
    ///
    /// # Errors
    /// Where the layer cannot be a pass.
    fn emit(&self, place: &Place, tape: &mut Tape) -> Result<Backward>;
}

/// Adds a layer's backward passes to the tape, when those of all layers behind it are there.
pub type Backward = Box<dyn FnOnce(&mut Tape) -> Result<()>>;

/// What is inferred of a layer.
#[derive(Clone, Debug)]
pub struct Inferred {
    pub output: Shape,
    /// Its tensors, in Keras' order: kernel, then bias; gamma, beta, moving mean, moving variance.
    pub variables: Vec<VariableSpec>,
    /// Of convolutions and pools.
    pub window: Option<Window>,
}

impl Inferred {
    /// Neither variables nor a window.
    pub(super) fn of(output: Shape) -> Self {
        Self { output, variables: Vec::new(), window: None }
    }
}

/// What others than the layer may rely on: rewrites, and who asks whether a network may end so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Its output is its input, value by value, in training and in evaluation.
    pub is_identity: bool,
    /// In evaluation its output is its input.
    pub only_trains: bool,
    /// It is max(x, 0) and nothing else.
    pub is_relu: bool,
    /// A ReLU behind it may as well be ahead of it.
    pub commutes_with_relu: bool,
    /// Without negative inputs it has no negative outputs.
    pub keeps_sign: bool,
    /// It overwrites its input.
    pub is_in_place: bool,
    /// It is a 2 x 2 max-pool with disjoint windows, perhaps over the border.
    pub pools_by_two: bool,
    /// It is this activation and nothing else.
    pub function: Option<Function>,
    /// Its passes can end in a ReLU.
    pub takes_relu: bool,
    /// Its passes can end in any activation, of two inputs at most.
    pub takes_function: bool,
    /// It is a sum.
    pub is_sum: bool,
    /// Its passes can add another value of the same shape.
    pub takes_sum: bool,
    /// Its passes can end in a 2 x 2 max-pool with disjoint windows.
    pub takes_pool: bool,
    /// A network may end in it: without an activation, what it puts out are logits.
    pub makes_logits: bool,
}

impl Rules {
    pub const NONE: Self = Self {
        is_identity: false,
        only_trains: false,
        is_relu: false,
        commutes_with_relu: false,
        keeps_sign: false,
        is_in_place: false,
        pools_by_two: false,
        function: None,
        takes_relu: false,
        takes_function: false,
        is_sum: false,
        takes_sum: false,
        takes_pool: false,
        makes_logits: false,
    };
}

/// What rewrites have moved into a layer's passes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Fused {
    pub relu: bool,
    /// Another activation.
    pub function: Function,
    /// The last input is added.
    pub added: Option<Added>,
    /// A 2 x 2 max-pool with disjoint windows.
    pub pool: bool,
}

/// Where the last input of a stage is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    BeforeActivation,
    AfterActivation,
}

/// Where a layer stands in a network.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    pub name: &'a str,
    pub inputs: &'a [ValueId],
    pub output: ValueId,
    pub inferred: &'a Inferred,
    /// Whether training changes its variables.
    pub trainable: bool,
    pub fused: Fused,
}

impl Place<'_> {
    pub(super) fn missing(&self, what: &str) -> Error {
        Error::Failed(format!("{}: has no {what}", self.name))
    }

    /// What changes its variables: these, or nothing.
    pub(super) fn changes(&self, changes: impl Iterator<Item = Change>) -> Vec<Change> {
        changes.map(|change| if self.trainable { change } else { Change::Nothing }).collect()
    }

    pub(super) fn input(&self) -> Result<ValueId> {
        self.inputs.first().copied().ok_or_else(|| self.missing("input"))
    }

    pub(super) fn window(&self) -> Result<Window> {
        self.inferred.window.ok_or_else(|| self.missing("window"))
    }
}

/// The shape of a layer's one input.
pub(super) fn only(inputs: &[Shape]) -> std::result::Result<Shape, String> {
    match inputs {
        [input] => Ok(*input),
        inputs => Err(format!("it has {} inputs; give one", inputs.len())),
    }
}

/// The shape of the first of two inputs or more.
pub(super) fn several(inputs: &[Shape]) -> std::result::Result<Shape, String> {
    match inputs {
        [first, _, ..] => Ok(*first),
        _ => Err("it has one input; give inputs = two names or more".into()),
    }
}

pub(super) fn image(input: Shape) -> std::result::Result<[usize; 3], String> {
    match input {
        Shape::Image(image) => Ok(image),
        Shape::Features(_) => Err("its input is flat; put it before the 'flatten' layer".into()),
    }
}

/// Of a layer that every network is rewritten without.
pub(super) fn moves_nothing(place: &Place) -> Result<Backward> {
    Err(Error::Failed(format!("{}: moves nothing, and is no pass", place.name)))
}
