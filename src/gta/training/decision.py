"""The decision whether a training step is compiled, and the reason."""

import os
import shutil
from importlib.util import find_spec

COMPILE_SECONDS = 90
"""Approximate seconds of compiling R2D-50 with GTA on 16 cores (94; without blocks 45)."""
SAVED = 0.25
"""Approximate share of an eager step that compiling saves."""
_TIMES = 2
"""The saving must be so many times the cost of compiling, as both are estimates."""


def compiles(asked: bool | None, *, device: str, steps: int, step_ms: float) -> tuple[bool, str]:
    """Whether the rest of a run is compiled, and the reason in a line.

    Args:
        asked: `train.compile`; None: if it pays.
        device: Type of the device, such as "cuda".
        steps: Remaining steps.
        step_ms: Milliseconds of an eager step.
    """
    if asked is not None:
        return asked, f"{'' if asked else 'not '}compiled, as train.compile says"
    if device != "cuda":
        return False, f"not compiled: that is for GPUs, this is {device} (train.compile)"
    missing = missing_for_compiling()
    if missing is not None:
        return False, f"not compiled: {missing} (train.compile)"
    saved = steps * SAVED * step_ms / 1000
    left = f"{steps} steps of {step_ms:.0f} ms are left; compiling takes about {COMPILE_SECONDS} s"
    if saved < _TIMES * COMPILE_SECONDS:
        return False, f"not compiled: {left} and would save about {saved:.0f} s (train.compile)"
    return True, f"compiled: {left} and saves about {_duration(saved)} (train.compile)"


def missing_for_compiling() -> str | None:
    """A missing requirement of torch's compiler for a GPU; None: nothing is missing."""
    if find_spec("triton") is None:
        return "Triton is not installed"
    if not any(shutil.which(name) for name in (os.environ.get("CC", "cc"), "gcc", "clang")):
        return "there is no C compiler, which Triton needs"
    return None


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes / 60:.0f} h"
