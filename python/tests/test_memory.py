"""What a training adds to the process' memory."""

import os
import subprocess
import sys

import pytest
from conftest import pictures

from gpu_fmnist import Classifier

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="no /proc here")

#: For labels, orders, and what the allocator keeps.
SLACK = 16 << 20

MEASURE = """
import sys

import numpy as np

from gpu_fmnist import Classifier


def bytes_of(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name))


def added(count):
    # From now on, the largest is that from now on.
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    before = bytes_of("VmRSS")
    Classifier("cnn1", epochs=1, batch_size=64, device="cpu").fit(images[:count], labels[:count])
    return bytes_of("VmHWM") - before


images = np.random.default_rng(0).integers(0, 256, (60_000, 28, 28), dtype=np.uint8)
if sys.argv[1] == "float32":
    images = images.astype(np.float32)
    images /= 255
labels = np.arange(60_000) % 10
added(1000)
# The buffers of a batch, which are the same.
few = added(1000)
print(images.nbytes, added(60_000) - few)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_a_fit_adds_the_images_at_most_once(kind):
    done = subprocess.run([sys.executable, "-c", MEASURE, kind], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    size, added = map(int, done.stdout.split())
    assert size == 60_000 * 28 * 28 * (1 if kind == "uint8" else 4)
    assert added <= size + SLACK, f"{added / 1e6:.0f} MB for {size / 1e6:.0f} MB of images"


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_memory_is_constant_over_many_fits():
    images, labels = pictures(40)
    model = {"layers": [{"type": "flatten"}, {"type": "dense", "units": 2}]}
    for _ in range(100):
        Classifier(model, device="cpu", epochs=1, batch_size=20).fit(images, labels)
    before = resident()
    for _ in range(1000):
        Classifier(model, device="cpu", epochs=1, batch_size=20).fit(images, labels)
    assert resident() - before < 8 << 20
