"""Pickled numpy arrays and numbers, read without numpy's own unpickling.

A pickle names the functions that rebuild its objects. Those of numpy trust what they are given, so
here the names lead to stand-ins, which take plain numbers alone; every other name is refused. A
pickle may also set attributes of what it names, but not where there is a `__setstate__`: each
stand-in has one, so that nothing is left behind in the process.
"""

import pickle
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np


class Kind:
    """Stands for `numpy.dtype`: plain numbers only."""

    def __init__(self, name: str, align: bool = False, copy: bool = True):
        if not isinstance(name, str) or name[:1] not in "fiub" or not name[1:].isdecimal():
            raise pickle.UnpicklingError(f"GLOBAL numpy.dtype of {name!r}")
        self.dtype = np.dtype(name)

    def __setstate__(self, state: tuple) -> None:
        if state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(state[1])


class Array:
    """Stands for `numpy.ndarray`; `value` is set when its state has been read."""

    value: np.ndarray

    def __init__(self, value: np.ndarray | None = None):
        if isinstance(value, np.ndarray):
            self.value = value

    def __setstate__(self, state: tuple) -> None:
        _, shape, kind, fortran, content = state
        if isinstance(content, str):  # of Python 2
            content = content.encode("latin1")
        if not isinstance(kind, Kind) or not isinstance(content, bytes):
            raise pickle.UnpicklingError("GLOBAL numpy.ndarray of objects")
        flat = np.frombuffer(content, kind.dtype)
        self.value = flat.reshape(shape, order="F" if fortran else "C")


class Arguments(dict):
    """Stands for `argparse.Namespace`: its content."""

    def __setstate__(self, state: object) -> None:
        if isinstance(state, dict):
            self.update(state)


class Ignored:
    """Stands for plain records of which nothing is needed, such as paths and curves."""

    def __init__(self, *parts: object):
        pass

    def __setstate__(self, state: object) -> None:
        pass


class Function:
    """Makes a function something that can only be called."""

    def __init__(self, call: Callable[..., Any]):
        self.call = call

    def __call__(self, *arguments: Any) -> Any:
        return self.call(*arguments)

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError("attributes of a function")


@Function
def reconstruct(kind: type, shape: tuple, code: object) -> Array:
    """Stands for `numpy.core.multiarray._reconstruct`: an array to be filled."""
    return Array()


@Function
def frombuffer(content: bytes, kind: Kind, shape: tuple, order: str) -> Array:
    """Stands for `numpy.core.numeric._frombuffer`, of the newest pickles."""
    array = Array()
    array.__setstate__((1, shape, kind, order == "F", bytes(content)))
    return array


@Function
def scalar(kind: Kind, content: bytes | str) -> float:
    """Stands for `numpy.core.multiarray.scalar`."""
    if not isinstance(kind, Kind):
        raise pickle.UnpicklingError("GLOBAL numpy.core.multiarray.scalar of an object")
    content = content.encode("latin1") if isinstance(content, str) else content
    return np.frombuffer(content, kind.dtype)[0].item()


@Function
def encode(text: str, encoding: str) -> bytes:
    """Stands for `_codecs.encode`, with which Python 3 writes bytes for Python 2."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"GLOBAL _codecs.encode to {encoding!r}")
    return text.encode("latin1")


@Function
def defaultdict(*arguments: object) -> OrderedDict:
    """Stands for `collections.defaultdict`: an empty dictionary, to be filled."""
    return OrderedDict()


DICTIONARIES = (
    *("yacs.config.CfgNode", "fvcore.common.config.CfgNode", "mmengine.config.config.ConfigDict"),
    *("easydict.EasyDict", "addict.addict.Dict"),
    *("pytorch_lightning.utilities.parsing.AttributeDict",),
    *("lightning.pytorch.utilities.parsing.AttributeDict",),
    *("lightning_fabric.utilities.data.AttributeDict",),
    *("lightning.fabric.utilities.data.AttributeDict",),
)
"""Dictionaries with methods of their own: read as plain dictionaries."""
RECORDS = (
    *(f"pathlib.{where}{kind}Path" for where in ("", "_local.") for kind in ("Posix", "Windows")),
    *(
        f"pathlib.{where}Pure{kind}Path"
        for where in ("", "_local.")
        for kind in ("Posix", "Windows")
    ),
    *("datetime.datetime", "datetime.date", "datetime.timedelta"),
    *("omegaconf.dictconfig.DictConfig", "omegaconf.listconfig.ListConfig"),
    *("omegaconf.base.ContainerMetadata", "omegaconf.base.Metadata", "typing.Any"),
    *(f"omegaconf.nodes.{kind}Node" for kind in ("Any", "String", "Integer", "Float", "Boolean")),
    *(f"{module}.{kind}" for module in ("builtins", "__builtin__") for kind in ("dict", "list")),
    *(f"{module}.{kind}" for module in ("builtins", "__builtin__") for kind in ("int", "str")),
    "mmengine.logging.history_buffer.HistoryBuffer",
)
"""Plain records that checkpoints keep beside weights: nothing of them is needed."""

ALLOWED: dict[str, Any] = {
    "collections.OrderedDict": OrderedDict,
    "argparse.Namespace": Arguments,
    "collections.defaultdict": defaultdict,
    **dict.fromkeys(DICTIONARIES, OrderedDict),
    **dict.fromkeys(RECORDS, Ignored),
    "_codecs.encode": encode,
    "numpy.dtype": Kind,
    "numpy.ndarray": Array,
    **{
        f"numpy.{package}.{name}": stand_in
        for package in ("core", "_core")
        for name, stand_in in (
            ("multiarray._reconstruct", reconstruct),
            ("multiarray.scalar", scalar),
            ("numeric._frombuffer", frombuffer),
        )
    },
}
"""What a file of weights may name, and what it gets."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if f"{module}.{name}" not in ALLOWED:
            raise pickle.UnpicklingError(f"GLOBAL {module}.{name}")
        return ALLOWED[f"{module}.{name}"]


def unpickle(file: BinaryIO) -> Any:
    """What an open file with a pickle of dictionaries, lists, numbers, text and arrays holds.

    Raises:
        pickle.UnpicklingError: It names something else, which stands after "GLOBAL" in the text.
    """
    return _Unpickler(file, encoding="latin1").load()  # as Python 2 wrote text
