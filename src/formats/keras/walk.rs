//! Keras' layers, one after the other, as our model. Values keep their order in memory all the way: `Flatten` and `Reshape`
//! are other views of them, and a model over `[28, 28]` or `[784]` sees the same pixels as one over `[28, 28, 1]`.

use serde_json::Value;

use super::chain::{self, Leaf};
use super::contents::{Contents, Folded, Product};
use super::layers::{Kind, Normalisation, kind};
use super::message::{Found, place, shown};
use super::settings::{Settings, size};
pub use crate::formats::network::plain;
use crate::geometry::{Padding, Shape, Window};
use crate::layers::{Activate, Activation, Conv2d, Dense, Flatten, Layer, MaxPool2d};
use crate::model::{Model, Node, after, resolve};

/// The longest JSON that is read: that of a thousand layers is shorter.
pub const LONGEST_JSON: usize = 1 << 22;

/// The most values of an image: more than any layer takes.
const MOST_PIXELS: usize = 1 << 30;

/// The JSON in a file.
pub fn parse(text: &str) -> Found<Value> {
    if text.len() > LONGEST_JSON {
        return Err(format!("its configuration is {} bytes long; at most {LONGEST_JSON} are read", text.len()));
    }
    serde_json::from_str(text)
        .map_err(|error| format!("its configuration is not JSON ({error}); save the model in Keras again"))
}

/// What the JSON says of a file's contents.
pub fn contents(json: &Value) -> Found<Contents> {
    if !chain::is_model(json) {
        let class = shown(&json["class_name"]);
        return Err(format!("is a model of the class {class}; supported are Sequential and Functional"));
    }
    let leaves = chain::leaves(json)?;
    let first = leaves.first().ok_or("has no layers; save the model in Keras again")?;
    let shape = chain::input_shape(json);
    let (view, image) = input(shape, &leaves).ok_or_else(|| {
        let (place, shape) = (place(first.layer), shown(shape));
        format!("{place}: its input has the shape {shape}; supported is [batch, height, width, channels], or [batch, pixels]")
    })?;
    let model =
        Model { name: plain(json["config"]["name"].as_str().unwrap_or_default()), input: image, layers: Vec::new() };
    let mut walk = Walk {
        contents: Contents::of(model),
        sources: Vec::new(),
        shape: Shape::Image(image),
        view,
        is_rescaled: false,
        zeros: None,
    };
    for leaf in &leaves {
        walk.take(leaf)?;
    }
    walk.end()?;
    // Before anything else is made of as many layers as a file may name.
    resolve(&walk.contents.model).map_err(|error| error.to_string())?;
    Ok(walk.contents)
}

/// The input as Keras sees it, the batch left out, and as an image `[height, width, channels]`. Of pixels in a row, the first
/// `Reshape` says what image they are; else they are a square one.
fn input(shape: &Value, leaves: &[Leaf]) -> Option<(Vec<usize>, [usize; 3])> {
    let (_, sizes) = shape.as_array()?.split_first()?;
    let view: Vec<usize> = sizes.iter().map(size).collect::<Option<_>>()?;
    let image = match view.as_slice() {
        [_] => {
            let weightless = |leaf: &&Leaf| !matches!(Settings(leaf.layer).class(), "Conv2D" | "Dense");
            let views = leaves.iter().take_while(weightless).filter_map(|leaf| match kind(leaf.layer, &view) {
                Ok((Kind::Reshape(target), _)) => image(&reshaped(&view, &target)?),
                _ => None,
            });
            views.chain(square(view[0])).next()?
        }
        view => image(view)?,
    };
    count(&image).filter(|values| (1..=MOST_PIXELS).contains(values))?;
    Some((view, image))
}

/// `[height, width]`, or with channels.
fn image(view: &[usize]) -> Option<[usize; 3]> {
    match *view {
        [height, width] => Some([height, width, 1]),
        [height, width, channels] => Some([height, width, channels]),
        _ => None,
    }
}

/// The square image of so many values, grey or in colours.
fn square(values: usize) -> Option<[usize; 3]> {
    let image = |channels: usize| {
        let side = (values / channels).isqrt();
        (side.checked_mul(side)?.checked_mul(channels)? == values).then_some([side, side, channels])
    };
    image(1).or_else(|| image(3))
}

