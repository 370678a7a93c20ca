"""Layers, with Keras' arguments and defaults. Images are ``[N, H, W, C]``, features ``[N, F]``.

A layer is one of a ``Sequential``'s list, or is called on what another one makes: ``x = Dense(10)(x)``.
"""

from __future__ import annotations

from typing import Any

from .._arguments import refuse_unknown, shown


class Tensor:
    """What a layer makes of an image, in a model that is being put together."""

    def __init__(self, layer: Layer | InputLayer, inputs: tuple[Tensor, ...] = ()) -> None:
        self.layer, self.inputs = layer, inputs

    def __repr__(self) -> str:
        return f"<output of {self.layer!r}>"


class InputLayer:
    """The images."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def __repr__(self) -> str:
        return f"<Input {self.shape}>"


def Input(shape: Any = None, **unknown: Any) -> Tensor:  # noqa: N802
    """The images that a model takes: ``shape`` is ``(H, W, C)``, ``(H, W)`` of grey ones, or ``(features,)``."""
    unknown.pop("name", None)
    refuse_unknown("Input", unknown, ["shape"])
    return Tensor(InputLayer(input_shape("shape", shape)))


def input_shape(argument: str, shape: Any) -> tuple[int, ...]:
    sizes = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    if not 1 <= len(sizes) <= 3 or not all(
        isinstance(size, int) and not isinstance(size, bool) and size > 0 for size in sizes
    ):
        raise ValueError(f"{argument} is {shown(shape)}; give (H, W, C), (H, W) or (features,), without the batch")
    return sizes


class Layer:
    """What all layers share.

    Attributes:
        name: As given, else the model gives it one as Keras does: ``conv2d``, ``conv2d_1``.
        trainable: Whether training changes its weights.
    """

    #: The type in a model file.
    kind = ""
    #: Keras' argument for each key of a model file whose name is another.
    spelled = {"kernel_size": "kernel", "strides": "stride", "pool_size": "size"}
    #: How many inputs it takes; 0: two or more.
    takes = 1

    def __init__(self, arguments: dict[str, Any]) -> None:
        arguments = {key: value for key, value in arguments.items() if key not in ("self", "__class__")}
        common = arguments.pop("common")
        refuse_unknown(type(self).__name__, common, [*arguments, "name", "trainable", "input_shape"])
        self.name: str | None = common.get("name")
        self.trainable: bool = common.get("trainable", True)
        if self.name is not None and not isinstance(self.name, str):
            raise ValueError(f"name is {shown(self.name)}; give a text")
        if not isinstance(self.trainable, bool):
            raise ValueError(f"trainable is {shown(self.trainable)}; give True or False")
        shape = common.get("input_shape")
        self.input_shape = None if shape is None else input_shape("input_shape", shape)
        self.arguments = arguments

    def __call__(self, inputs: Any) -> Tensor:
        given = tuple(inputs) if isinstance(inputs, (list, tuple)) else (inputs,)
        for one in given:
            if not isinstance(one, Tensor):
                raise ValueError(
                    f"{type(self).__name__}: its input is {shown(one)}; give what Input or a layer returned"
                )
        if self.takes == 1 and len(given) != 1:
            raise ValueError(f"{type(self).__name__} takes one input, not {len(given)}; give one")
        if self.takes == 0 and len(given) < 2:
            raise ValueError(f"{type(self).__name__} takes a list of two inputs or more; give one")
        return Tensor(self, given)

    def keys(self) -> dict[str, Any]:
        """The layer as a model file spells it."""
        keys = {self.spelled.get(key, key): plain(value) for key, value in self.arguments.items() if value is not None}
        keys = {"type": self.kind, **keys}
        if self.name is not None:
            keys["name"] = self.name
        if not self.trainable:
            keys["trainable"] = False
        return keys

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name or ''}>".replace(" >", ">")


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, (tuple, list)):
        return [plain(each) for each in value]
    return value.item() if hasattr(value, "item") else value


class Conv2D(Layer):
    """Convolution: ``[N, H, W, C]`` to ``[N, H', W', filters]``."""

    kind = "conv2d"

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        *,
        activation: str | None = None,
        use_bias: bool = True,
        kernel_initializer: str = "glorot_uniform",
        **common: Any,
    ) -> None:
        super().__init__(locals())


class DepthwiseConv2D(Layer):
    """Convolution of each channel by itself: ``[N, H, W, C]`` to ``[N, H', W', C * depth_multiplier]``."""

    kind = "depthwise_conv2d"

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        *,
        activation: str | None = None,
        use_bias: bool = True,
        depthwise_initializer: str = "glorot_uniform",
        **common: Any,
    ) -> None:
        super().__init__(locals())

    spelled = {**Layer.spelled, "depthwise_initializer": "kernel_initializer"}


class Dense(Layer):
    """Features ``[N, F]`` to ``[N, units]``."""

    kind = "dense"

    def __init__(
        self,
        units: int,
        activation: str | None = None,
        use_bias: bool = True,
        kernel_initializer: str = "glorot_uniform",
        **common: Any,
    ) -> None:
        super().__init__(locals())


class Flatten(Layer):
    """``[N, H, W, C]`` to ``[N, H * W * C]``."""

    kind = "flatten"

    def __init__(self, **common: Any) -> None:
        super().__init__(locals())


class Dropout(Layer):
    """In training, a part ``rate`` of the values becomes 0 and the others grow."""

    kind = "dropout"

    def __init__(self, rate: float, **common: Any) -> None:
        super().__init__(locals())


class BatchNormalization(Layer):
    """Over all axes but the last: by the batch's statistics in training, else by their moving averages."""

    kind = "batch_normalization"

    def __init__(
        self, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True, scale: bool = True, **common: Any
    ) -> None:
        super().__init__(locals())


