"""What computes here, whether it does so correctly, and how fast."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from . import _engine
from ._arguments import shown, whole


class Device(NamedTuple):
    """What computes."""

    name: str
    #: ``"vulkan"``, ``"metal"``, ``"dx12"``, ``"gl"`` or ``"cpu"``.
    backend: str
    #: ``"discrete-gpu"``, ``"integrated-gpu"``, ``"virtual-gpu"``, ``"other"`` or ``"cpu"``.
    device_type: str
    driver: str
    description: str


class Proof(NamedTuple):
    """A part of the self-test."""

    name: str
    passed: bool
    words: str


class Bench(NamedTuple):
    """How fast training steps are."""

    device: str
    batch_size: int
    #: Of a step, the median of the repeats.
    seconds_per_step: float
    images_per_second: float
    #: Seconds of a step in each repeat.
    repeats: list[float]


def devices() -> list[Device]:
    """The devices here: hardware first, the CPU path last. Any part of a name chooses one: ``device="rtx"``."""
    return [Device(**about) for about in _engine.devices()]


def selftest(device: str = "auto") -> list[Proof]:
    """Holds every kernel against its CPU reference, and gradients against finite differences.

    >>> import gpu_fmnist
    >>> all(proof.passed for proof in gpu_fmnist.selftest("cpu"))
    True
    """
    return [Proof(*proof) for proof in _engine.selftest(named(device))]


def bench(model: Any = "cnn1", device: str = "auto", repeats: int = 5) -> Bench:
    """Measures training steps of a built-in network or a model file, once they agree with the CPU path's."""
    if not isinstance(model, (str, os.PathLike)):
        raise ValueError(f"model is {shown(model)}; give a built-in network's name or the path of a TOML file")
    batch, seconds, middle = _engine.bench(os.fspath(model), named(device), whole("repeats", repeats, 1, 1000))
    return Bench(named(device), batch, middle, batch / middle, seconds)


def named(device: Any) -> str:
    """A device's name, which must be a text."""
    if not isinstance(device, str):
        raise ValueError(f'device is {shown(device)}; give "auto", "cpu" or a part of a name in devices()')
    return device
