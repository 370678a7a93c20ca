"""Writes callbacks.json: what Keras' callbacks and schedules do with made-up metrics.

    KERAS_BACKEND=tensorflow python make_callbacks.py callbacks.json
"""

import json
import random
import sys

import keras
from keras.callbacks import EarlyStopping, ReduceLROnPlateau
from keras.optimizers.schedules import CosineDecay

STOPPING = {"min_delta": 0.0, "patience": 0, "baseline": None, "start_from_epoch": 0, "restore_best_weights": True}
PLATEAU = {"factor": 0.1, "patience": 10, "min_delta": 1e-4, "cooldown": 0, "min_lr": 0.0}


class Model:
    """What the callbacks ask of a model; its weights are the number of the last epoch."""

    def __init__(self, learning_rate):
        self.optimizer = keras.optimizers.Adam(learning_rate)
        self.stop_training = False
        self.weights = 0

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights


def run(name, monitor, values, stopping=None, plateau=None, learning_rate=1e-3):
    stopping = stopping and STOPPING | stopping
    plateau = plateau and PLATEAU | plateau
    mode = "max" if monitor.endswith("accuracy") else "min"
    model = Model(learning_rate)
    callbacks = []
    if stopping:
        callbacks.append(EarlyStopping(monitor, mode=mode, **stopping))
    if plateau:
        callbacks.append(ReduceLROnPlateau(monitor, mode=mode, **plateau))
    for callback in callbacks:
        callback.set_model(model)
        callback.on_train_begin()
    learning_rates = []
    for epoch, value in enumerate(values):
        model.weights = epoch + 1
        for callback in callbacks:
            callback.on_epoch_end(epoch, {monitor: value})
        learning_rates.append(float(model.optimizer.learning_rate))
        if model.stop_training:
            break
    for callback in callbacks:
        callback.on_train_end()
    return {
        "name": name,
        "monitor": monitor,
        "learning_rate": learning_rate,
        "early_stopping": stopping,
        "reduce_lr_on_plateau": plateau,
        "values": values,
        "expect": {
            "stopped": model.stop_training,
            "epochs": len(learning_rates),
            "weights_of_epoch": model.weights,
            "learning_rates": learning_rates,
        },
    }


def named():
    falling = [0.9, 0.7, 0.6, 0.6, 0.65, 0.5, 0.5, 0.5, 0.5, 0.4]
    rising = [0.5, 0.7, 0.7, 0.75, 0.74, 0.75, 0.75, 0.76, 0.7, 0.7]
    yield run("patience 0 ends at the first epoch that is no better", "val_loss", falling, {"patience": 0})
    yield run("patience 1", "val_loss", falling, {"patience": 1})
    yield run("patience 2", "loss", falling, {"patience": 2})
    yield run("patience that is never spent", "val_loss", falling, {"patience": 9})
    yield run("worse from the second epoch on", "val_loss", [0.5, 0.6, 0.7, 0.8], {"patience": 0})
    yield run("a single epoch", "val_loss", [0.5], {"patience": 0})
    yield run("a tie of accuracy is no improvement", "val_accuracy", rising, {"patience": 2})
    yield run("accuracy, patience 1", "accuracy", rising, {"patience": 1})
    yield run("no weights restored", "val_loss", falling, {"patience": 1, "restore_best_weights": False})
    steps = [0.7, 0.6, 0.5, 0.375, 0.25, 0.2, 0.1]
    for delta in [0.05, 0.1, 0.125, 0.1001]:
        yield run(f"improvements of about min_delta {delta}", "val_loss", steps, {"patience": 2, "min_delta": delta})
        rise = [round(1 - value, 6) for value in steps]
        yield run(f"rises of about min_delta {delta}", "val_accuracy", rise, {"patience": 1, "min_delta": delta})
    close = [0.5, 0.5 - 1e-9, 0.5 - 2e-9, 0.5 - 1e-7]
    yield run("differences that f32 does not have", "val_loss", close, {"patience": 1})
    slow = [0.9, 0.8, 0.7, 0.6, 0.55, 0.5, 0.52, 0.48, 0.5]
    for baseline in [0.95, 0.65, 0.1]:
        yield run(f"baseline {baseline}", "val_loss", slow, {"patience": 3, "baseline": baseline})
    for start in [1, 3, 8, 20]:
        yield run(f"start from epoch {start}", "val_loss", falling, {"patience": 1, "start_from_epoch": start})
    flat = [0.5] * 12
    yield run("plateau, patience 0", "val_loss", flat, None, {"patience": 0})
    yield run("plateau, patience 1", "val_loss", flat, None, {"patience": 1, "factor": 0.5})
    yield run("plateau, patience 3", "val_loss", flat, None, {"patience": 3, "factor": 0.5})
    for cooldown in [1, 2, 5]:
        control = {"patience": 2, "factor": 0.5, "cooldown": cooldown}
        yield run(f"plateau, cooldown {cooldown}", "val_loss", flat, None, control)
        yield run(f"plateau, cooldown {cooldown}, ties", "val_loss", falling, None, control)
    yield run("plateau, patience 0 and cooldown", "val_loss", flat, None, {"patience": 0, "factor": 0.5, "cooldown": 1})
    yield run("plateau, min_lr", "val_loss", flat, None, {"patience": 1, "factor": 0.2, "min_lr": 3e-5})
    yield run("plateau, min_lr at the start", "val_loss", flat, None, {"patience": 1, "min_lr": 1e-3})
    yield run("plateau, min_lr above", "val_loss", flat, None, {"patience": 1, "min_lr": 1e-2})
    yield run("plateau, min_delta", "val_loss", steps, None, {"patience": 1, "min_delta": 0.1, "factor": 0.5})
    yield run("plateau of accuracy", "val_accuracy", rising, None, {"patience": 1, "factor": 0.5})
    both = {"patience": 2, "factor": 0.5}
    yield run("both", "val_loss", flat, {"patience": 5}, both)
    yield run("both at once", "val_loss", flat, {"patience": 2}, both)


