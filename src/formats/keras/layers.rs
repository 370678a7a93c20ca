//! A layer of Keras as what it is here. Whatever would make it another network is refused by the layer's name.

use serde_json::Value;

use super::activations::{self, activation, of_layer};
use super::graph::Argument;
use super::message::{Found, place, shown};
use super::pixels::{Affine, arithmetic, normalization, rescaling};
use super::settings::{Settings, size};
use crate::geometry::Padding;
use crate::layers::{
    Activate, Activation, Add, AveragePool2d, BatchNormalization, Concatenate, Conv2d, Dense, DepthwiseConv2d, Dropout,
    Flatten, GlobalAveragePool2d, GlobalMaxPool2d, Layer, MaxPool2d, Pool,
};

/// What the layers here are, for messages.
const SUPPORTED: &str = "supported are Conv2D, DepthwiseConv2D, SeparableConv2D, Dense, BatchNormalization, Add, \
                         Concatenate, MaxPooling2D, AveragePooling2D, GlobalMaxPooling2D, GlobalAveragePooling2D, \
                         Flatten, Reshape, Dropout, Rescaling, Activation, ReLU, LeakyReLU, ELU and Softmax, and layers \
                         that only training knows";

/// The layers that change values in training only, whatever their settings are: of Keras 2 and 3, its `experimental`
/// ones included. Others that are called `Random...` do something (`RandomFourierFeatures`), or may.
const NOISE: [&str; 32] = [
    "GaussianNoise",
    "GaussianDropout",
    "AlphaDropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "ActivityRegularization",
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHeight",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomPosterization",
    "RandomRotation",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomWidth",
    "RandomZoom",
    "RandAugment",
    "AugMix",
    "MixUp",
    "CutMix",
];

/// What a layer of Keras is here, where it predicts.
pub enum Kind {
    /// Layers of ours, one after the other.
    Layers(Vec<Step>),
    /// A softmax, which is part of our loss.
    Softmax,
    /// Another view of the same values: its sizes but the batch's, of which one may be -1.
    Reshape(Vec<i64>),
    /// Of pixels.
    Affine(Affine),
    /// Zeros around the image: `[[above, below], [left, right]]`.
    ZeroPadding([[usize; 2]; 2]),
    /// The same values.
    Nothing,
}

/// A layer of ours that is, or is a part of, a layer of Keras.
pub struct Step {
    pub layer: Layer,
    /// What its name has after that of Keras' layer.
    pub suffix: &'static str,
    /// Its arrays in Keras, which are its variables here, in their order.
    pub parts: Vec<Part>,
}

/// An array of a layer.
#[derive(Clone, Copy)]
pub struct Part {
    /// What versions of Keras call it.
    pub names: &'static [&'static str],
    /// Whether a gradient changes it.
    pub is_trained: bool,
}

const fn part(names: &'static [&'static str]) -> Part {
    Part { names, is_trained: true }
}

const BIAS: Part = part(&["bias"]);

/// What the layer is over values of that shape, the batch's size left out, or over several of them; and in words what of it
/// only training knows.
pub fn kind(layer: &Value, input: &[usize], arguments: &[Argument]) -> Found<(Kind, Option<String>)> {
    let settings = Settings(layer);
    let class = settings.class();
    // Keras' own layers have none; its functions, called in a functional model, have one and are of its own modules.
    let author = &layer["registered_name"];
    let is_formula = layer["module"].as_str().is_some_and(|module| module.starts_with("keras.src."));
    if !author.is_null() && !is_formula {
        let class = shown(author);
        return Err(format!("{}: it is the author's own class {class}, not Keras'; {SUPPORTED}", place(layer)));
    }
    if NOISE.contains(&class) {
        settings.only("dtype")?;
        return Ok((Kind::Nothing, Some(place(layer))));
    }
    if let Some(affine) = arithmetic(class, arguments) {
        return Ok((Kind::Affine(affine), None));
    }
    let own =
        own(class).ok_or_else(|| format!("{}: layers of this class are unsupported; {SUPPORTED}", place(layer)))?;
    let mut left_out = settings.check(own)?;
    let kind = match class {
        "Conv2D" => convolution(settings)?,
        "DepthwiseConv2D" => Kind::Layers(with_activation(settings, depthwise(settings)?)?),
        "SeparableConv2D" => separable(settings)?,
        "Dense" => dense(settings)?,
        "MaxPooling2D" | "AveragePooling2D" => plain(pool(settings)?),
        "GlobalMaxPooling2D" | "GlobalAveragePooling2D" => plain(global_pool(settings, input)?),
        "BatchNormalization" => normalisation(settings, input.len())?,
        "Add" => plain(Layer::Add(Add {})),
        "Concatenate" => {
            last_axis(settings, input.len())?;
            plain(Layer::Concatenate(Concatenate {}))
        }
        "ZeroPadding2D" => Kind::ZeroPadding(zeros(settings)?),
        "Flatten" => plain(Layer::Flatten(Flatten {})),
        "Dropout" => plain(Layer::Dropout(Dropout { rate: settings.number("rate")? as f32 })),
        "Reshape" => Kind::Reshape(target(settings)?),
        "Rescaling" => Kind::Affine(rescaling(settings)?),
        "Normalization" => Kind::Affine(normalization(settings)?),
        "RandomCrop" => {
            left_out.push("it crops in training only".into());
            whole(settings, input)?
        }
        "CenterCrop" => whole(settings, input)?,
        "Permute" => unmoved(settings)?,
        _ => match of_layer(settings)? {
            Some(Activate { activation: Activation::Softmax, .. }) => Kind::Softmax,
            Some(activation) => plain(Layer::Activation(activation)),
            None => Kind::Nothing,
        },
    };
    Ok((kind, (!left_out.is_empty()).then(|| format!("{}: {}", place(layer), left_out.join(", ")))))
}