/// The values in a shape.
fn count(view: &[usize]) -> Option<usize> {
    view.iter().try_fold(1_usize, |count, &size| count.checked_mul(size))
}

/// The shape that a `Reshape` to `target` gives.
fn reshaped(view: &[usize], target: &[i64]) -> Option<Vec<usize>> {
    let known: Vec<usize> = target.iter().filter_map(|&size| usize::try_from(size).ok()).collect();
    let (all, known) = (count(view)?, count(&known)?);
    let size = |&size: &i64| match size {
        -1 => all.checked_div(known),
        size => usize::try_from(size).ok(),
    };
    let sizes: Vec<usize> = target.iter().map(size).collect::<Option<_>>()?;
    (target.iter().filter(|&&size| size == -1).count() <= 1 && count(&sizes)? == all).then_some(sizes)
}

struct Walk<'a> {
    contents: Contents,
    /// The layer of Keras that each of the model's layers is made of.
    sources: Vec<&'a Value>,
    /// Of the values as our layers see them.
    shape: Shape,
    /// Of the same values as Keras' layers see them, the batch left out.
    view: Vec<usize>,
    is_rescaled: bool,
    /// Zeros that are to be around the image, and the layer that says so.
    zeros: Option<([[usize; 2]; 2], &'a Value)>,
}

impl<'a> Walk<'a> {
    fn take(&mut self, leaf: &Leaf<'a>) -> Found<()> {
        let (kind, left_out) = kind(leaf.layer, &self.view)?;
        self.contents.left_out.extend(left_out);
        if !matches!(kind, Kind::Product(Layer::Conv2d(_), _)) {
            self.expect_no_zeros()?;
        }
        match kind {
            Kind::ZeroPadding(zeros) => {
                self.zeros = Some((zeros, leaf.layer));
                Ok(())
            }
            Kind::Nothing => Ok(()),
            Kind::Plain(layer) => self.plain(leaf, layer),
            Kind::Largest => {
                self.expect_image(leaf)?;
                self.push(
                    leaf,
                    Layer::MaxPool2d(MaxPool2d {
                        size: [self.view[0], self.view[1]],
                        stride: None,
                        padding: Padding::Valid,
                    }),
                )?;
                self.push(leaf, Layer::Flatten(Flatten {}))
            }
            Kind::Product(layer, has_bias) => self.product(leaf, layer, has_bias),
            Kind::Normalisation(normalisation) => self.fold(leaf, &normalisation),
            Kind::Reshape(target) => {
                let settings = Settings(leaf.layer);
                self.view = reshaped(&self.view, &target).ok_or_else(|| settings.wrong("target_shape"))?;
                Ok(())
            }
            Kind::Rescaling => {
                if self.is_rescaled || !self.contents.products.is_empty() {
                    return Err(
                        Settings(leaf.layer).misplaced("it does not scale the pixels, which come once and first")
                    );
                }
                self.is_rescaled = true;
                Ok(())
            }
        }
    }

    fn plain(&mut self, leaf: &Leaf<'a>, layer: Layer) -> Found<()> {
        match layer {
            Layer::MaxPool2d(_) => self.expect_image(leaf)?,
            // Over the last dimension.
            Layer::Activation(Activate { activation: Activation::Softmax, .. })
                if count(&self.view) != self.view.last().copied() =>
            {
                self.expect_flat(leaf)?;
            }
            Layer::Conv2d(_) | Layer::Flatten(_) | Layer::Dropout(_) | Layer::Dense(_) | Layer::Activation(_) => {}
            Layer::DepthwiseConv2d(_)
            | Layer::BatchNormalization(_)
            | Layer::AveragePool2d(_)
            | Layer::GlobalAveragePool2d(_)
            | Layer::GlobalMaxPool2d(_)
            | Layer::Add(_)
            | Layer::Concatenate(_)
            | Layer::Rescaling(_) => {}
        }
        self.push(leaf, layer)
    }

