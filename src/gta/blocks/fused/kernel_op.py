"""Hand-written kernels as operators that torch.compile and torch.export see as operators."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor


def kernel_op(name: str, *, fake: Callable[..., Tensor]) -> Callable[..., Callable[..., Tensor]]:
    """Makes an operator of a function of tensors that changes none of them.

    Where nothing is traced the function itself is called: in eager mode the dispatcher would take
    longer than many a kernel.

    Args:
        name: "gta::..." of the operator.
        fake: Gives an empty tensor of the shape and type of the result.
    """

    def make(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
        operator = torch.library.custom_op(name, function, mutates_args=())
        operator.register_fake(fake)

        @wraps(function)
        def call(*arguments: Any) -> Tensor:
            if torch.compiler.is_compiling() or type(arguments[0]) is not Tensor:
                return operator(*arguments)
            return function(*arguments)

        return call

    return make
