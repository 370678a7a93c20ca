"""What the tests share: small made-up pictures, and the command line's program where there is one."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

# One of scikit-learn's checks asks for it.
os.environ.setdefault("SCIPY_ARRAY_API", "1")


def pictures(count, seed=0, size=8):
    """Dark pictures ``[N, size, size]`` of uint8 with a bright line: lying ones are 0, standing ones 1."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 40, (count, size, size), dtype=np.uint8)
    labels = np.arange(count) % 2
    for image, label, place in zip(images, labels, random.integers(0, size, count), strict=True):
        line = image[place] if label == 0 else image[:, place]
        line[:] = random.integers(200, 250, size)
    return images, labels


@pytest.fixture
def data():
    return pictures(400)


@pytest.fixture(scope="session")
def program():
    """The command line's program, by GPU_FMNIST_PROGRAM or as this repository built it."""
    built = os.environ.get("GPU_FMNIST_PROGRAM", Path(__file__).parents[2] / "target/release/gpu-fmnist")
    if not Path(built).exists():
        pytest.skip(f"{built} is not built: cargo build --release")

    def run(*arguments, **options):
        done = subprocess.run([built, *map(str, arguments)], capture_output=True, text=True, check=False, **options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def write_idx(folder, train, test):
    """A data set as the command line reads it."""
    folder.mkdir(exist_ok=True)
    for name, (images, labels) in (("train", train), ("t10k", test)):
        for kind, values in (("images-idx3", images), ("labels-idx1", labels.astype(np.uint8))):
            header = bytes([0, 0, 8, values.ndim]) + b"".join(size.to_bytes(4, "big") for size in values.shape)
            (folder / f"{name}-{kind}-ubyte").write_bytes(header + values.tobytes())
    return folder
