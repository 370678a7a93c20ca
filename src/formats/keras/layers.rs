//! A layer of Keras as what it is here. Whatever would make it another network is refused by the layer's name.

use serde_json::Value;

use super::message::{Found, place, shown};
use super::settings::{Settings, size};
use crate::geometry::{Padding, Window};
use crate::layers::{Activate, Activation, Conv2d, Dense, Dropout, Flatten, Layer, MaxPool2d};

/// What the layers here are, for messages.
const SUPPORTED: &str = "supported are Conv2D, MaxPooling2D, Flatten, Reshape, Dense, BatchNormalization, Dropout, ReLU, \
                         Activation and Softmax, and layers that only training knows";

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
    /// One of our layers without weights.
    Plain(Layer),
    /// One with weights, and whether it has a bias in Keras.
    Product(Layer, bool),
    Normalisation(Normalisation),
    /// Another view of the same values: its sizes but the batch's, of which one may be -1.
    Reshape(Vec<i64>),
    /// A pixel's byte / 255.
    Rescaling,
    /// The largest value of each channel.
    Largest,
    /// Zeros around the image: `[[above, below], [left, right]]`.
    ZeroPadding([[usize; 2]; 2]),
    /// The same values.
    Nothing,
}

/// A BatchNormalization.
pub struct Normalisation {
    pub epsilon: f64,
    /// Whether it has a gamma.
    pub scale: bool,
    /// Whether it has a beta.
    pub center: bool,
}

/// What the layer is after values of that shape, the batch's size left out; and in words what of it only training knows.
pub fn kind(layer: &Value, input: &[usize]) -> Found<(Kind, Option<String>)> {
    let settings = Settings(layer);
    let class = settings.class();
    // Keras' own classes have none.
    let author = &layer["registered_name"];
    if !author.is_null() {
        let class = shown(author);
        return Err(format!("{}: it is the author's own class {class}, not Keras'; {SUPPORTED}", place(layer)));
    }
    if NOISE.contains(&class) {
        settings.only("dtype")?;
        return Ok((Kind::Nothing, Some(place(layer))));
    }
    let own =
        own(class).ok_or_else(|| format!("{}: layers of this class are unsupported; {SUPPORTED}", place(layer)))?;
    let mut left_out = settings.check(own)?;
    let kind = match class {
        "Conv2D" | "Dense" => {
            let has_bias = settings.flag("use_bias")?;
            if !has_bias {
                left_out.push("use_bias is false".into());
            }
            Kind::Product(if class == "Dense" { dense(settings)? } else { convolution(settings)? }, has_bias)
        }
        "MaxPooling2D" => Kind::Plain(pool(settings, input)?),
        "GlobalMaxPooling2D" => Kind::Largest,
        "ZeroPadding2D" => Kind::ZeroPadding(zeros(settings)?),
        "Flatten" => Kind::Plain(Layer::Flatten(Flatten {})),
        "Dropout" => Kind::Plain(Layer::Dropout(Dropout { rate: settings.number("rate")? as f32 })),
        "Activation" => Kind::Plain(Layer::Activation(Activate::new(activation(settings)?))),
        "ReLU" => Kind::Plain(Layer::Activation(Activate::new(Activation::Relu))),
        "LeakyReLU" => Kind::Plain(leaky(settings)?),
        "Softmax" => Kind::Plain(Layer::Activation(Activate::new(Activation::Softmax))),
        "BatchNormalization" => Kind::Normalisation(normalisation(settings, input.len())?),
        "Reshape" => Kind::Reshape(target(settings)?),
        "Rescaling" => rescaling(settings)?,
        "RandomCrop" => {
            left_out.push("it crops in training only".into());
            whole(settings, input)?
        }
        "CenterCrop" => whole(settings, input)?,
        "Permute" => unmoved(settings)?,
        _ => Kind::Nothing,
    };
    Ok((kind, (!left_out.is_empty()).then(|| format!("{}: {}", place(layer), left_out.join(", ")))))
}

