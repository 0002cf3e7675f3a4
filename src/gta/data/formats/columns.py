"""What the columns of a list are: by the words of its header, or by what stands in them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from gta.data.formats.splits import SPLIT_WORDS, flag_of, is_yes_no
from gta.data.records import Split

Role = Literal["label", "number", "path", "name", "frames", "fps", "start", "end", "split", "other"]
"""`number`: of a class that has a name in another column; `name`: a weaker word than `path`."""

_WORDS: tuple[tuple[Role, str], ...] = (  # the first that fits
    (
        "label",
        "label labels class classes classname category categories target targets action actions "
        "activity activities gesture gestures template",
    ),
    ("path", "path paths filepath file files filename fname folder dir directory"),
    ("fps", "fps rate"),
    ("start", "start begin"),
    ("end", "end stop"),
    ("split", "split subset set partition phase"),
    ("other", "duration width height size url link time fold index"),
    ("frames", "frames nframes numframes length"),
    ("frames", "frame"),
    ("name", "video videos videoname videoid clip clips vid youtube id name sample"),
)
_COUNT = {"count", "num", "number", "total", "n"}
_MAYBE_SPLIT = {"set", "partition", "phase"}
"""Words of a split that also name other things: what stands in the column tells."""
_OF_LINES = {"", "index", "idx", "unnamed0", "row", "line", "nr", "no"}
_NOTHING = {"nan", "NaN", "-nan", "-NaN", "NaT", "None", "null", "NULL", "Null", "NA", "N/A"}
_NOTHING |= {"n/a", "#NA", "#N/A", "<NA>"}


def role_of(header: str) -> Role | None:
    """What a word or two on top of a column say that it is; None: nothing that is known."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z0-9])", " ", header)  # fileName, label2
    words = set(re.sub(r"[\W_]+", " ", apart).lower().split())
    for role, known in _WORDS:
        if words & set(known.split()):
            return "other" if known == "frame" and not words & _COUNT else role
    return None


def plain(header: str) -> str:
    """A header without case, spaces and marks, for comparing."""
    return re.sub(r"[\W_]+", "", header).lower()


def numbers_lines(header: str) -> bool:
    """Whether a column, by its header, only counts the lines."""
    return plain(header) in _OF_LINES


def is_nothing(text: str) -> bool:
    """Whether a text is what table programs write for an empty cell, such as nan."""
    return text in _NOTHING


def is_number(text: str) -> bool:
    """Whether a text is a whole number, also as a table program writes it (3.0)."""
    return re.fullmatch(r"-?\d{1,18}(\.0+)?", text) is not None


def whole(text: str) -> int:
    """The number that `is_number` sees."""
    return int(text.partition(".")[0])


def split_columns(
    header: Sequence[str], rows: Sequence[Sequence[str]]
) -> tuple[int | None, dict[Split, int]]:
    """The column of the split, and those that say yes or no to a split, as is_train."""
    candidates, flags = list[tuple[bool, int]](), dict[Split, int]()
    for i, word in enumerate(header):
        cells = {row[i].strip().lower() for row in rows if i < len(row)}
        flag = flag_of(word)
        # "train" may also be a column of words
        if flag and flag[0] not in flags and (flag[1] or all(map(is_yes_no, cells))):
            flags[flag[0]] = i
        elif role_of(word) == "split":
            known = bool(cells & set(SPLIT_WORDS))
            if known or plain(word) not in _MAYBE_SPLIT:
                candidates.append((not known, i))
    if candidates and not (min(candidates)[0] and flags):
        return min(candidates)[1], flags
    return None, flags


@dataclass(frozen=True, slots=True)
class Columns:
    """The places of what is used, counted from 0, and the headers of what is not."""

    path: int
    label: int | None = None
    number: int | None = None
    frames: int | None = None
    fps: int | None = None
    start: int | None = None
    end: int | None = None
    split: int | None = None
    flags: Mapping[Split, int] = field(default_factory=dict)
    """Of columns that say yes or no to a split, as is_train."""
    unused: tuple[str, ...] = ()


def by_header(
    header: Sequence[str], rows: Sequence[Sequence[str]], strength: Callable[[str], int]
) -> Columns | str:
    """The columns that a header tells; where it does not, what stands in them.

    Returns:
        The columns, or why they are unclear.
    """
    roles = [role_of(word) for word in header]
    split, flags = split_columns(header, rows)
    for i, role in enumerate(roles):
        if i != split and (role == "split" or i in flags.values()):
            roles[i] = "other"
    wide = [row for row in rows if len(row) == len(header)][:200]

    def cells(i: int) -> list[str]:
        return [row[i] for row in wide]

    def certain(i: int) -> int:
        return sum(map(strength, cells(i)))

    def of(role: Role) -> int | None:
        return next((i for i, other in enumerate(roles) if other == role), None)

    paths = [i for i, role in enumerate(roles) if role in ("path", "name")]
    unknown = [i for i, role in enumerate(roles) if role is None and header[i]]
    if not paths:
        paths = [i for i in unknown if certain(i)]
        if len(paths) != 1:
            return "none of its columns is known to be the path of the video"
        unknown = [i for i in unknown if i not in paths]
    # what is on the disk, then the plainer word
    path = max(paths, key=lambda i: (certain(i), roles[i] == "path", -i))
    labels = [i for i, role in enumerate(roles) if role == "label"]
    if not labels and len(unknown) == 1:
        labels, unknown = unknown, []
    if len(labels) > 2:
        return f"{len(labels)} of its columns could be the label"
    label, number = (labels[0] if labels else None), None
    if len(labels) == 2:
        numeric = [i for i in labels if all(is_number(cell) for cell in cells(i))]
        if len(numeric) != 1:
            return f"both {header[labels[0]]!r} and {header[labels[1]]!r} could be the label"
        number = numeric[0]
        label = next(i for i in labels if i != number)
    chosen = {
        "frames": of("frames"),
        "fps": of("fps"),
        "start": of("start"),
        "end": of("end"),
        "split": split,
    }
    used = {path, label, number, chosen["frames"], chosen["fps"], chosen["split"]}
    used |= set(flags.values()) if split is None else set()
    unused = tuple(word for i, word in enumerate(header) if i not in used and word)
    return Columns(path, label, number, unused=unused, flags=flags, **chosen)
