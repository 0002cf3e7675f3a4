"""An ONNX model in fewer bits: float16, or 8-bit integers calibrated on real clips."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from torch import Tensor

from gta.export.agreement import runner
from gta.export.forms import Form

Precision = Literal["fp32", "fp16", "int8"]


def in_precision(model: Any, precision: Precision, inputs: Sequence[tuple[Tensor, ...]]) -> Any:
    """A copy of an ONNX model; its inputs and outputs stay float32.

    Args:
        model: An `onnx.ModelProto`, float32.
        precision: "int8": weights of each channel and activations of convolutions and matrix
            products, by static calibration.
        inputs: Arguments to calibrate on, from `calibration`.
    """
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    if precision == "fp32":
        return copy
    if precision == "fp16":
        from onnxruntime.transformers.float16 import convert_float_to_float16

        return convert_float_to_float16(copy, keep_io_types=True)
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

    names = [given.name for given in model.graph.input]

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.left: Iterator[tuple[Tensor, ...]] = iter(inputs)

        def get_next(self) -> dict[str, Any]:
            arguments = next(self.left, None)
            if arguments is None:
                return {}
            return {n: a.numpy() for n, a in zip(names, arguments, strict=True)}

    level = logging.getLogger().level
    with TemporaryDirectory() as folder:
        before, after = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        onnx.save(copy, str(before))
        logging.getLogger().setLevel(logging.ERROR)  # hides hints about optional preprocessing
        try:
            quantize_static(
                str(before),
                str(after),
                Reader(),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                op_types_to_quantize=["Conv", "MatMul", "Gemm"],
            )
        finally:
            logging.getLogger().setLevel(level)
        return onnx.load(str(after))


def calibration(form: Form, model: Any, clips: Sequence[Tensor]) -> list[tuple[Tensor, ...]]:
    """The arguments of a form during real clips, (1, 3, T, H, W) each."""
    if not form.streams:
        return [(clip,) for clip in clips]
    run, given = runner(model.SerializeToString()), list[tuple[Tensor, ...]]()
    for clip in clips:
        state = tuple(form.state.values())
        for frame in clip.unbind(2):
            given.append((frame, *state))
            _, *after = run(given[-1])
            state = tuple(after)
    return given
