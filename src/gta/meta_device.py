"""Networks on the meta device, without memory or values, into which weights will be loaded."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_DRAWS = (
    "normal_",
    "uniform_",
)  # methods of tensors and of torch.nn.init: also kaiming_normal_ ...


@contextmanager
def on_meta_device() -> Iterator[None]:
    """Networks built in this context are on the meta device: shapes, no values.

    Weights are not drawn either: torch would import its compiler for that, which takes seconds.
    """
    with torch.device("meta"), _NoDraws():
        yield


class _NoDraws(TorchFunctionMode):
    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__name__", "").endswith(_DRAWS):
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)
