"""Regions of Region GTA and GloRe over the frames of a clip."""

import numpy as np
from matplotlib.figure import Figure

from gta.figures.clip_sheets import clip_row, clip_sheet, where
from gta.figures.palette import kind_color, overlay, region_overlay
from gta.figures.regions import are_shares, region_shares, shown_regions
from gta.figures.sheets import Row
from gta.figures.subject import Subject, on_clip

MOST_REGIONS = 3
"""Most regions with a row of their own."""


def regions_sheet(subject: Subject) -> Figure | None:
    """The regions of Region GTA over frames (Figures 4 and 7); None without regions."""
    rows = region_rows(subject)
    if not rows:
        return None
    return clip_sheet(
        subject,
        [clip_row(subject), *rows],
        "Each position is divided among the regions. Its colors are those of the regions whose "
        "share is above their mean over the clip, the higher the stronger. Regions are learned "
        "without names: what a region covers is for the viewer to judge.",
    )


def region_rows(subject: Subject) -> list[Row]:
    """All regions at once, and those that differ most from place to place."""
    layer = subject.region_layer
    if layer is None:
        return []
    shares = region_shares(layer)
    T, few = len(subject.frames), shown_regions(shares)
    on_frames, above = (
        np.stack([on_clip(part, layer.frames, T) for part in parts])
        for parts in (few.shares, few.above)
    )
    mean = few.shares.mean((1, 2, 3))
    names = [f"{r}" for r in few.numbers] + ["others"] * few.others
    size = "" if are_shares(layer) else ", by the size of their weights"
    rows = [
        Row(
            f"All {len(shares)} regions",
            f"colored where a region is above its mean{size} ({where(layer)})",
            pictures=region_overlay(subject.frames, above),
            swatches=tuple(
                (kind_color(place), f"{name}: {part:.0%}")
                for place, (name, part) in enumerate(zip(names, mean, strict=True))
            ),
        )
    ]
    own = few.shares[: len(few.numbers)]
    for place in np.argsort(-own.std((1, 2, 3)), kind="stable")[:MOST_REGIONS].tolist():
        part, r = own[place], few.numbers[place]
        low, high = float(part.min()), float(part.max())
        rows.append(
            Row(
                f"Region {r}",
                f"{mean[place]:.0%} of the clip, from {low:.0%} to {high:.0%}",
                pictures=overlay(
                    subject.frames,
                    on_frames[place] - low,
                    most=high - low or 1.0,
                ),
                scale=(f"{low:.0%}", f"{high:.0%}"),
                swatches=((kind_color(place), f"region {r}"),),
            )
        )
    return rows
