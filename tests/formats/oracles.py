"""What other programs make of files that this one wrote, as JSON: `tests/formats/oracles.rs` calls it.

onnx FILE PIXELS PROBABILITIES    what onnx and onnxruntime say of an ONNX file; the pixels are bytes, the probabilities
                                  that are expected float64, both without any header
arrays FILE                       the shapes and checksums of the arrays in an npz or safetensors file
"""

import hashlib
import json
import sys

import numpy


def onnx_file(path, pixels, probabilities):
    import onnx
    import onnxruntime

    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (entry,), (answer,) = session.get_inputs(), session.get_outputs()
    images = (numpy.fromfile(pixels, numpy.uint8) / 255).astype(numpy.float32).reshape(-1, *entry.shape[1:])
    expected = numpy.fromfile(probabilities).reshape(len(images), -1)
    differences = {}
    for batch in (1, 37):
        parts = [images[start : start + batch] for start in range(0, len(images), batch)]
        answers = numpy.concatenate([session.run([answer.name], {entry.name: part})[0] for part in parts])
        differences[batch] = float(numpy.abs(answers - expected).max())
    return {
        "input": [entry.name, entry.shape],
        "output": [answer.name, answer.shape],
        "about": json.loads(session.get_modelmeta().custom_metadata_map["gpu-fmnist"]),
        "differences": differences,
    }


def arrays(path):
    if path.endswith(".npz"):
        found = numpy.load(path)
    else:
        import safetensors.numpy

        found = safetensors.numpy.load_file(path)
    digest = lambda array: hashlib.sha256(array.astype("<f4").tobytes()).hexdigest()
    return {name: [str(found[name].dtype), list(found[name].shape), digest(found[name])] for name in found}


command, *arguments = sys.argv[1:]
print(json.dumps({"onnx": onnx_file, "arrays": arrays}[command](*arguments)))