    fn product(&mut self, leaf: &Leaf<'a>, mut layer: Layer, has_bias: bool) -> Found<()> {
        if let Layer::Dense(_) = layer {
            self.expect_flat(leaf)?;
            if let Shape::Image(_) = self.shape {
                self.push(leaf, Layer::Flatten(Flatten {}))?;
            }
        } else {
            self.expect_image(leaf)?;
            self.take_zeros(&mut layer)?;
        }
        let mut arrays = self.contents.arrays_of(leaf);
        let product = Product {
            kernel: arrays.next("kernel", leaf.trainable),
            kernel_shape: None,
            bias: has_bias.then(|| arrays.next("bias", leaf.trainable)),
            folded: None,
        };
        self.contents.products.push(product);
        self.note_frozen(leaf);
        self.push(leaf, layer)
    }

    /// Makes a convolution over an image with zeros around it one that has them itself, if its own are as many.
    fn take_zeros(&mut self, layer: &mut Layer) -> Found<()> {
        let Some(([rows, columns], _)) = self.zeros else { return Ok(()) };
        if let (Layer::Conv2d(Conv2d { kernel, stride, padding: padding @ Padding::Valid, .. }), Shape::Image(image)) =
            (layer, self.shape)
        {
            let [height, width, channels] = image;
            let around = |size: usize, zeros: [usize; 2]| size.saturating_add(zeros[0]).saturating_add(zeros[1]);
            let wide = [around(height, rows), around(width, columns), channels];
            let wide = Window::new(wide, *kernel, *stride, Padding::Valid);
            let own = Window::new(image, *kernel, *stride, Padding::Same);
            if let (Ok(wide), Ok(own)) = (wide, own)
                && (wide.output, [rows[0], columns[0]]) == (own.output, own.pad)
            {
                *padding = Padding::Same;
                self.zeros = None;
            }
        }
        self.expect_no_zeros()
    }

    fn expect_no_zeros(&self) -> Found<()> {
        let problem = "it is supported only right before a Conv2D that with it has what padding 'same' gives";
        self.zeros.map_or(Ok(()), |(_, source)| Err(Settings(source).misplaced(problem)))
    }

    /// Exact where nothing is between the product and the normalisation.
    fn fold(&mut self, leaf: &Leaf, normalisation: &Normalisation) -> Found<()> {
        let same = |layer: &&Layer| {
            !matches!(layer, Layer::Dropout(_) | Layer::Activation(Activate { activation: Activation::Linear, .. }))
        };
        let before = self.contents.model.layers.iter().map(|node| &node.layer).rev().find(same);
        let is_linear = matches!(
            before,
            Some(
                Layer::Conv2d(Conv2d { activation: Activation::Linear, .. })
                    | Layer::Dense(Dense { activation: Activation::Linear, .. })
            )
        );
        let folds = self.contents.products.last().is_some_and(|product| product.folded.is_none());
        if !is_linear || !folds || self.view != view(self.shape) {
            return Err(
                Settings(leaf.layer).misplaced("it is supported only right after a Conv2D or Dense without activation")
            );
        }
        let mut arrays = self.contents.arrays_of(leaf);
        let folded = Folded {
            epsilon: normalisation.epsilon,
            gamma: normalisation.scale.then(|| arrays.next("gamma", leaf.trainable)),
            beta: normalisation.center.then(|| arrays.next("beta", leaf.trainable)),
            mean: arrays.next("moving_mean", false),
            variance: arrays.next("moving_variance", false),
        };
        if let Some(product) = self.contents.products.last_mut() {
            product.folded = Some(folded);
        }
        self.contents
            .left_out
            .push(format!("{}, which is part of the layer before it from here on", place(leaf.layer)));
        Ok(())
    }

    /// Appends a layer of ours.
    fn push(&mut self, leaf: &Leaf<'a>, layer: Layer) -> Found<()> {
        self.shape = after(&layer, self.shape).map_err(|problem| format!("{}: {problem}", place(leaf.layer)))?;
        if !matches!(layer, Layer::Dropout(_) | Layer::Activation(_)) {
            self.view = view(self.shape);
        }
        self.contents.model.layers.push(layer.into());
        self.sources.push(leaf.layer);
        Ok(())
    }

