"""The end of every export: a file is kept only if its results are the network's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from gta.export.agreement import Mismatch, Run, check
from gta.export.forms import Form
from gta.files import write_atomically


@dataclass(frozen=True, slots=True)
class Exported:
    """A file that was written."""

    path: Path
    difference: float
    """The largest difference from torch, as a share of the largest logit."""
    inputs: dict[str, list[int | str]]
    """Shapes by name; a text stands for a free size."""
    outputs: dict[str, list[int | str]]
    clips: int
    """Number of real clips on which it was checked."""


def keep_checked(
    path: Path,
    write: Callable[[Path], object],
    runner: Callable[[Path], Run],
    form: Form,
    clips: Sequence[Tensor] = (),
    first_difference: Callable[[tuple[Tensor, ...]], str | None] = lambda given: None,
) -> float:
    """Writes a file under a temporary name, loads and checks it, and renames it.

    Args:
        path: The file; its folder is made.
        write: Writes the temporary file.
        runner: Loads it.
        form: What the file must compute.
        clips: Real clips for the check.
        first_difference: Finds the layer where a wrong file begins to differ on some arguments.

    Returns:
        The largest difference from the network, as a share of the largest logit.

    Raises:
        Mismatch: The results differ; the file is removed.
    """
    difference = 0.0

    def write_and_check(part: Path) -> None:
        nonlocal difference
        write(part)
        try:
            difference = check(form, runner(part), clips)
        except Mismatch as error:
            layer = first_difference(error.given)
            where = f"; the first layer that differs is {layer}" if layer else ""
            raise Mismatch(f"{path} was not written: {error}{where}") from error

    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, write_and_check)
    return difference
