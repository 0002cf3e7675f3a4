"""Whether a training step is compiled, and why."""

import os
import shutil
from importlib.util import find_spec

COMPILE_SECONDS = 60
"""What compiling a network takes, about."""
SAVED = 0.25
"""Share of an ordinary step that compiling it saves, about."""
_TIMES = 2
"""How many times what it takes compiling must save, as both are estimates."""


def compiles(asked: bool | None, *, device: str, steps: int, step_ms: float) -> tuple[bool, str]:
    """Whether the rest of a run is compiled, and the reason in a line.

    Args:
        asked: `train.compile`; None: where it pays.
        device: Its type, such as "cuda".
        steps: That are left.
        step_ms: What one of them takes, as it is.
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
    """What torch's compiler needs for a GPU and does not find; None: nothing."""
    if find_spec("triton") is None:
        return "Triton is not installed"
    if not any(shutil.which(name) for name in (os.environ.get("CC", "cc"), "gcc", "clang")):
        return "there is no C compiler, which Triton needs"
    return None


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes / 60:.0f} h"