def drawn(count):
    """Metrics of two digits, so that ties and differences of just min_delta are many."""
    draw = random.Random(5)
    for number in range(count):
        monitor = draw.choice(["val_loss", "val_accuracy", "loss", "accuracy"])
        values = [round(draw.uniform(0.4, 0.6), 2) for _ in range(16)]
        stopping = {
            "min_delta": draw.choice([0.0, 0.01, 0.02, 0.1]),
            "patience": draw.randrange(6),
            "baseline": draw.choice([None, None, 0.45, 0.5, 0.55]),
            "start_from_epoch": draw.choice([0, 0, 1, 4]),
        }
        plateau = {
            "factor": draw.choice([0.1, 0.5, 0.9]),
            "patience": draw.randrange(4),
            "min_delta": draw.choice([0.0, 1e-4, 0.01, 0.02]),
            "cooldown": draw.randrange(4),
            "min_lr": draw.choice([0.0, 1e-4, 5e-4]),
        }
        with_stopping, with_plateau = draw.choice([(1, 1), (1, 0), (0, 1)])
        yield run(f"drawn {number}", monitor, values, stopping if with_stopping else None, plateau if with_plateau else None)


def schedule(kind, learning_rate, warm_up, steps):
    # A cosine down to the whole of its height is constant.
    alpha = {"constant": 1.0, "cosine": 0.0}[kind]
    if warm_up:
        rates = CosineDecay(0.0, steps - warm_up, alpha, warmup_target=learning_rate, warmup_steps=warm_up)
    else:
        rates = CosineDecay(learning_rate, steps, alpha)
    rates = [float(rates(step)) for step in range(steps)]
    return {"schedule": kind, "learning_rate": learning_rate, "warm_up": warm_up, "steps": steps, "rates": rates}


def main():
    schedules = [
        schedule(kind, learning_rate, warm_up, steps)
        for kind in ["constant", "cosine"]
        for learning_rate, warm_up, steps in [(1e-3, 0, 20), (1e-3, 5, 20), (0.1, 1, 2), (3e-4, 19, 20), (1e-3, 0, 1)]
    ]
    made = {"keras": keras.__version__, "runs": [*named(), *drawn(100)], "schedules": schedules}
    with open(sys.argv[1], "w") as file:
        runs = ",\n".join(json.dumps(run) for run in made["runs"])
        rates = ",\n".join(json.dumps(case) for case in schedules)
        file.write(f'{{"keras": "{made["keras"]}", "runs": [\n{runs}\n], "schedules": [\n{rates}\n]}}\n')


main()
