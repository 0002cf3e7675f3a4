"""Which pictures of a folder are the frames of its video, and in which order.

A name is texts and numbers in turn. Pictures with equal texts are one series, in the order of their
numbers:

- "2" comes before "10" and "010"; several numbers in a name count from left to right;
- "0.04" is a decimal number, but "1.9", "1.10" are two numbers each: decimals of unequal length do
  not end in 0; "1e-05" and "00:01:02.5" (hours, minutes, seconds) are numbers too;
- a minus is a sign at the start of a name, and after another sign of punctuation where not all
  pictures of the series have it: "-1", "0", "1", but "clip_-1", "clip_-2"; after a letter too where
  numbers have a plus: "t-1", "t0", "t+1";
- digits of any script count ("٣" is 3), and so does the minus of mathematics.

Of several series, those named as something else than the picture (flow, mask, depth, "x_", "y_",
thumbnail ...) are left out, then the series with "rgb" in its name is taken. If that is not one,
the folder is refused. Pictures without a number beside numbered pictures are no frames. Of a frame
in two formats, that which all frames have is taken, JPEG first.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from os.path import splitext

PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
)
_PREFERRED = (".jpg", ".jpeg", ".webp", ".png", ".bmp", ".tif", ".tiff", ".ppm", ".pgm")
_UNREADABLE = frozenset(
    (
        *(".jpe", ".jfif", ".gif", ".heic", ".heif", ".avif", ".jp2", ".j2k", ".jxl", ".tga"),
        *(".exr", ".hdr", ".pfm", ".pbm", ".pnm", ".dng", ".raw", ".npy", ".npz", ".mat"),
        ".bin",
    )
)
_UNSIGNED = r"(?P<whole>\d+(?::\d+)*)(?:[.,](?P<part>\d+))?(?P<power>e[+-]\d+)?"
_NUMBER = re.compile(rf"(?P<sign>(?<![^\W_])[+\-−])?{_UNSIGNED}", re.IGNORECASE)
_SIGNED = re.compile(rf"(?P<sign>(?<!\d)[+\-−])?{_UNSIGNED}", re.IGNORECASE)
_PLUS = re.compile(r"(?<!\d)(?<!\de)\+\d", re.IGNORECASE)
_MINUS = ("-", "−")
_OTHERS = frozenset(
    (
        *("flow", "flowx", "flowy", "opticalflow", "optical", "mask", "masks", "seg", "segm"),
        *("segmentation", "semantic", "instance", "label", "labels", "annotation"),
        *("annotations", "gt", "depth", "disparity", "disp", "thermal", "ir", "infrared"),
        *("thumb", "thumbs", "thumbnail", "thumbnails", "preview", "small", "normal"),
        *("normals", "edge", "edges", "heatmap", "saliency", "pose", "skeleton", "keypoints"),
        *("overlay", "vis", "alpha", "matte", "diff", "confidence"),
    )
)
_AXES = frozenset("xyuvh")
_PLAIN = frozenset(("img", "image", "im", "frame", "frames", "picture", "pic"))
_VIEWS = re.compile(r"(?:cam|camera|view|angle)[ _-]?$", re.IGNORECASE)

Texts = tuple[str, ...]
_Pattern = re.Pattern[str]


class SeveralSeries(ValueError):
    """Pictures of which it cannot be told which are the frames."""


def frames_in_order(names: Iterable[str]) -> list[str]:
    """The frames among the files of a folder, in their order.

    Raises:
        SeveralSeries: Which are frames cannot be told, or some of them cannot be read.
    """
    names = [name for name in names if not name.startswith(".")]
    readable = [name for name in names if splitext(name)[1].lower() in PICTURE_SUFFIXES]
    pattern = _SIGNED if any(map(_PLUS.search, readable)) else _NUMBER
    series = _by_texts(readable, pattern)
    numbered: dict[Texts, list[str]] = {t: m for t, m in series.items() if len(t) > 1}
    if not numbered:
        return sorted(_in_one_format(readable))
    texts = _of_the_picture(numbered)
    members = _in_one_format(numbered[texts])
    first = [n for n in series.get((_bare(texts),), []) if texts[1:] in (("",), (")",))]
    ordered = _in_order(members, pattern)
    _check_complete(ordered, [n for n in unread(names) if _texts(n, pattern) == texts])
    return _in_one_format(first)[:1] + ordered


def unread(names: Iterable[str]) -> list[str]:
    """Of the names, sorted, those of pictures in formats that are not read."""
    return sorted(n for n in names if splitext(n)[1].lower() in _UNREADABLE)


def _by_texts(names: Iterable[str], pattern: _Pattern) -> dict[Texts, list[str]]:
    series = defaultdict[Texts, list[str]](list)
    for name in sorted(names):
        series[_texts(name, pattern)].append(name)
    return dict(series)


def _split(name: str, pattern: _Pattern) -> tuple[Texts, list[re.Match[str]]]:
    """The texts around the numbers of a name without its ending, and the numbers."""
    stem, texts, numbers, place = splitext(name)[0], [], [], 0
    for number in pattern.finditer(stem):
        before = stem[place : number.start()]
        if _VIEWS.search(before):  # cam1_0001: the number belongs to the name of the series
            continue
        texts.append(before)
        numbers.append(number)
        place = number.end()
    return (*texts, stem[place:]), numbers


def _texts(name: str, pattern: _Pattern) -> Texts:
    return tuple(text.casefold() for text in _split(name, pattern)[0])


def _bare(texts: Texts) -> str:
    return texts[0].rstrip(" _-.(")


def _of_the_picture(series: dict[Texts, list[str]]) -> Texts:
    """The series that shows what the camera saw."""
    if len(series) > 1:
        series = {t: m for t, m in series.items() if not _is_other(t)} or series
    if len(series) > 1:
        series = {
            t: m for t, m in series.items() if _words(t) & {"rgb", "color", "colour"}
        } or series
    if len(series) > 1:
        shown = [f"{members[0]} ({len(members)})" for members in list(series.values())[:4]]
        more = f" and {len(series) - 4} more" if len(series) > 4 else ""
        raise SeveralSeries(
            f"its pictures are of {len(series)} series, named as {', '.join(shown)}{more}; keep "
            f"the frames of one video in a folder of their own"
        )
    return next(iter(series))


def _words(texts: Texts) -> set[str]:
    return set(re.findall(r"[^\W\d_]+", " ".join(texts)))


def _is_other(texts: Texts) -> bool:
    words = _words(texts)
    return bool(words & _OTHERS) or (bool(words & _AXES) and words <= _AXES | _PLAIN)


def _in_one_format(names: Sequence[str]) -> list[str]:
    """One file a stem: of the first format that has them all, else of the first that has it."""
    stems = defaultdict[str, dict[str, str]](dict)
    for name in sorted(names, reverse=True):
        stem, suffix = splitext(name)
        stems[stem][suffix.lower()] = name
    whole = [suffix for suffix in _PREFERRED if all(suffix in kinds for kinds in stems.values())]
    order = (*whole, *_PREFERRED)
    return sorted(next(kinds[s] for s in order if s in kinds) for kinds in stems.values())


def _in_order(names: Sequence[str], pattern: _Pattern) -> list[str]:
    """The pictures of one series by their numbers."""
    numbers = [_split(name, pattern)[1] for name in names]
    columns = [_values(column) for column in zip(*numbers, strict=True)]
    keyed = sorted(zip(zip(*columns, strict=True), names, strict=True))
    for (number, name), (next_number, following) in pairwise(keyed):
        if number == next_number:
            raise SeveralSeries(
                f"{name} and {following} have the same number; which is the frame cannot be told"
            )
    return [name for _, name in keyed]


def _values(column: Sequence[re.Match[str]]) -> list[tuple[Fraction, ...]]:
    """What the numbers at one place of all names are, as a key for sorting."""
    parts = [number["part"] for number in column if number["part"]]
    uneven = len(set(map(len, parts))) > 1
    decimal = not (uneven and any(len(part) > 1 and part.endswith("0") for part in parts))
    signed = any(number["sign"] not in _MINUS for number in column) or column[0].start() == 0
    return [_value(number, decimal=decimal, signed=signed) for number in column]


def _value(number: re.Match[str], *, decimal: bool, signed: bool) -> tuple[Fraction, ...]:
    value, part = Fraction(0), number["part"]
    for group in number["whole"].split(":"):
        value = value * 60 + int(group)
    if part and decimal:
        value += Fraction(int(part), 10 ** len(part))
    if number["power"]:
        value *= Fraction(10) ** int(number["power"][1:])
    if signed and number["sign"] in _MINUS:
        value = -value
    return (value,) if decimal or not part else (value, Fraction(int(part)))


def _check_complete(frames: Sequence[str], alike: Sequence[str]) -> None:
    """Frames of the same series (`alike`) must not be lost because of their format."""
    stems = {splitext(name)[0] for name in frames}
    lost = [name for name in alike if splitext(name)[0] not in stems]
    if lost:
        raise SeveralSeries(
            f"{lost[0]} seems to be one of its frames ({len(lost)} such), in a format that is not "
            f"read; convert it ({', '.join(_PREFERRED)} are read)"
        )
