"""Writes the network as an ONNX file with 8-bit weights, ready to load: optimised once here instead of at every start."""

from __future__ import annotations

import tempfile
from pathlib import Path

import onnx
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process

from halo_engine.parsing.training.network import Network

_NAMES = ("ids", "kinds", "shapes", "mask")


def export(network: Network, file: Path, *, temperature: float, about: dict[str, str]) -> None:
    """Write `network` to `file`. `temperature` divides the verb's logits; `about` goes into the file's metadata."""
    network.eval()
    with tempfile.TemporaryDirectory() as folder:
        plain, prepared, small = (Path(folder) / f"{name}.onnx" for name in ("plain", "prepared", "small"))
        example = tuple(torch.ones((1, 7), dtype=torch.long) for _ in _NAMES)
        free = {0: "batch", 1: "pieces"}
        torch.onnx.export(
            network,
            example,
            str(plain),
            input_names=list(_NAMES),
            output_names=["verb", "reply", "tags"],
            dynamic_axes=dict.fromkeys(_NAMES, free) | {"verb": {0: "batch"}, "reply": {0: "batch"}, "tags": free},
            opset_version=17,
            dynamo=False,
        )
        quant_pre_process(str(plain), str(prepared), skip_symbolic_shape=True)
        # Seven bits of eight: processors without VNNI add two products in sixteen bits, which eight would overflow.
        quantize_dynamic(str(prepared), str(small), weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)
        _optimised(small, file)
    model = onnx.load(str(file))
    onnx.helper.set_model_props(model, about | {"temperature": f"{temperature:.4f}"})
    onnx.save(model, str(file))


def _optimised(source: Path, target: Path) -> None:
    options = onnxruntime.SessionOptions()
    # Not the level that fits the file to this machine's processor.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(target)
    onnxruntime.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
