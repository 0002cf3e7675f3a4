"""Video action recognition with Global Temporal Attention.

    import gta

    model = gta.load("runs/mine")  # a Predictor; model.model is the network
    print(model("video.mp4"))

Names are imported when they are used: `import gta` alone imports neither torch nor anything else
that takes time.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gta import blocks
    from gta.evaluation.run import evaluate
    from gta.model_factory import create_model, list_models
    from gta.predict import Prediction, Predictor, load
    from gta.training.run import train

__version__ = "0.1.0"
__all__ = [
    "Prediction",
    "Predictor",
    "blocks",
    "create_model",
    "evaluate",
    "list_models",
    "load",
    "train",
]

_MODULES = {
    "Prediction": "gta.predict",
    "Predictor": "gta.predict",
    "create_model": "gta.model_factory",
    "evaluate": "gta.evaluation.run",
    "list_models": "gta.model_factory",
    "load": "gta.predict",
    "train": "gta.training.run",
}


def __getattr__(name: str) -> object:
    if name == "blocks":
        return import_module("gta.blocks")
    if name not in _MODULES:
        raise AttributeError(f"module 'gta' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_MODULES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, *(name for name in globals() if name.startswith("__"))])