/// The settings of a class that are read; none where the class is unknown.
fn own(class: &str) -> Option<&'static [&'static str]> {
    Some(match class {
        "InputLayer" | "Identity" | "Flatten" | "GlobalMaxPooling2D" | "ReLU" | "Softmax" => &[],
        "Conv2D" => &["filters", "kernel_size", "strides", "padding", "activation", "use_bias"],
        "MaxPooling2D" => &["pool_size", "strides", "padding"],
        "Dense" => &["units", "activation", "use_bias"],
        "Dropout" => &["rate"],
        "Activation" => &["activation"],
        "BatchNormalization" => &["axis", "momentum", "epsilon", "center", "scale", "synchronized", "renorm_momentum"],
        "Reshape" => &["target_shape"],
        "Rescaling" => &["scale", "offset"],
        "ZeroPadding2D" => &["padding"],
        "LeakyReLU" => &["negative_slope", "alpha"],
        "RandomCrop" | "CenterCrop" => &["height", "width"],
        "Permute" => &["dims"],
        _ => return None,
    })
}

fn convolution(settings: Settings) -> Found<Layer> {
    Ok(Layer::Conv2d(Conv2d {
        filters: settings.count("filters")?,
        kernel: settings.pair("kernel_size")?,
        stride: if settings.value("strides").is_null() { [1, 1] } else { settings.pair("strides")? },
        padding: settings.choice("padding")?,
        use_bias: true,
        activation: activation(settings)?,
    }))
}

fn dense(settings: Settings) -> Found<Layer> {
    Ok(Layer::Dense(Dense { units: settings.count("units")?, use_bias: true, activation: activation(settings)? }))
}

/// By its name, or as a layer that is one.
fn activation(settings: Settings) -> Found<Activation> {
    let value = settings.value("activation");
    if value["config"].is_object()
        && let Ok((Kind::Plain(Layer::Activation(Activate { activation, .. })), _)) = kind(value, &[])
    {
        return Ok(activation);
    }
    settings.choice("activation")
}

/// Padding is none where all windows fit into the image.
fn pool(settings: Settings, input: &[usize]) -> Found<Layer> {
    let size = settings.pair("pool_size")?;
    let stride = if settings.value("strides").is_null() { size } else { settings.pair("strides")? };
    if settings.choice::<Padding>("padding")? == Padding::Same {
        let image = <[usize; 3]>::try_from(input).map_err(|_| settings.wrong("padding"))?;
        let positions = |padding| Window::new(image, size, stride, padding).map(|window| window.output);
        let [valid, same] = [Padding::Valid, Padding::Same].map(positions);
        if valid.is_err() || valid != same {
            return Err(settings.wrong("padding"));
        }
    }
    Ok(Layer::MaxPool2d(MaxPool2d {
        size,
        stride: Some(stride).filter(|stride| *stride != size),
        padding: Padding::Valid,
    }))
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

/// A ReLU, where it does not leak.
fn leaky(settings: Settings) -> Found<Layer> {
    let key = if settings.value("alpha").is_null() { "negative_slope" } else { "alpha" };
    if settings.number(key)? != 0.0 {
        return Err(settings.wrong(key));
    }
    Ok(Layer::Activation(Activate::new(Activation::Relu)))
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

/// Over the last of so many dimensions; the batch's is counted, too, where the axis is not counted from the end.
fn normalisation(settings: Settings, dimensions: usize) -> Found<Normalisation> {
    let axis = match settings.value("axis").as_array().map(Vec::as_slice) {
        Some([axis]) => axis.as_i64(),
        Some(_) => None,
        None => settings.value("axis").as_i64(),
    };
    if axis != Some(-1) && axis != i64::try_from(dimensions).ok() {
        return Err(settings.wrong("axis"));
    }
    let epsilon = settings.number("epsilon")?;
    Ok(Normalisation { epsilon, scale: settings.flag("scale")?, center: settings.flag("center")? })
}

fn target(settings: Settings) -> Found<Vec<i64>> {
    let sizes = settings.value("target_shape").as_array();
    let sizes = sizes.and_then(|sizes| sizes.iter().map(Value::as_i64).collect());
    sizes.ok_or_else(|| settings.wrong("target_shape"))
}

/// Of bytes, ours being divided already.
fn rescaling(settings: Settings) -> Found<Kind> {
    if (settings.number("scale")? * 255.0 - 1.0).abs() > 1e-6 {
        return Err(settings.wrong("scale"));
    }
    if settings.number("offset")? != 0.0 {
        return Err(settings.wrong("offset"));
    }
    Ok(Kind::Rescaling)
}
