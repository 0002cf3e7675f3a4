"""What was loaded into a model, and what was not."""

from collections import Counter
from dataclasses import dataclass, field

from gta.backbones.weight_numbers import shortened


@dataclass(frozen=True)
class LoadReport:
    """Which tensors of a file went where. Its text is for people."""

    source: str
    project: str = ""
    """Who named the tensors, if it was not done as here."""
    used: list[str] = field(default_factory=list)
    unused: dict[str, str] = field(default_factory=dict)
    """Tensors of the source, under its own names, that were not used, and why."""
    fresh: list[str] = field(default_factory=list)
    """Tensors of the model that keep their initial values (`num_batches_tracked` is no weight)."""
    resampled: list[str] = field(default_factory=list)
    """Tensors of the model that were made for another number of frames."""
    notes: list[str] = field(default_factory=list)
    """What was chosen or assumed."""
    differences: list[str] = field(default_factory=list)
    """Why the model is another network than that of the source: its scores are not the source's."""

    def __str__(self) -> str:
        names = f", from the names of {self.project}" if self.project else ""
        lines = [f"{self.source}: {len(self.used)} tensors used{names}"]
        if self.resampled:
            lines.append(f"  resampled in time: {shortened(self.resampled)}")
        if self.unused:
            reasons = [f"{key} ({why})" for key, why in self.unused.items()]
            lines.append(f"  not used: {shortened(reasons)}")
        if self.fresh:
            parts = Counter(part_of(key) for key in self.fresh)
            counts = [f"{part} ({count})" for part, count in parts.items()]
            lines.append(f"  from scratch: {len(self.fresh)} tensors in {', '.join(counts)}")
        return "\n".join(lines + [f"  {note}" for note in self.notes])


def part_of(key: str) -> str:
    """The place of an inserted tensor, "inserted.res3_1"; else the top level, "fc"."""
    names = key.split(".")
    return ".".join(names[:2]) if names[0] == "inserted" else names[0]
