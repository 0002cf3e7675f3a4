"""Trained networks as files for other programs: ONNX, and torch.export's .pt2."""

from gta.export.onnx_file import export_onnx
from gta.export.program import export_program
from gta.export.verify import verify_onnx

__all__ = ["export_onnx", "export_program", "verify_onnx"]
