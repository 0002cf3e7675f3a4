"""What tensors do not show of the network they were trained in, from what else a file says."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gta.errors import UsageError

SHARES = ("shift_div", "n_div", "fold_div")
"""Names of the divisor of shifted channels: options of TSM and MMAction2, arguments of TSM."""

CONFIGURED = {
    r"INSTANTIATION: *.?dot_product": "its blocks were trained with affinity: dot_product",
    r"POOL: .*2, 2, 2": "its blocks pool over time too, which is not built here",
}
"""Non-local blocks in the configuration that PySlowFast keeps in a file, and what to say of it."""


@dataclass(frozen=True)
class Shift:
    """The temporal shift of the network that a file is of."""

    div: int | None = None
    """1/div of the channels each way; None: nothing says it."""
    said: str = ""
    """What says it."""


def shift_of(keys: Iterable[str], content: Any, source: str) -> Shift | None:
    """The temporal shift of TSM's and MMAction2's networks; None if they have none.

    That there is a shift is in the names of tensors; how many channels, in the arguments or the
    configuration that some files hold, or in the name that TSM gives a file or its folder.

    Raises:
        UsageError: It is of a form that is not built here.
    """
    keys = list(keys)
    if any(re.search(r"(^|\.)layer2\.net\.\d", key) for key in keys):
        raise UsageError(
            f"{source} is a network with TSM's temporal pooling (tpool: the maximum of three "
            f"frames before res3), which is not built here"
        )
    if any(re.search(r"(^|\.)layer1\.0\.net\.", key) for key in keys):
        raise UsageError(
            f"{source} is a network that shifts before whole blocks (shift_place=block), which is "
            f"not built here: the shift here is in the residual branch (blockres)"
        )
    if not any(re.search(r"(^|\.)conv1\.(conv\.)?net\.", key) for key in keys):
        return None
    for name, value in settings(content):
        if name in SHARES and isinstance(value, int):
            return Shift(value, f"{name} in it")
        if isinstance(value, str) and (match := re.search(r"shift_div['\"]? *[=:] *(\d+)", value)):
            return Shift(int(match[1]), f"shift_div in its {name}")
    path = Path(source)
    for name in (path.name, path.absolute().parent.name):
        if match := re.search(r"shift(\d+)(?=_block)", name):
            return Shift(int(match[1]), f"{match[0]} in its name")
    return Shift()


def settings(content: Any) -> Iterator[tuple[str, object]]:
    """The numbers and texts in a checkpoint's dictionaries, by name, at any depth."""
    for name, value in content.items() if isinstance(content, Mapping) else ():
        if isinstance(value, Mapping):
            yield from settings(value)
        elif isinstance(name, str) and isinstance(value, int | str):
            yield name, value


def block_notes(keys: Iterable[str], content: Any) -> list[str]:
    """What a configuration in the file says of its non-local blocks."""
    if not any("nonlocal" in key for key in keys):
        return []
    texts = [value for _, value in settings(content) if isinstance(value, str)]
    return [
        words for form, words in CONFIGURED.items() if any(re.search(form, text) for text in texts)
    ]
