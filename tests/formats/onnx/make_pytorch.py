"""Makes files/pytorch_*.onnx and what PyTorch itself predicts, files/pytorch.json: `python make_pytorch.py FOLDER`.

Needs torch and onnxscript. Each network is small, has random weights and moving statistics, and is written by both of
PyTorch's exporters: `torch.onnx.export(dynamo=False)` and `(dynamo=True)`; two of them also as the latter does unless it
is told not to, with weights in a second file.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy
import onnx
import torch
from torch import nn
from torch.nn import functional as F

IMAGES = numpy.random.default_rng(7).integers(0, 256, (2, 12, 10, 1), dtype=numpy.uint8)


class Block(nn.Module):
    """A residual block whose first convolution may halve the image, with zeros on both sides as PyTorch has them."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.short = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.short = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.short(x))


class LeNet(nn.Module):
    """Written as a beginner would: `view` with the batch's size, normalised pixels, log-softmax."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3)
        self.conv2 = nn.Conv2d(4, 6, 3, padding=1)
        self.drop = nn.Dropout2d(0.25)
        self.fc1 = nn.Linear(6 * 2 * 2, 9)
        self.fc2 = nn.Linear(9, 3)

    def forward(self, x):
        x = (x - 0.286) / 0.353
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = self.drop(F.max_pool2d(F.relu(self.conv2(x)), 2))
        x = x.view(x.size(0), -1)
        return F.log_softmax(self.fc2(F.relu(self.fc1(x))), dim=1)


class Branches(nn.Module):
    """Depthwise and pointwise convolutions, average and maximum pools side by side, values with several readers."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 6, 3, padding=1)
        self.depthwise = nn.Conv2d(6, 12, 3, padding=1, groups=6, bias=False)
        self.pointwise = nn.Conv2d(12, 6, 1)
        self.wide = nn.Conv2d(6, 5, (1, 5), padding=(0, 2))
        self.head = nn.Linear(11, 4)

    def forward(self, x):
        x = F.silu(self.stem(x))
        y = F.hardtanh(self.pointwise(F.gelu(self.depthwise(x))), 0.0, 6.0) + x
        z = torch.cat([F.avg_pool2d(y, 3, 2, 1, count_include_pad=False), F.max_pool2d(self.wide(y), 3, 2, 1)], 1)
        return self.head(z.mean((2, 3)))


def activations():
    layers = [nn.Conv2d(1, 5, 3)]
    for activation in (nn.LeakyReLU(0.1), nn.ELU(0.7), nn.Tanh(), nn.SiLU(), nn.GELU(), nn.ReLU6(), nn.Sigmoid()):
        layers += [nn.Conv2d(5, 5, 2), activation]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(15, 8), nn.BatchNorm1d(8), nn.GELU(), nn.Linear(8, 3))


def residual():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), Block(4, 4, 1), Block(4, 6, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3),
    )  # fmt: skip


def convolutional():
    """No dense layer: the last convolution's channels are the classes."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, 2), nn.LeakyReLU(), nn.MaxPool2d(2, ceil_mode=True), nn.Conv2d(4, 3, 1),
        nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Softmax(dim=1),
    )  # fmt: skip


def perceptron():
    return nn.Sequential(nn.Flatten(), nn.Linear(120, 7), nn.Tanh(), nn.Dropout(0.5), nn.Linear(7, 3), nn.Softmax(-1))


NETWORKS = {
    "lenet": LeNet, "residual": residual, "branches": Branches, "activations": activations,
    "convolutional": convolutional, "perceptron": perceptron,
}  # fmt: skip


def randomised(network):
    generator = torch.Generator().manual_seed(5)
    draw = lambda tensor, low, high: tensor.copy_(low + (high - low) * torch.rand(tensor.shape, generator=generator))
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                draw(module.weight, 0.5, 1.5), draw(module.bias, -0.5, 0.5)
                draw(module.running_mean, -0.5, 0.5), draw(module.running_var, 0.5, 2.0)
            elif isinstance(module, (nn.Conv2d, nn.Linear)):
                limit = (6 / module.weight[0].numel()) ** 0.5
                draw(module.weight, -limit, limit)
                if module.bias is not None:
                    draw(module.bias, -0.5, 0.5)
    return network.eval()


def forget_the_source(path):
    """Without the lines and paths of this script, which the newer exporter writes beside each node."""
    model = onnx.load(path, load_external_data=False)
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    path.write_bytes(model.SerializeToString())


def main(folder):
    warnings.simplefilter("ignore")
    pixels = torch.from_numpy(IMAGES.transpose(0, 3, 1, 2).astype(numpy.float32) / 255)
    expected = {"images": IMAGES.reshape(len(IMAGES), -1).tolist(), "probabilities": {}}
    for name, make in NETWORKS.items():
        network = randomised(make())
        with torch.no_grad():
            answer = network(pixels)
        is_softmax = bool((answer.exp() if name == "lenet" else answer).sum(1).allclose(torch.ones(len(IMAGES))))
        answer = answer.exp() if name == "lenet" else answer if is_softmax else answer.softmax(1)
        expected["probabilities"][name] = answer.tolist()
        for exporter, options in {
            "script": {"dynamo": False, "dynamic_axes": {"image": {0: "batch"}}},
            "dynamo": {"dynamo": True, "external_data": False, "dynamic_shapes": ({0: torch.export.Dim("batch")},)},
            "beside": {"dynamo": True, "dynamic_shapes": ({0: torch.export.Dim("batch")},)},
        }.items():
            if exporter == "beside" and name not in ("lenet", "residual"):
                continue
            path = folder / f"pytorch_{name}_{exporter}.onnx"
            torch.onnx.export(network, (pixels,), path, input_names=["image"], verbose=False, **options)
            forget_the_source(path)
    (folder / "pytorch.json").write_text(json.dumps(expected) + "\n")


main(Path(sys.argv[1]))
