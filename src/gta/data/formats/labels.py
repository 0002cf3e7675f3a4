"""From the labels that lists have to the classes of a data set, the same for each of its splits."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gta.data.formats.class_file import ClassFile
from gta.data.formats.columns import is_number, plain, whole
from gta.data.formats.disk import one_form
from gta.data.formats.rows import Row
from gta.data.formats.several_labels import check_single
from gta.data.formats.text import first_twice
from gta.data.records import Split
from gta.errors import DataError, nearest

_MOST = 100_000
"""Above it, a label without a name is taken for something else, such as a date."""

Lists = Mapping[Split, tuple[Path, Sequence[Row]]]
"""The lists of a data set that can be read, with their files."""


@dataclass(frozen=True, slots=True)
class Classes:
    """The names of the classes, and which of them a label is."""

    names: list[str]
    label: Callable[[str, str], int]
    """Of (what stands in the list, where): its class, counted from 0."""
    notes: tuple[str, ...] = ()


def is_unlabeled(label: str | None) -> bool:
    """Whether a test list has no label for a video: none, or a number below 0."""
    return label is None or (is_number(label) and whole(label) < 0)


def classes_of(lists: Lists, named: ClassFile | None = None) -> Classes:
    """Decides what the labels of a data set are.

    The training list says whether labels are numbers or names (without it, that of validation,
    then of test): what stands in another list does not change it. Numbers stay what they are.

    Args:
        lists: By split.
        named: The names of the classes in the order of their numbers, if a file has them.

    Raises:
        DataError: There are numbers among names, several labels in a field, or numbers of which
            cannot be told whether they count from 0 or 1.
    """
    file, rows = next(lists[s] for s in ("train", "val", "test") if s in lists)
    kinds = _kinds(file, rows, set(named.names) if named else set())
    numbers = {
        whole(row.label)
        for _, of_split in lists.values()
        for row in of_split
        if row.label is not None and is_number(row.label) and whole(row.label) >= 0
    }
    if kinds == "names":
        if named is not None:
            return _by_name(named.names, "in the labels file", ())
        train = [r.label for r in rows if r.label is not None] if "train" in lists else None
        every = [r.label for _, of in lists.values() for r in of if r.label is not None]
        names = sorted(_distinct(train or every))
        return _by_name(names, "a class of the training list", _alike(names))
    if named is not None:
        return _numbered_by_file(named, numbers, lists)
    most = max(numbers, default=0)
    if most > _MOST:
        raise DataError(
            f"{file}: label {most} is too large to be the number of a class. If labels are ids, "
            f"give their names in a file classes.txt of `number,name` lines."
        )
    notes = []
    if numbers and min(numbers) > 0:
        notes.append(
            f"Labels begin at {min(numbers)}: they are taken as numbers from 0 on, as they stand "
            f"in the lists"
        )
    own = max((whole(row.label) for row in rows if row.label and is_number(row.label)), default=0)
    if own < most:
        notes.append(f"Label {most} is not in {file.name} but in another list: {most + 1} classes")
    names = _names_beside(lists, most)
    return Classes(names, _from_zero(len(names)), tuple(notes))


def _kinds(file: Path, rows: Sequence[Row], names: set[str]) -> str:
    """Whether the labels of a list are "numbers" or "names"."""
    labeled = [row for row in rows if not is_unlabeled(row.label)]
    labels = {row.label or "" for row in labeled}
    if labels and labels <= names:
        return "names"
    check_single(((row.label or "", f"{file}, {row.where}") for row in labeled), labels, names)
    texts = [row for row in labeled if not is_number(row.label or "")]
    if texts and len(texts) < len(labeled) and not labels <= names:
        numeric = [row for row in labeled if is_number(row.label or "")]
        odd, others = (texts, "numbers") if len(texts) <= len(numeric) else (numeric, "names")
        raise DataError(
            f"{file}, {odd[0].where}: label {(odd[0].label or '')[:80]!r} stands among {others}. "
            f"Labels are all numbers or all names; if classes have numbers for names, list all "
            f"names in a file classes.txt, a line each."
        )
    return "names" if texts else "numbers"


def _distinct(labels: Iterable[str]) -> list[str]:
    """Each name once; of two Unicode forms of a name, the first."""
    return list({one_form(label): label for label in reversed(list(labels))}.values())


def _alike(names: Sequence[str]) -> tuple[str, ...]:
    """What is said of names that may be one class, spelled in two ways."""
    seen = dict[str, str]()
    pairs = [(seen.setdefault(plain(name) or name, name), name) for name in names]
    return tuple(
        f"Classes {first!r} and {name!r} differ only in case or marks: two classes"
        for first, name in pairs
        if first != name
    )


def _by_name(names: Sequence[str], known: str, notes: tuple[str, ...]) -> Classes:
    labels = {one_form(name): label for label, name in enumerate(names)}

    def label(text: str, where: str) -> int:
        return label_of(text, labels, where, known)

    return Classes([*names], label, notes)


def label_of(
    name: str, labels: Mapping[str, int], where: str, known: str = "in the labels file"
) -> int:
    """The label of a class name.

    Raises:
        DataError: There is no such class; names the nearest.
    """
    label = labels.get(one_form(name), labels.get(name))
    if label is None:
        raise DataError(f"{where}: {name!r} is not {known}.{nearest(name, list(labels))}")
    return label


def _from_zero(count: int) -> Callable[[str, str], int]:
    def label(text: str, where: str) -> int:
        number = _number(text, where)
        if number < 0:
            raise DataError(
                f"{where}: label {number} says that the video has none, which only a test list "
                f"may do. Remove the line, or give the label."
            )
        if number >= count:
            raise DataError(
                f"{where}: label {number} is not one of the {count} classes; they count from 0 to "
                f"{count - 1}."
            )
        return number

    return label


def _number(text: str, where: str) -> int:
    if not is_number(text):
        raise DataError(
            f"{where}: label {text!r} is no number, and those of the training list are."
        )
    return whole(text)


def _names_beside(lists: Lists, most: int) -> list[str]:
    """The names that a column beside the numbers gives; a number is its own name elsewhere."""
    names = dict[int, tuple[str, str]]()
    parts = [lists[split] for split in ("train", "val") if split in lists]
    for file, rows in parts or lists.values():
        for row in rows:
            if row.class_name and row.label and is_number(row.label):
                where = f"{file}, {row.where}"
                known = names.setdefault(whole(row.label), (row.class_name, where))
                if known[0] != row.class_name:
                    raise DataError(
                        f"{where}: class {row.label} is {row.class_name!r} here and {known[0]!r} "
                        f"in {known[1]}."
                    )
    result = [names[n][0] if n in names else str(n) for n in range(most + 1)]
    twice = first_twice(result)
    if twice is not None:
        raise DataError(f"The class name {twice!r} has two numbers in the lists.")
    return result


def _numbered_by_file(named: ClassFile, numbers: set[int], lists: Lists) -> Classes:
    """Numbers whose classes a file names; it may count from 0, from 1, or have ids."""
    names, count = named.names, len(named.names)
    ids = named.ids or list(range(count))
    shown = named.file.name
    by_id = {number: label for label, number in enumerate(ids)}
    ways = {"id": by_id}
    if ids == list(range(1, count + 1)):
        ways["0"] = {n: n for n in range(count)}
    elif named.ids is None:
        ways = {"0": by_id, "1": {n + 1: n for n in range(count)}}
    way = _way(ways, numbers, names, lists)
    if way is None:
        if named.ids is None:
            way = "0"  # the rule where nothing speaks against it
        else:
            raise DataError(
                f"{shown} counts classes from 1, and whether the lists do so too is unclear: "
                f"no video has label 0 or {count}. Number {shown} as the lists do (from 0 if they "
                f"do), or write class names into the lists."
            )
    labels, notes = ways[way], []
    if len(ways) > 1 and (way == "1" or (named.ids and way == "id")):
        notes.append(f"Labels count from 1: {min(labels)} is {names[0]!r} ({shown})")
    elif len(ways) > 1 and named.ids:
        notes.append(f"Labels count from 0, though {shown} counts from 1: 0 is {names[0]!r}")
    elif numbers and min(numbers) > 0 and not named.ids:
        notes.append(f"No video has label 0, which is {names[0]!r} ({shown})")

    def label(text: str, where: str) -> int:
        number = _number(text, where)
        if number not in labels:
            first, last = min(labels), max(labels)
            they = f"they count from {first} to {last}"
            if last - first + 1 > len(labels):
                they = f"their numbers are in {shown}"
            raise DataError(f"{where}: label {number} is not one of the {count} classes; {they}.")
        return labels[number]

    return Classes([*names], label, tuple(notes))


def _way(
    ways: Mapping[str, Mapping[int, int]],
    numbers: set[int],
    names: Sequence[str],
    lists: Lists,
) -> str | None:
    """Which way of counting fits: by the names of class folders in paths, then by the numbers."""
    if len(ways) == 1:
        return next(iter(ways))
    known = {plain(name) for name in names}
    hits = dict.fromkeys(ways, 0)
    for _, rows in lists.values():
        for row in rows:
            folders = {plain(part) for part in PurePosixPath(row.name).parts[:-1]} & known
            if folders and row.label and is_number(row.label):
                for way, labels in ways.items():
                    label = labels.get(whole(row.label))
                    hits[way] += label is not None and plain(names[label]) in folders
    best = max(hits, key=lambda way: hits[way])
    if sum(n == hits[best] for n in hits.values()) == 1:
        return best
    fits = [way for way, labels in ways.items() if numbers <= set(labels)]
    return fits[0] if len(fits) == 1 else None
