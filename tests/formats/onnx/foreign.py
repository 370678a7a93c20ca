"""ONNX files as other programs write them, for tests/formats/foreign_onnx.rs.

make FOLDER      writes files of every kind that is read, and prints as JSON, for each of them, the images [2, H, W, C] that it
                 is tried with, and the probabilities that onnxruntime gives them
check FOLDER     what onnxruntime makes of the same images by the files NAME.again.onnx, which this program wrote
refused FOLDER   writes files that are refused, and prints a part of what is to be said of each
"""

import json
import sys
from pathlib import Path

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

RANDOM = numpy.random.default_rng(11)
FLOAT = TensorProto.FLOAT


def draw(*shape, low=-0.7, high=0.7):
    return RANDOM.uniform(low, high, shape).astype(numpy.float32)


class Graph:
    """A graph in the making; `shape` is the input's, the batch first."""

    def __init__(self, shape, opset=17, element=FLOAT, ir=8):
        self.nodes, self.weights, self.opset, self.ir = [], [], opset, ir
        self.listed = []
        self.input = helper.make_tensor_value_info("in", element, shape)

    def weight(self, values, name=None, listed=False):
        values = numpy.asarray(values)
        name = name or f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        if listed:
            kind = helper.np_dtype_to_tensor_dtype(values.dtype)
            self.listed.append(helper.make_tensor_value_info(name, kind, values.shape))
        return name

    def node(self, operator, *inputs, outputs=1, **attributes):
        names = [name if isinstance(name, str) else self.weight(name) for name in inputs]
        made = [f"v{len(self.nodes)}_{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(operator, names, made, f"{operator}_{len(self.nodes)}", **attributes))
        return made[0]

    def numbers(self, *numbers):
        return self.weight(numpy.array(numbers, numpy.int64))

    def model(self, output):
        out = helper.make_tensor_value_info(output, FLOAT, None)
        graph = helper.make_graph(self.nodes, "main", [self.input, *self.listed], [out], self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=self.ir)

    def conv(self, x, inputs, filters, kernel=3, bias=True, group=1, **attributes):
        size = (kernel, kernel) if isinstance(kernel, int) else kernel
        weights = [draw(filters, inputs // group, *size)] + ([draw(filters)] if bias else [])
        extra = {"group": group} if group != 1 else {}
        return self.node("Conv", x, *weights, kernel_shape=list(size), **extra, **attributes)

    def gemm(self, x, inputs, units):
        return self.node("Gemm", x, draw(units, inputs), draw(units), transB=1)

    def head(self, x, channels):
        """A classifier of four classes, of an image's channels."""
        x = self.node("GlobalAveragePool", x)
        return self.gemm(self.node("Flatten", x), channels, 4)

    def norm(self, x, channels, **attributes):
        vectors = [draw(channels, low=0.5, high=1.5), draw(channels), draw(channels), draw(channels, low=0.5, high=2)]
        return self.node("BatchNormalization", x, *vectors, **attributes)


KINDS, REFUSED = {}, {}


def kind(*arguments, image=(9, 8, 1), feed="nchw", gives="logits", pixels=1 / 255):
    """A kind of file, for each of the arguments: `feed` is how images are put in, `gives` what comes out."""

    def add(make):
        for argument in arguments or ((),):
            argument = argument if isinstance(argument, tuple) else (argument,)
            name = "_".join([make.__name__, *map(str, argument)]).replace(" ", "").replace("/", "")
            KINDS[name] = (lambda argument=argument: make(*argument), image, feed, gives, pixels)
        return make

    return add


def refused(part):
    def add(make):
        REFUSED[make.__name__] = (make, part)
        return make

    return add


@kind(7, 9, 10, 11, 13, 15, 18, 21, gives="probabilities")
def lenet(opset):
    g = Graph(["batch", 1, 9, 8], opset)
    x = g.node("Relu", g.conv("in", 1, 3))
    x = g.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = g.node("Flatten", x)
    x = g.node("Relu", g.gemm(x, 27, 6))
    x = g.node("Dropout", x) if opset < 12 else g.node("Dropout", x, numpy.float32(0.3))
    return g.model(g.node("Softmax", g.gemm(x, 6, 4), axis=1))


@kind()
def weights_beside_it():
    """External data; written so below."""
    g, x = simple()
    return g.model(g.head(x, 3))


@kind("transpose", "reshape", feed="nhwc", gives="probabilities")
def channels_last(how):
    """As tf2onnx writes it: channels go first before a convolution, and last after it."""
    g = Graph(["unk__1", 9, 8, 1], 15)
    first = lambda x: g.node("Transpose", x, perm=[0, 3, 1, 2])
    last = lambda x: g.node("Transpose", x, perm=[0, 2, 3, 1])
    x = first("in") if how == "transpose" else g.node("Reshape", "in", g.numbers(-1, 1, 9, 8))
    x = last(g.conv(x, 1, 4, bias=False, auto_pad="SAME_UPPER", strides=[2, 2]))
    x = g.node("Relu", g.node("Add", x, draw(4)))
    x = last(g.node("MaxPool", first(x), kernel_shape=[2, 2], strides=[2, 2], auto_pad="SAME_UPPER"))
    x = g.node("Concat", x, g.node("Tanh", x), axis=3)
    x = g.node("Reshape", x, g.numbers(-1, 48))
    x = g.node("Add", g.node("MatMul", x, draw(48, 4)), draw(4))
    return g.model(g.node("Softmax", x))


@kind(1, 2, "N", gives="probabilities")
def fixed_batch(batch):
    """With sizes of the batch where the program knew it."""
    g = Graph([2 if batch == 1 else batch, 1, 9, 8], 11)
    x = g.conv("in", 1, 3)
    size = 2 if batch != "N" else -1
    x = g.node("Reshape", x, g.numbers(size, 3 * 7 * 6))
    return g.model(g.node("Softmax", g.gemm(x, 126, 4), axis=-1))


@kind("gemm", "reshape", feed="flat", gives="logits", image=(8, 8, 1))
def pixels_in_a_row(how):
    g = Graph(["N", 64], 13)
    if how == "gemm":
        return g.model(g.gemm(g.node("Tanh", g.gemm("in", 64, 7)), 7, 3))
    x = g.node("Reshape", "in", g.numbers(-1, 1, 8, 8))
    return g.model(g.head(g.conv(x, 1, 5), 5))


@kind(feed="flat_nchw", image=(6, 10, 3))
def colours_in_a_row():
    g = Graph(["N", 180], 13)
    x = g.node("Reshape", "in", g.numbers(-1, 3, 6, 10))
    return g.model(g.head(g.conv(x, 3, 5), 5))


@kind(feed="nhw")
def no_axis_of_channels():
    g = Graph(["N", 9, 8], 13)
    x = g.node("Unsqueeze", "in", g.numbers(1))
    return g.model(g.head(g.conv(x, 1, 5), 5))


@kind("uint8", "raw", "float", "by_255", "by_256", "centred", feed="nchw", pixels=1)
def bytes_of_pixels(how):
    g = Graph(["N", 1, 9, 8], 13, TensorProto.UINT8 if how in ("uint8", "raw") else FLOAT)
    x = g.node("Cast", "in", to=FLOAT) if how in ("uint8", "raw") else "in"
    if how == "raw":
        return g.model(g.head(g.node("Conv", x, draw(5, 1, 3, 3) / 100, draw(5)), 5))
    if how in ("uint8", "float"):
        x = g.node("Div", x, numpy.float32(255))
    elif how == "centred":
        x = g.node("Div", g.node("Sub", x, numpy.float32(127.5)), numpy.float32([[[[127.5]]]]))
    else:
        x = g.node("Mul", numpy.float32(1 / 255 if how == "by_255" else 1 / 256), x)
    return g.model(g.head(g.conv(x, 1, 5), 5))


@kind(())
def normalised_pixels():
    g = Graph(["N", 1, 9, 8], 13)
    x = g.node("Div", g.node("Sub", "in", numpy.float32([[[[0.286]]]])), numpy.float32([[[[0.353]]]]))
    return g.model(g.head(g.conv(x, 1, 5, pads=[1, 1, 1, 1]), 5))


@kind(1, 255, image=(7, 6, 3), feed="nchw")
def normalised_colours(scale):
    KINDS_PIXELS[f"normalised_colours_{scale}"] = scale / 255
    g = Graph(["N", 3, 7, 6], 13)
    mean, deviation = numpy.float32([0.485, 0.456, 0.406]), numpy.float32([0.229, 0.224, 0.225])
    x = g.node("Sub", "in", (mean * scale).reshape(1, 3, 1, 1))
    x = g.node("Div", x, (deviation * scale).reshape(3, 1, 1))
    return g.model(g.head(g.conv(x, 3, 5), 5))


KINDS_PIXELS = {}


@kind(gives="logits", image=(28, 28, 1), pixels=1)
def mnist_of_cntk():
    """As onnx/models' mnist-8: reshaped weights, biases added, windows of auto_pad, a batch of 1."""
    g = Graph([1, 1, 28, 28], 8, ir=3)
    x = g.node("Div", "in", g.weight(numpy.float32([255]), listed=True))
    conv = lambda x, kernel, pads: g.node(
        "Conv", x, g.weight(kernel, listed=True), kernel_shape=[5, 5], strides=[1, 1], auto_pad="SAME_UPPER", group=1,
        dilations=[1, 1],
    )  # fmt: skip
    x = g.node("Relu", g.node("Add", conv(x, draw(8, 1, 5, 5), 2), draw(8, 1, 1)))
    x = g.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 0, 0], auto_pad="NOTSET")
    x = g.node("Relu", g.node("Add", conv(x, 0.2 * draw(16, 8, 5, 5), 2), draw(16, 1, 1)))
    x = g.node("MaxPool", x, kernel_shape=[3, 3], strides=[3, 3], pads=[0, 0, 0, 0], auto_pad="NOTSET")
    flat = g.node("Reshape", x, g.numbers(1, 256))
    kernel = g.node("Reshape", 0.3 * draw(16, 4, 4, 10), g.numbers(256, 10))
    return g.model(g.node("Add", g.node("MatMul", flat, kernel), draw(1, 10)))


@kind("folded", "several_readers", "after_relu")
def scaled_channels(how):
    """Multiplied and moved channel by channel, as programs decompose a batch normalization."""
    g = Graph(["N", 1, 9, 8], 13)
    x = g.conv("in", 1, 5, bias=False)
    x = g.node("Relu", x) if how == "after_relu" else x
    y = g.node("Add", g.node("Mul", x, draw(5, 1, 1)), draw(1, 5, 1, 1))
    y = g.node("Add", y, x) if how == "several_readers" else y
    return g.model(g.head(y, 5))


WINDOWS = {
    "upper": {"auto_pad": "SAME_UPPER", "strides": [2, 3]},
    "lower": {"auto_pad": "SAME_LOWER", "strides": [2, 2]},
    "valid": {"auto_pad": "VALID", "strides": [2, 1]},
    "odd": {"pads": [0, 1, 1, 1], "strides": [1, 1]},
    "halved": {"pads": [1, 1, 1, 1], "strides": [2, 2]},
    "thirds": {"pads": [1, 1, 1, 1], "strides": [3, 3]},
}


@kind(*WINDOWS, image=(8, 8, 1))
def windows_of_three(how):
    """`halved` is PyTorch's, whose zeros are on both sides where TensorFlow has them on one."""
    g = Graph(["N", 1, 8, 8], 13)
    kernel = (2, 3) if how == "odd" else 3
    return g.model(g.head(g.conv("in", 1, 5, kernel, **WINDOWS[how]), 5))


@kind(5, 7, image=(28, 28, 1))
def windows_of_a_stem(size):
    g = Graph(["N", 1, 28, 28], 13)
    x = g.conv("in", 1, 5, size, strides=[2, 2], pads=[size // 2] * 4)
    x = g.node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    return g.model(g.head(x, 5))


@kind("first", "last", "old", image=(8, 8, 1))
def zeros_around(how):
    g = Graph(["N", 1, 8, 8], 9 if how == "old" else 13)
    x = g.node("Relu", g.conv("in", 1, 2, 1))
    if how == "old":
        x = g.node("Pad", x, pads=[0, 0, 1, 1, 0, 0, 1, 1])
    elif how == "first":
        x = g.node("Pad", x, g.numbers(0, 0, 1, 1, 0, 0, 1, 1), numpy.float32(0))
    else:
        x = g.node("Transpose", x, perm=[0, 2, 3, 1])
        x = g.node("Transpose", g.node("Pad", x, g.numbers(0, 1, 1, 0, 0, 1, 1, 0)), perm=[0, 3, 1, 2])
    return g.model(g.head(g.conv(x, 2, 5, strides=[2, 2]), 5))


@kind(1, 2)
def depthwise(multiplier):
    g = Graph(["N", 1, 9, 8], 13)
    x = g.conv("in", 1, 4)
    x = g.conv(x, 4, 4 * multiplier, (3, 2), group=4, strides=[2, 2], pads=[1, 0, 1, 0], bias=multiplier == 2)
    return g.model(g.head(g.node("Relu", x), 4 * multiplier))


@kind("image", "flattened", "features", 9)
def normalisation(where):
    g = Graph(["N", 1, 9, 8], where if where == 9 else 15)
    x = g.conv("in", 1, 3, bias=False)
    if where in ("image", 9):
        return g.model(g.head(g.node("Relu", g.norm(x, 3, epsilon=1e-3, momentum=0.9)), 3))
    x = g.node("Flatten", x)
    if where == "flattened":
        return g.model(g.gemm(g.norm(x, 126), 126, 4))
    return g.model(g.gemm(g.node("Relu", g.norm(g.gemm(x, 126, 5), 5)), 5, 4))


def gelu(g, x, order):
    half, root, one = numpy.float32(0.5), numpy.float32(2**0.5), numpy.float32(1)
    if order == "torch":
        twice = g.node("Add", g.node("Erf", g.node("Div", x, root)), one)
        return g.node("Mul", g.node("Mul", x, twice), half)
    if order == "tensorflow":
        twice = g.node("Add", one, g.node("Erf", g.node("Mul", numpy.float32(0.5**0.5), x)))
        return g.node("Mul", g.node("Mul", half, x), twice)
    share = g.node("Mul", half, g.node("Add", g.node("Erf", g.node("Div", x, root)), one))
    return g.node("Mul", share, x)


ACTIVATIONS = {
    "leaky": lambda g, x: g.node("LeakyRelu", x),
    "leaky_as_keras": lambda g, x: g.node("LeakyRelu", x, alpha=0.2),
    "prelu": lambda g, x: g.node("PRelu", x, numpy.float32([[[0.25]]])),
    "elu": lambda g, x: g.node("Elu", x, alpha=0.6),
    "tanh": lambda g, x: g.node("Tanh", g.node("Neg", x)),
    "sigmoid": lambda g, x: g.node("Sigmoid", x),
    "silu": lambda g, x: g.node("Mul", x, g.node("Sigmoid", x)),
    "silu_turned": lambda g, x: g.node("Mul", g.node("Sigmoid", x), x),
    "gelu": lambda g, x: g.node("Gelu", x),
    "gelu_torch": lambda g, x: gelu(g, x, "torch"),
    "gelu_tensorflow": lambda g, x: gelu(g, x, "tensorflow"),
    "gelu_other": lambda g, x: gelu(g, x, "other"),
    "clip": lambda g, x: g.node("Clip", x, numpy.float32(0), numpy.float32(0.6)),
    "clip_below": lambda g, x: g.node("Clip", x, numpy.float32(0)),
    "bounds": lambda g, x: g.node("Min", g.node("Max", x, numpy.float32(0)), numpy.float32(0.6)),
    "relu_and_min": lambda g, x: g.node("Min", numpy.float32(0.6), g.node("Relu", x)),
    "sum_with_itself": lambda g, x: g.node("Add", x, g.node("Relu", x)),
    "shared_scale": lambda g, x: g.node(
        "Add", g.node("Mul", x, numpy.float32(0.5)), g.node("Relu", g.node("Mul", x, numpy.float32(0.5)))
    ),
}


@kind(*ACTIVATIONS)
def activation(name):
    g = Graph(["N", 1, 9, 8], 20)
    return g.model(g.head(ACTIVATIONS[name](g, g.conv("in", 1, 5)), 5))


@kind(())
def clip_of_old_sets():
    g = Graph(["N", 1, 9, 8], 7)
    return g.model(g.head(g.node("Clip", g.conv("in", 1, 5), min=0.0, max=0.7), 5))


POOLS = {
    "same": {"kernel_shape": [3, 2], "strides": [2, 2], "auto_pad": "SAME_UPPER"},
    "ceil": {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1},
    "both_sides": {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
    "every": {"kernel_shape": [3, 3], "strides": [1, 1], "pads": [1, 1, 1, 1]},
    "valid": {"kernel_shape": [3, 3], "strides": [2, 3]},
    "overlapping": {"kernel_shape": [2, 2]},
}


@kind(*[(operator, how) for operator in ("MaxPool", "AveragePool") for how in POOLS])
def pool(operator, how):
    g = Graph(["N", 1, 9, 8], 19)
    return g.model(g.head(g.node(operator, g.conv("in", 1, 5, 2), **POOLS[how]), 5))


@kind("GlobalMaxPool", "mean", "mean_18", "mean_kept", "max", "mean_last", "squeezed")
def global_pool(how):
    g = Graph(["N", 1, 9, 8], 18 if how == "mean_18" else 13)
    x = g.conv("in", 1, 5)
    if how == "mean_18":
        x = g.node("ReduceMean", x, g.numbers(2, 3), keepdims=0)
    elif how == "mean":
        x = g.node("ReduceMean", x, axes=[-1, -2], keepdims=0)
    elif how == "mean_kept":
        x = g.node("Flatten", g.node("ReduceMean", x, axes=[2, 3]))
    elif how == "max":
        x = g.node("ReduceMax", x, axes=[2, 3], keepdims=0)
    elif how == "mean_last":
        x = g.node("ReduceMean", g.node("Transpose", x, perm=[0, 2, 3, 1]), axes=[1, 2], keepdims=0)
    elif how == "squeezed":
        x = g.node("Squeeze", g.node("GlobalAveragePool", x), g.numbers(2, 3))
    else:
        x = g.node("Reshape", g.node(how, x), g.numbers(0, -1))
    return g.model(g.gemm(x, 5, 4))


@kind("add", "sum", "concat", "concat_flat", "add_flat", "add_features", "twice")
def join(how):
    g = Graph(["N", 1, 9, 8], 13)
    x = g.node("Relu", g.conv("in", 1, 3))
    y, z = g.conv(x, 3, 3, pads=[1, 1, 1, 1]), g.node("Tanh", g.conv(x, 3, 3, 1))
    if how == "concat_flat":
        flat = g.node("Concat", g.node("Flatten", y), g.node("Flatten", g.node("GlobalMaxPool", z)), axis=-1)
        return g.model(g.gemm(flat, 129, 4))
    if how == "add_flat":
        return g.model(g.gemm(g.node("Add", g.node("Flatten", y), g.node("Flatten", z)), 126, 4))
    if how == "add_features":
        flat = g.node("Flatten", g.conv(y, 3, 5, (7, 6)))
        return g.model(g.gemm(g.node("Add", flat, g.gemm(g.node("Flatten", z), 126, 5)), 5, 4))
    if how == "concat":
        return g.model(g.head(g.node("Concat", y, x, z, axis=1), 9))
    if how == "sum":
        return g.model(g.head(g.node("Sum", x, y, z), 3))
    return g.model(g.head(g.node("Add", x, x) if how == "twice" else g.node("Relu", g.node("Add", y, x)), 3))


@kind("factors", "matmul", "pointwise", "one_pixel", "scaled_logits", "no_bias")
def product(how):
    g = Graph(["N", 1, 9, 8], 13)
    x = g.node("Relu", g.conv("in", 1, 3))
    if how == "pointwise":
        x = g.node("Transpose", x, perm=[0, 2, 3, 1])
        x = g.node("Relu", g.node("Add", g.node("MatMul", x, draw(3, 5)), draw(5)))
        return g.model(g.gemm(g.node("ReduceMean", x, axes=[1, 2], keepdims=0), 5, 4))
    if how == "one_pixel":
        x = g.conv(g.node("GlobalAveragePool", x), 3, 6, 1)
        x = g.conv(g.node("Relu", x), 6, 4, 1)
        return g.model(g.node("Squeeze", x, g.numbers(2, 3)))
    flat = g.node("Flatten", x)
    if how == "matmul":
        return g.model(g.node("Add", draw(4), g.node("MatMul", flat, draw(126, 4))))
    if how == "no_bias":
        return g.model(g.node("Gemm", flat, draw(126, 4)))
    if how == "scaled_logits":
        return g.model(g.node("Mul", g.gemm(flat, 126, 4), numpy.float32(0.25)))
    return g.model(g.node("Gemm", flat, draw(126, 4), draw(1), alpha=0.5, beta=2.0))


@kind("flatten", "squeeze", "reshape", "softmax", gives="logits", image=(6, 5, 1))
def last_convolution(how):
    g = Graph(["N", 1, 6, 5], 11)
    x = g.conv(g.node("Relu", g.conv("in", 1, 3)), 3, 4, (4, 3))
    if how == "softmax":
        KINDS_GIVES["last_convolution_softmax"] = "probabilities"
        return g.model(g.node("Flatten", g.node("Softmax", x, axis=1)))
    if how == "squeeze":
        return g.model(g.node("Squeeze", x, axes=[2, 3]))
    return g.model(g.node("Flatten", x) if how == "flatten" else g.node("Reshape", x, g.numbers(-1, 4)))


KINDS_GIVES = {}


@kind(gives="logarithms")
def log_softmax_and_more():
    g = Graph(["N", 1, 9, 8], 13)
    x = g.node("LogSoftmax", g.head(g.conv("in", 1, 3), 3), axis=1)
    return g.model(g.node("Identity", x))


@kind("fields", "half", "double", "constants", "turned", "shared", "listed")
def weights(how):
    g = Graph(["N", 1, 9, 8], 13, ir=3 if how == "listed" else 8)
    kernel, bias, dense = draw(3, 1, 3, 3), draw(3), draw(4, 126)
    if how == "fields":
        tensors = [helper.make_tensor(f"t{n}", FLOAT, w.shape, w.ravel()) for n, w in enumerate((kernel, bias, dense))]
        g.weights += tensors
        kernel, bias, dense = (tensor.name for tensor in tensors)
    elif how in ("half", "double"):
        wide = [g.weight(w.astype(numpy.float16 if how == "half" else numpy.float64)) for w in (kernel, bias, dense)]
        kernel, bias, dense = (g.node("Cast", w, to=FLOAT) for w in wide)
    elif how == "constants":
        kernel, bias, dense = (g.node("Constant", value=numpy_helper.from_array(w)) for w in (kernel, bias, dense))
    elif how == "listed":
        kernel, bias, dense = (g.weight(w, listed=True) for w in (kernel, bias, dense))
    x = g.node("Conv", "in", kernel, bias)
    if how == "shared":
        again = g.weight(draw(3, 3, 1, 1))
        x = g.node("Conv", g.node("Relu", g.node("Conv", x, again)), again)
    x = g.node("Flatten", x)
    if how == "turned":
        return g.model(g.node("MatMul", x, g.node("Transpose", dense, perm=[1, 0])))
    return g.model(g.node("Gemm", x, dense, transB=1))


@kind("gather", "slice", "squeeze")
def shapes(how):
    """Sizes that a program computes, and nodes that nothing reads."""
    g = Graph(["N", 1, 9, 8], 13)
    x = g.conv("in", 1, 3)
    g.node("Tanh", x)
    if how == "squeeze":
        x = g.node("GlobalAveragePool", x)
        return g.model(g.gemm(g.node("Reshape", g.node("Squeeze", x, g.numbers(3, 2)), g.numbers(-1, 3)), 3, 4))
    size = g.node("Shape", x)
    if how == "gather":
        size = g.node("Unsqueeze", g.node("Gather", size, numpy.int64(0), axis=0), g.numbers(0))
    else:
        size = g.node("Slice", size, g.numbers(0), g.numbers(1))
    size = g.node("Concat", size, g.numbers(-1), axis=0)
    return g.model(g.gemm(g.node("Reshape", x, size), 126, 4))


def simple(opset=13):
    g = Graph(["N", 1, 9, 8], opset)
    return g, g.conv("in", 1, 3)


@refused("node \"HardSigmoid_1\" (HardSigmoid): this operator is unsupported")
def hard_sigmoid():
    g, x = simple()
    return g.model(g.head(g.node("Mul", x, g.node("HardSigmoid", x)), 3))


@refused("(Softplus): this operator is unsupported")
def mish():
    g, x = simple()
    return g.model(g.head(g.node("Mul", x, g.node("Tanh", g.node("Softplus", x))), 3))


@refused("dilations are more than 1")
def dilated():
    g = Graph(["N", 1, 9, 8], 13)
    return g.model(g.head(g.conv("in", 1, 3, dilations=[2, 2]), 3))


@refused("group of 2 for 4 channels")
def grouped():
    g = Graph(["N", 1, 9, 8], 13)
    return g.model(g.head(g.conv(g.conv("in", 1, 4), 4, 4, group=2), 4))


@refused("its averages count the zeros around the image")
def averages_of_zeros():
    g, x = simple()
    x = g.node("AveragePool", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)
    return g.model(g.head(x, 3))


@refused("multiplies two values")
def squeeze_and_excite():
    g, x = simple()
    gate = g.node("Sigmoid", g.conv(g.node("GlobalAveragePool", x), 3, 3, 1))
    return g.model(g.head(g.node("Mul", x, gate), 3))


@refused("neither those of padding 'valid' nor of 'same'")
def wide_zeros():
    g = Graph(["N", 1, 9, 8], 13)
    return g.model(g.head(g.conv("in", 1, 3, pads=[2, 2, 2, 2]), 3))


@refused("only supported as the network's end")
def softmax_inside():
    g, x = simple()
    return g.model(g.gemm(g.node("Softmax", g.head(x, 3)), 4, 3))


@refused("2 inputs, \"more\" among them")
def two_inputs():
    g, x = simple()
    g.listed.append(helper.make_tensor_value_info("more", FLOAT, ["N", 1, 9, 8]))
    return g.model(g.head(g.node("Add", x, "more"), 3))


@refused("reads \"nothing\", which nothing before it makes")
def missing():
    g, x = simple()
    return g.model(g.head(g.node("Add", x, "nothing"), 3))


@refused("has the shape [?, 1, ?, ?]")
def open_sizes():
    g = Graph(["N", 1, "H", "W"], 13)
    return g.model(g.head(g.conv("in", 1, 3), 3))


@refused("has weights in \"weights.bin\", which is not there")
def external():
    g, x = simple()
    model = g.model(g.head(x, 3))
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="weights.bin")
    return model


@refused("(FusedConv of \"com.microsoft\"): this operator is unsupported")
def foreign_domain():
    g, x = simple()
    g.nodes[-1].op_type, g.nodes[-1].domain = "FusedConv", "com.microsoft"
    return g.model(g.head(x, 3))


@refused("is of opset 6; export it with an opset of 7")
def old():
    g, x = simple(6)
    return g.model(g.head(x, 3))


@refused("must put out two classes or more")
def one_class():
    g, x = simple()
    return g.model(g.gemm(g.node("Flatten", x), 126, 1))


@refused("reads an error function that is not part of a gelu")
def error_function():
    g, x = simple()
    return g.model(g.head(g.node("Erf", g.node("Relu", g.node("Erf", x))), 3))


@refused("is no gelu")
def other_gelu():
    g, x = simple()
    return g.model(g.head(g.node("Mul", x, g.node("Erf", x)), 3))


@refused("not exact")
def gelu_by_tanh():
    g, x = simple(20)
    return g.model(g.head(g.node("Gelu", x, approximate="tanh"), 3))


@refused("supported are bounds from 0 on")
def clip_on_both_sides():
    g, x = simple()
    return g.model(g.head(g.node("Clip", x, numpy.float32(-1), numpy.float32(1)), 3))


def put(images, feed, pixels, element):
    x = images.astype(numpy.float32) if pixels == 1 else (images / 255 * (255 * pixels)).astype(numpy.float32)
    x = images if element == "tensor(uint8)" else x
    first = x.transpose(0, 3, 1, 2)
    views = {
        "nchw": first, "nhwc": x, "nhw": x[..., 0], "flat": x.reshape(len(x), -1), "flat_nchw": first.reshape(len(x), -1)
    }  # fmt: skip
    return numpy.ascontiguousarray(views[feed])


def probabilities(answer, gives):
    answer = answer.reshape(len(answer), -1).astype(numpy.float64)
    if gives == "probabilities":
        return answer
    answer = numpy.exp(answer - answer.max(1, keepdims=True))
    return answer / answer.sum(1, keepdims=True)


def run(path, name):
    _, image, feed, gives, pixels = KINDS[name]
    pixels, gives = KINDS_PIXELS.get(name, pixels), KINDS_GIVES.get(name, gives)
    images = numpy.random.default_rng(3).integers(0, 256, (2, *image), dtype=numpy.uint8)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (entry,) = session.get_inputs()
    x = put(images, "nhwc", 1 / 255, "") if entry.name == "images" else put(images, feed, pixels, entry.type)
    gives = "probabilities" if entry.name == "images" else gives
    size = 1 if entry.shape[0] == 1 else 2
    answers = [session.run(None, {entry.name: x[at : at + size]})[0] for at in range(0, 2, size)]
    return {
        "images": images.ravel().tolist(),
        "probabilities": probabilities(numpy.concatenate(answers), gives).ravel().tolist(),
    }


command, folder = sys.argv[1], Path(sys.argv[2])
answers = {}
if command == "make":
    for name, (make, *_) in KINDS.items():
        beside = {"save_as_external_data": True, "location": f"{name}.data", "size_threshold": 0}
        onnx.save(make(), folder / f"{name}.onnx", **(beside if name == "weights_beside_it" else {}))
        answers[name] = run(folder / f"{name}.onnx", name)
elif command == "check":
    for path in sorted(folder.glob("*.again.onnx")):
        name = path.name.removesuffix(".again.onnx")
        KINDS[name][0]()
        answers[name] = run(path, name)
else:
    for name, (make, part) in REFUSED.items():
        onnx.save(make(), folder / f"{name}.onnx")
        answers[name] = part
print(json.dumps(answers))
