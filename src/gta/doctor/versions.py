"""Installed versions, and versions that are known not to work."""

import importlib
import platform
import re
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from gta import __version__
from gta.data.decode.codecs import known_flaws
from gta.doctor.observed import Observed
from gta.errors import reason_of

_NEEDED = ("torch", "torchvision", "av", "numpy", "pillow", "safetensors", "pydantic")
_OPTIONAL = (
    *("timm", "simplejpeg", "huggingface_hub", "fsspec", "scipy", "onnxruntime", "onnxscript"),
    *("ray", "fastapi", "uvicorn", "tensorboard", "wandb"),
)
_BAD = {
    ("torch", "2.13.0+cpu"): "it cannot import torchvision: install another version of torch",
}
"""Known problems of single versions."""
_IMPORTED_AS = {"pillow": "PIL"}


def versions(
    version_of: Callable[[str], str | None] = lambda name: _version(name),
) -> Iterator[Observed]:
    """This package, Python, the system, and what is installed.

    Args:
        version_of: Returns the version of a distribution, or None.
    """
    yield Observed("gta", __version__)
    yield Observed("Python", f"{platform.python_version()} ({platform.python_implementation()})")
    yield Observed("system", f"{platform.system()} {platform.release()} {platform.machine()}")
    least = _least()
    for name in _NEEDED:
        yield _needed(name, version_of(name), least.get(name))
    yield _ffmpeg()
    others = [f"{name} {number}" for name in _OPTIONAL if (number := version_of(name))]
    yield Observed("optional", ", ".join(others) or "none")


def _needed(name: str, number: str | None, least: str | None) -> Observed:
    if number is None:
        return Observed(name, "not installed", f"install it: pip install {name}")
    bad = _BAD.get((name, number))
    if bad is None and least and _numbers(number) < _numbers(least):
        bad = f"at least {least} is needed: pip install -U {name}"
    if bad is None:
        try:
            importlib.import_module(_IMPORTED_AS.get(name, name))
        except Exception as error:  # libraries that do not fit each other raise many types
            bad = f"it cannot be imported ({reason_of(error)}): install it again"
    return Observed(name, number, bad)


def _ffmpeg() -> Observed:
    import av

    flaws = known_flaws()
    finding = f"known: {', '.join(flaws)}; install a newer av" if flaws else None
    return Observed("FFmpeg in av", str(av.ffmpeg_version_info), finding)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _least() -> dict[str, str]:
    """The least version of each distribution that this package requires."""
    try:
        asked = requires("gta-video") or []
    except PackageNotFoundError:  # run from a folder
        return {}
    matches = (re.match(r"([\w.-]+)>=([\d.]+)$", requirement) for requirement in asked)
    return {match[1]: match[2] for match in matches if match}


def _numbers(text: str) -> tuple[int, ...]:
    match = re.match(r"\d+(\.\d+)*", text)
    return tuple(map(int, match[0].split("."))) if match else ()
