"""Trains convolutional networks with WGSL compute shaders, on any GPU that wgpu reaches, or on the CPU.

:class:`Classifier` has scikit-learn's face, :mod:`gpu_fmnist.keras` Keras'; both drive the engine of the command
``gpu-fmnist``, with its numbers to the bit.

>>> import gpu_fmnist
>>> gpu_fmnist.devices()[-1].name
'cpu'
"""

from . import datasets, keras
from ._engine import AdapterError, DeviceError, DivergedError, __version__
from ._training import History
from .classifier import Classifier
from .keras import Input, Model, Sequential, callbacks, layers, load_model, losses, optimizers
from .machine import Bench, Device, Proof, bench, devices, selftest
from .splits import k_folds, train_test_split

__all__ = [
    "AdapterError",
    "Bench",
    "Classifier",
    "Device",
    "DeviceError",
    "DivergedError",
    "History",
    "Input",
    "Model",
    "Proof",
    "Sequential",
    "__version__",
    "bench",
    "callbacks",
    "datasets",
    "devices",
    "k_folds",
    "keras",
    "layers",
    "load_model",
    "losses",
    "optimizers",
    "selftest",
    "train_test_split",
]