    /// Ends the model with the last product, where nothing follows it that counts, and without the softmax, which is part of
    /// our loss.
    fn end(&mut self) -> Found<()> {
        self.expect_no_zeros()?;
        let layers = &self.contents.model.layers;
        let is_product = |node: &Node| matches!(node.layer, Layer::Dense(_) | Layer::Conv2d(_));
        let is_softmax = |node: &&Node| node.layer.activation() == Activation::Softmax;
        let changes_nothing = |node: &Node| match node.layer {
            Layer::Flatten(_) | Layer::Dropout(_) => true,
            Layer::Activation(Activate { activation, .. }) => {
                matches!(activation, Activation::Linear | Activation::Softmax)
            }
            Layer::Conv2d(_) | Layer::MaxPool2d(_) | Layer::Dense(_) => false,
            Layer::DepthwiseConv2d(_)
            | Layer::BatchNormalization(_)
            | Layer::AveragePool2d(_)
            | Layer::GlobalAveragePool2d(_)
            | Layer::GlobalMaxPool2d(_)
            | Layer::Add(_)
            | Layer::Concatenate(_)
            | Layer::Rescaling(_) => false,
        };
        if let Some(last) = layers.iter().rposition(is_product)
            && layers[last + 1..].iter().all(changes_nothing)
            && layers[last..].iter().filter(is_softmax).count() <= 1
        {
            self.contents.model.layers.truncate(last + 1);
            self.sources.truncate(last + 1);
            self.flatten_last()?;
            if let Some(Layer::Dense(Dense { activation: activation @ Activation::Softmax, .. })) =
                self.contents.model.layers.last_mut().map(|node| &mut node.layer)
            {
                *activation = Activation::Linear;
            }
        }
        let layers = &self.contents.model.layers;
        let problem = |index: usize, problem: &str| Err(Settings(self.sources[index]).misplaced(problem));
        match layers.last().map(|node| &node.layer) {
            None => return Err("has no layers that change anything; save the model in Keras again".into()),
            Some(Layer::Dense(Dense { activation: Activation::Linear | Activation::Softmax, units: 2.., .. })) => {}
            Some(_) => {
                let last = "the last layer must be a Dense of two units or more, with one softmax or none";
                return problem(layers.len() - 1, last);
            }
        }
        match layers.iter().position(|node| node.layer.activation() == Activation::Softmax) {
            Some(softmax) => problem(softmax, "its softmax is not the network's end"),
            None => Ok(()),
        }
    }

    /// A convolution whose one window is the whole image is a dense layer.
    fn flatten_last(&mut self) -> Found<()> {
        let model = &mut self.contents.model;
        let Some(Layer::Conv2d(last)) = model.layers.last().map(|node| &node.layer) else { return Ok(()) };
        let Conv2d { filters, kernel, activation, .. } = *last;
        let before = &model.layers[..model.layers.len() - 1];
        let input = before.iter().try_fold(Shape::Image(model.input), |shape, node| after(&node.layer, shape))?;
        let Shape::Image([height, width, channels]) = input else { return Ok(()) };
        if kernel != [height, width] || self.shape.values() != filters {
            return Ok(());
        }
        model.layers.pop();
        model.layers.extend(
            [Layer::Flatten(Flatten {}), Layer::Dense(Dense { units: filters, use_bias: true, activation })]
                .map(Node::from),
        );
        self.sources.extend(self.sources.last().copied());
        if let Some(product) = self.contents.products.last_mut() {
            product.kernel_shape = Some(vec![height, width, channels, filters]);
        }
        Ok(())
    }

    fn note_frozen(&mut self, leaf: &Leaf) {
        if !leaf.trainable {
            self.contents.left_out.push(format!("{}: trainable is false", place(leaf.layer)));
        }
    }

    fn expect_image(&self, leaf: &Leaf) -> Found<()> {
        if self.view.len() == 3 && self.view == view(self.shape) {
            return Ok(());
        }
        let problem = format!("its input {:?} is no image [height, width, channels], or not the one before", self.view);
        Err(Settings(leaf.layer).misplaced(&problem))
    }

    fn expect_flat(&self, leaf: &Leaf) -> Found<()> {
        match self.view.as_slice() {
            [_] => Ok(()),
            view => Err(format!("{}: its input {view:?} is not flat; put a Flatten before it", place(leaf.layer))),
        }
    }
}

fn view(shape: Shape) -> Vec<usize> {
    match shape {
        Shape::Image(image) => image.to_vec(),
        Shape::Features(features) => vec![features],
    }
}
