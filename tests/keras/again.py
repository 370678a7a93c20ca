"""What Keras saved, we read and wrote again: Keras must load it without a warning, and predict as the original does.

FOLDER/kinds and FOLDER/kinds2 are what kinds.py wrote with Keras 3 and Keras 2; in again/ there, FILE.keras and FILE.h5 are
what we made of FILE. tests/keras/oracle.rs runs this.
"""
import json, os, sys, warnings
from pathlib import Path

os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3")
import keras
import numpy as np

warnings.simplefilter("error")
try:
    import tf_keras
except ImportError:
    tf_keras = None


def check(keras, folder, file, expected):
    # Of a network without the state of its optimizer, it would say so.
    model = keras.models.load_model(folder / "again" / file, compile=False)
    images = np.fromfile(folder / "images.u8", np.uint8).reshape(-1, expected["pixels"])[:8]
    pixels = (images / 255).astype(np.float32).reshape(-1, *model.input_shape[1:])
    said = model.predict(pixels, verbose=0)
    difference = np.abs(said.ravel() - expected["probabilities"]).max()
    assert difference <= 1e-6, (file, difference)
    return difference


for folder in (Path(sys.argv[1]) / "kinds", Path(sys.argv[1]) / "kinds2"):
    if not folder.exists():
        continue
    expected = json.loads((folder / "expected.json").read_text())
    worst, count = 0, 0
    for path in sorted((folder / "again").iterdir()):
        own = expected[path.name.split(".")[0]]
        worst, count = max(worst, check(keras, folder, path.name, own)), count + 1
        if tf_keras and path.suffix == ".h5":
            worst, count = max(worst, check(tf_keras, folder, path.name, own)), count + 1
    print(f"{folder.name}: {count} files written again predict as Keras' own, within {worst:.1e}")