class Rescaling(Layer):
    """Values times ``scale`` plus ``offset``."""

    kind = "rescaling"

    def __init__(self, scale: float, offset: float = 0.0, **common: Any) -> None:
        super().__init__(locals())


class MaxPooling2D(Layer):
    """The largest value of each window: ``[N, H, W, C]`` to ``[N, H', W', C]``."""

    kind = "max_pool2d"

    def __init__(self, pool_size: Any = 2, strides: Any = None, padding: str = "valid", **common: Any) -> None:
        super().__init__(locals())


class AveragePooling2D(Layer):
    """The mean of each window: ``[N, H, W, C]`` to ``[N, H', W', C]``."""

    kind = "average_pool2d"

    def __init__(self, pool_size: Any = 2, strides: Any = None, padding: str = "valid", **common: Any) -> None:
        super().__init__(locals())


class GlobalAveragePooling2D(Layer):
    """The mean over the image: ``[N, H, W, C]`` to ``[N, C]``."""

    kind = "global_average_pool2d"

    def __init__(self, **common: Any) -> None:
        super().__init__(locals())


class GlobalMaxPooling2D(Layer):
    """The largest value of the image: ``[N, H, W, C]`` to ``[N, C]``."""

    kind = "global_max_pool2d"

    def __init__(self, **common: Any) -> None:
        super().__init__(locals())


class Add(Layer):
    """The sum of two or more inputs of one shape."""

    kind, takes = "add", 0

    def __init__(self, **common: Any) -> None:
        super().__init__(locals())


class Concatenate(Layer):
    """Two or more inputs behind each other along the last axis."""

    kind, takes = "concatenate", 0

    def __init__(self, axis: int = -1, **common: Any) -> None:
        if axis not in (-1, 3):
            raise ValueError(f"axis is {shown(axis)}; give -1, the last one")
        del axis
        super().__init__(locals())


class Activation(Layer):
    """``"relu"``, ``"gelu"``, ``"silu"``, ``"leaky_relu"``, ``"elu"``, ``"tanh"``, ``"sigmoid"``, ``"linear"``; at the
    end ``"softmax"``."""

    kind = "activation"

    def __init__(self, activation: str, **common: Any) -> None:
        super().__init__(locals())


class ReLU(Layer):
    """max(x, 0), where ``max_value`` is given no more than that, below 0 ``negative_slope`` times x."""

    kind = "activation"

    def __init__(self, max_value: float | None = None, negative_slope: float = 0.0, **common: Any) -> None:
        super().__init__(locals())
        if negative_slope and max_value is not None:
            raise ValueError("ReLU: max_value and negative_slope at once are not supported; give one of them")
        slope = {"activation": "leaky_relu", "negative_slope": negative_slope}
        self.arguments = slope if negative_slope else {"activation": "relu", "max_value": max_value}


class LeakyReLU(Layer):
    """x, below 0 ``negative_slope`` times x."""

    kind = "activation"

    def __init__(self, negative_slope: float = 0.3, **common: Any) -> None:
        super().__init__(locals())
        self.arguments["activation"] = "leaky_relu"


class ELU(Layer):
    """x, below 0 ``alpha`` (exp(x) - 1)."""

    kind = "activation"

    def __init__(self, alpha: float = 1.0, **common: Any) -> None:
        super().__init__(locals())
        self.arguments["activation"] = "elu"


class Softmax(Layer):
    """Probabilities, at the end of a network."""

    kind = "activation"

    def __init__(self, **common: Any) -> None:
        super().__init__(locals())
        self.arguments["activation"] = "softmax"


MaxPool2D, AvgPool2D = MaxPooling2D, AveragePooling2D

#: Keras' automatic name of the first layer of each class, where it is not the class' in snake case.
AUTOMATIC = {
    "Conv2D": "conv2d",
    "DepthwiseConv2D": "depthwise_conv2d",
    "MaxPooling2D": "max_pooling2d",
    "AveragePooling2D": "average_pooling2d",
    "GlobalAveragePooling2D": "global_average_pooling2d",
    "GlobalMaxPooling2D": "global_max_pooling2d",
    "BatchNormalization": "batch_normalization",
    "ReLU": "re_lu",
    "LeakyReLU": "leaky_re_lu",
    "ELU": "elu",
}


def automatic_name(layer: Layer) -> str:
    name = type(layer).__name__
    return AUTOMATIC.get(name, name.lower())


__all__ = [
    "ELU",
    "Activation",
    "Add",
    "AveragePooling2D",
    "AvgPool2D",
    "BatchNormalization",
    "Concatenate",
    "Conv2D",
    "Dense",
    "DepthwiseConv2D",
    "Dropout",
    "Flatten",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling2D",
    "Input",
    "Layer",
    "LeakyReLU",
    "MaxPool2D",
    "MaxPooling2D",
    "ReLU",
    "Rescaling",
    "Softmax",
]
