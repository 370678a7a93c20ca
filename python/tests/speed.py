"""How long an epoch takes of ``fit``, beside ``gpu-fmnist train`` on the same plan; on a quiet machine.

``python speed.py PROGRAM [ROUNDS] [DEVICE] [MODEL]``: in turn; ends with 1 where ``fit`` takes over
3 % longer, by the medians of all epochs but each training's first.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from gpu_fmnist import Classifier
from gpu_fmnist._training import Told
from gpu_fmnist.datasets import fashion_mnist

EPOCHS = 4


def command(program, device, model):
    with tempfile.TemporaryDirectory() as folder:
        words = ["train", "--model", model, "--epochs", EPOCHS, "--adapter", device, "--run-dir", Path(folder, "run")]
        done = subprocess.run(
            [program, *map(str, words), "--no-report", "--quiet", "--json"], capture_output=True, text=True, check=True
        )
    *epochs, _ = map(json.loads, done.stdout.splitlines())
    return [epoch["seconds"] for epoch in epochs], epochs[-1]["val_loss"]


def fit(device, model, data):
    seconds, told = [], Told.epoch

    def epoch(self, result):
        seconds.append(result["seconds"])
        return told(self, result)

    Told.epoch = epoch
    try:
        classifier = Classifier(model, epochs=EPOCHS, device=device, validation_fraction=0.2).fit(*data)
    finally:
        Told.epoch = told
    return seconds, classifier.history_["val_loss"][-1]


def main():
    program, rounds, device, model = [*sys.argv[1:], *["3", "cpu", "cnn1"][len(sys.argv) - 2 :]]
    data, _ = fashion_mnist.load_data()
    times = {"train": [], "fit": []}
    for _ in range(int(rounds)):
        of_train, of_fit = command(program, device, model), fit(device, model, data)
        assert of_train[1] == of_fit[1], "not the same numbers"
        for name, (seconds, _) in (("train", of_train), ("fit", of_fit)):
            times[name] += seconds[1:]
            print(f"{name:5}  {'  '.join(f'{second:.2f}' for second in seconds)} s", flush=True)
    middle = {name: statistics.median(seconds) for name, seconds in times.items()}
    print(
        f"medians: train {middle['train']:.3f} s, fit {middle['fit']:.3f} s: {middle['fit'] / middle['train'] - 1:+.1%}"
    )
    sys.exit(middle["fit"] > 1.03 * middle["train"])


if __name__ == "__main__":
    main()