/// The settings of a class that are read; none where the class is unknown.
fn own(class: &str) -> Option<&'static [&'static str]> {
    Some(match class {
        "InputLayer" | "Identity" | "Flatten" | "Add" => &[],
        "Conv2D" => &["filters", "kernel_size", "strides", "padding", "activation", "use_bias"],
        "DepthwiseConv2D" => &["kernel_size", "strides", "padding", "depth_multiplier", "activation", "use_bias"],
        "SeparableConv2D" => {
            &["filters", "kernel_size", "strides", "padding", "depth_multiplier", "activation", "use_bias"]
        }
        "MaxPooling2D" | "AveragePooling2D" => &["pool_size", "strides", "padding"],
        "GlobalMaxPooling2D" | "GlobalAveragePooling2D" => &["keepdims"],
        "Dense" => &["units", "activation", "use_bias"],
        "Dropout" => &["rate"],
        "BatchNormalization" => &["axis", "momentum", "epsilon", "center", "scale", "synchronized", "renorm_momentum"],
        "Concatenate" => &["axis"],
        "Reshape" => &["target_shape"],
        "Rescaling" => &["scale", "offset"],
        "Normalization" => &["mean", "variance", "axis"],
        "ZeroPadding2D" => &["padding"],
        "RandomCrop" | "CenterCrop" => &["height", "width"],
        "Permute" => &["dims"],
        _ => return activations::own(class),
    })
}

/// A layer of ours without arrays.
fn plain(layer: Layer) -> Kind {
    Kind::Layers(vec![Step { layer, suffix: "", parts: Vec::new() }])
}

/// The arrays of a layer with such a kernel.
fn kernel(names: &'static [&'static str], use_bias: bool) -> Vec<Part> {
    [part(names)].into_iter().chain(use_bias.then_some(BIAS)).collect()
}

/// The step, and its activation as one of its own where it has other parameters than Keras' own: a layer's activation is
/// known by its name alone.
fn with_activation(settings: Settings, mut step: Step) -> Found<Vec<Step>> {
    let activate = activation(settings)?;
    let own = step.layer.own_activation().ok_or_else(|| settings.wrong("activation"))?;
    if activate == Activate::new(activate.activation) {
        *own = activate.activation;
        return Ok(vec![step]);
    }
    let activation = Step { layer: Layer::Activation(activate), suffix: "_activation", parts: Vec::new() };
    Ok(vec![step, activation])
}

fn convolution(settings: Settings) -> Found<Kind> {
    let use_bias = settings.flag("use_bias")?;
    let layer = Layer::Conv2d(Conv2d {
        filters: settings.count("filters")?,
        kernel: settings.pair("kernel_size")?,
        stride: settings.pair_or("strides", [1, 1])?,
        padding: settings.choice("padding")?,
        use_bias,
        activation: Activation::Linear,
    });
    let step = Step { layer, suffix: "", parts: kernel(&["kernel"], use_bias) };
    with_activation(settings, step).map(Kind::Layers)
}

fn depthwise(settings: Settings) -> Found<Step> {
    let use_bias = settings.flag("use_bias")?;
    let layer = Layer::DepthwiseConv2d(DepthwiseConv2d {
        kernel: settings.pair("kernel_size")?,
        stride: settings.pair_or("strides", [1, 1])?,
        padding: settings.choice("padding")?,
        depth_multiplier: settings.count("depth_multiplier")?,
        use_bias,
        activation: Activation::Linear,
    });
    Ok(Step { layer, suffix: "", parts: kernel(&["kernel", "depthwise_kernel"], use_bias) })
}

/// Two convolutions: of each channel by itself, then of all channels at each position.
fn separable(settings: Settings) -> Found<Kind> {
    let use_bias = settings.flag("use_bias")?;
    let mut first = Step { suffix: "_depthwise", parts: kernel(&["depthwise_kernel"], false), ..depthwise(settings)? };
    if let Layer::DepthwiseConv2d(layer) = &mut first.layer {
        layer.use_bias = false;
    }
    let layer = Layer::Conv2d(Conv2d {
        filters: settings.count("filters")?,
        kernel: [1, 1],
        stride: [1, 1],
        padding: Padding::Valid,
        use_bias,
        activation: Activation::Linear,
    });
    let second = Step { layer, suffix: "", parts: kernel(&["pointwise_kernel"], use_bias) };
    let steps = [first].into_iter().chain(with_activation(settings, second)?);
    Ok(Kind::Layers(steps.collect()))
}

fn dense(settings: Settings) -> Found<Kind> {
    let use_bias = settings.flag("use_bias")?;
    let layer = Layer::Dense(Dense { units: settings.count("units")?, use_bias, activation: Activation::Linear });
    let step = Step { layer, suffix: "", parts: kernel(&["kernel"], use_bias) };
    with_activation(settings, step).map(Kind::Layers)
}

fn pool(settings: Settings) -> Found<Layer> {
    let size = settings.pair("pool_size")?;
    let stride = Some(settings.pair_or("strides", size)?).filter(|stride| *stride != size);
    let pool = Pool { size, stride, padding: settings.choice("padding")? };
    Ok(match settings.class() {
        "MaxPooling2D" => Layer::MaxPool2d(MaxPool2d(pool)),
        _ => Layer::AveragePool2d(AveragePool2d(pool)),
    })
}

/// One that keeps height and width, as 1, is a pool with one window.
fn global_pool(settings: Settings, input: &[usize]) -> Found<Layer> {
    let keeps = !settings.value("keepdims").is_null() && settings.flag("keepdims")?;
    let is_largest = settings.class() == "GlobalMaxPooling2D";
    if !keeps {
        return Ok(match is_largest {
            true => Layer::GlobalMaxPool2d(GlobalMaxPool2d {}),
            false => Layer::GlobalAveragePool2d(GlobalAveragePool2d {}),
        });
    }
    let &[height, width, _] = input else {
        return Err(settings.misplaced(&format!("its input {input:?} is no image [height, width, channels]")));
    };
    let pool = Pool { size: [height, width], stride: None, padding: Padding::Valid };
    Ok(match is_largest {
        true => Layer::MaxPool2d(MaxPool2d(pool)),
        false => Layer::AveragePool2d(AveragePool2d(pool)),
    })
}

/// `[[above, below], [left, right]]`, as Keras writes it however it was given.
fn zeros(settings: Settings) -> Found<[[usize; 2]; 2]> {
    let sides = |value: &Value| match value.as_array()?.as_slice() {
        [before, after] => Some([size(before)?, size(after)?]),
        _ => None,
    };
    let axes = settings.value("padding").as_array().map(Vec::as_slice);
    let Some([height, width]) = axes else { return Err(settings.wrong("padding")) };
    sides(height).zip(sides(width)).map(<[[usize; 2]; 2]>::from).ok_or_else(|| settings.wrong("padding"))
}

/// A crop to the whole image. Where it predicts, a `RandomCrop` cuts the middle out, as a `CenterCrop` does.
fn whole(settings: Settings, input: &[usize]) -> Found<Kind> {
    for (axis, key) in ["height", "width"].into_iter().enumerate() {
        if input.len() != 3 || settings.count(key)? != input[axis] {
            return Err(settings.misplaced(&format!("its input {input:?} is not of its size")));
        }
    }
    Ok(Kind::Nothing)
}

/// A permutation that leaves all dimensions where they are.
fn unmoved(settings: Settings) -> Found<Kind> {
    let dimensions = settings.value("dims").as_array().map(Vec::as_slice).unwrap_or_default();
    let stays = |(place, dimension): (usize, &Value)| size(dimension) == Some(place + 1);
    match dimensions.iter().enumerate().all(stays) {
        true if !dimensions.is_empty() => Ok(Kind::Nothing),
        _ => Err(settings.wrong("dims")),
    }
}

/// Over the last of so many dimensions.
fn normalisation(settings: Settings, dimensions: usize) -> Found<Kind> {
    last_axis(settings, dimensions)?;
    let (scale, center) = (settings.flag("scale")?, settings.flag("center")?);
    let layer = Layer::BatchNormalization(BatchNormalization {
        momentum: settings.number_or("momentum", 0.99)?,
        epsilon: settings.number("epsilon")?,
        center,
        scale,
    });
    let trained = [(scale, part(&["gamma"])), (center, part(&["beta"]))];
    let moving = [&["moving_mean"], &["moving_variance"]].map(|names| Part { names, is_trained: false });
    let parts = trained.into_iter().filter_map(|(has, part)| has.then_some(part)).chain(moving).collect();
    Ok(Kind::Layers(vec![Step { layer, suffix: "", parts }]))
}

/// Refuses an axis that is not the last of so many; the batch's is counted, too, where it is not counted from the end.
fn last_axis(settings: Settings, dimensions: usize) -> Found<()> {
    let axis = match settings.value("axis").as_array().map(Vec::as_slice) {
        Some([axis]) => axis.as_i64(),
        Some(_) => None,
        None => settings.value("axis").as_i64(),
    };
    match axis == Some(-1) || axis == i64::try_from(dimensions).ok() {
        true => Ok(()),
        false => Err(settings.wrong("axis")),
    }
}

fn target(settings: Settings) -> Found<Vec<i64>> {
    let sizes = settings.value("target_shape").as_array();
    let sizes = sizes.and_then(|sizes| sizes.iter().map(Value::as_i64).collect());
    sizes.ok_or_else(|| settings.wrong("target_shape"))
}
