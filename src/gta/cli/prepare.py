"""`gta prepare`."""

from pathlib import Path
from shlex import quote
from typing import Annotated, Literal

import typer

from gta.cli.options import (
    DataOption,
    JsonOption,
    ModelOption,
    RecipeOption,
    RootOption,
    SetOption,
    chosen_recipe,
)

SHOWN = 5
"""How many videos with a problem the terminal lists."""


def prepare(
    out: Annotated[Path, typer.Option("--out", help="A new or unfinished folder, outside --root.")],
    data: DataOption = None,
    root: RootOption = None,
    form: Annotated[
        Literal["video", "jpeg"],
        typer.Option("--as", help="H.264 in MP4, or a JPEG for each frame."),
    ] = "video",
    resize: Annotated[
        str | None,
        typer.Option(
            help="The short side in pixels, or exactly HEIGHTxWIDTH as in clip.resize, or none. "
            "Nothing is enlarged. Default: as --model or --recipe resizes in training if that is "
            "to an exact size, else 256."
        ),
    ] = None,
    key_frames: Annotated[
        int,
        typer.Option(
            min=1,
            help="Distance of keyframes in frames: 1 is fastest to read, 10 takes half the disk.",
        ),
    ] = 1,
    quality: Annotated[
        int | None,
        typer.Option(
            help="x264's crf (default 23, lower is better) or JPEG quality (85, higher is better)."
        ),
    ] = None,
    shards: Annotated[
        bool, typer.Option("--shards", help="Put them into tar files, for object storage.")
    ] = False,
    shard_mb: Annotated[int, typer.Option(min=1, help="Size of a tar file in MB.")] = 1000,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; default: one per core.")
    ] = None,
    model: ModelOption = None,
    recipe: RecipeOption = None,
    settings: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy a data set into a form that is read several times faster; then use OUT as --root.

    The original stays as it is. Each copy is read again and compared with its original. If
    interrupted, the same command resumes. Exit code 1: some videos could not be read or copied;
    they are listed, the others are prepared.
    """
    from dataclasses import asdict

    from gta.cli.console import Terminal, print_json
    from gta.cli.signals import stop
    from gta.cores import available_cores
    from gta.data.formats.prepared import find_manifest
    from gta.data.prepare import Options
    from gta.data.prepare import prepare as prepare_videos
    from gta.data.prepare.copies import POOR_PSNR
    from gta.data.prepare.options import parse_resize
    from gta.data.records import Split, VideoList
    from gta.data.storage.locations import is_url
    from gta.data.videos import chosen_splits, list_videos
    from gta.errors import DataError, UsageError

    chosen = chosen_recipe(model or _any_model(data, recipe), data, recipe, root, settings)
    source, size = chosen.data, chosen.clip.resize
    for_recipe = resize is None and bool(model or recipe) and isinstance(size, tuple)
    if not for_recipe:
        size = parse_resize(resize or "256")
    options = Options(form, size, key_frames, quality, shards, shard_mb)
    if source.root is None:
        raise UsageError("which videos? Give the folder of the data set: --root DIR")
    if is_url(source.root):
        raise UsageError(f"--root {source.root} is a URL; give a folder")
    if Path(source.root).is_dir() and find_manifest(source.root) is not None:
        raise UsageError(f"--root {source.root} is prepared already; give the original data set")
    splits: dict[Split, VideoList] = {s: list_videos(source, s) for s in ("train", "val")}
    without: dict[Split, str] = {}
    try:
        splits["test"] = list_videos(source, "test")
    except DataError as error:
        without["test"] = str(error).replace(source.root, "the original")
    terminal = Terminal(stderr=as_json)
    counts = ", ".join(f"{len(videos)} {split}" for split, videos in splits.items())
    terminal.say(f"{source.root}: {counts}" + (" (no test split)" if without else ""))
    for note in dict.fromkeys(note for videos in splits.values() for note in videos.notes):
        terminal.say(note)
    if for_recipe and isinstance(size, tuple):
        terminal.say(
            f"copies are of exactly {size[0]}x{size[1]} pixels (height x width), as "
            f"{model or recipe} resizes; for models and protocols that keep the shape of the "
            f"picture, prepare with --resize 256"
        )
    stop.kept = f"the same command goes on in {out}"
    with terminal.track("preparing", sum(map(len, splits.values()))) as advance:
        done = prepare_videos(
            splits,
            Path(source.root),
            out,
            options,
            chosen=chosen_splits(
                source.format,
                val_fraction=source.val_fraction,
                seed=source.split_seed,
                keep_groups=source.keep_groups,
                fold=source.fold,
                lists={
                    "train": source.train_list,
                    "val": source.val_list,
                    "test": source.test_list,
                },
            ),
            without=without,
            workers=workers or available_cores(),
            say=terminal.say,
            progress=lambda done, _, note: advance(done, note),
        )
    if as_json:
        failures = [{"path": path, "reason": reason} for path, reason in done.unreadable.items()]
        print_json(asdict(done) | {"unreadable": failures})
        raise typer.Exit(1 if done.unreadable else 0)
    written = f"{done.written} written now, {done.bytes / 1e9:.2f} GB"
    worst = (
        f"; the frame that differs most has {done.least_psnr:.1f} dB ({done.least_psnr_of})"
        if done.least_psnr is not None
        else ""
    )
    terminal.say(f"{out}: {written}; each was read again and compared with its original{worst}")
    if done.poor:
        better = options.better_quality
        remedy = f"--quality {better} instead of {options.quality} keeps more, in a new --out"
        terminal.say(
            f"warning: {len(done.poor)} copies lost much of their original, with frames below "
            f"{POOR_PSNR:g} dB (PSNR), such as {done.least_psnr_of}"
            + (f"; {remedy}" if better is not None else "")
        )
    if done.cut_off:
        name, what = next(iter(done.cut_off.items()))
        terminal.say(
            f"warning: {len(done.cut_off)} originals are cut off and were copied as far as they "
            f"go, such as {name}: {what}"
        )
    if done.gain is not None:
        terminal.say(str(done.gain))
    if done.unreadable:
        terminal.say(f"{len(done.unreadable)} videos have no copy and cannot be read from {out}:")
        for name, problem in list(done.unreadable.items())[:SHOWN]:
            terminal.say(f"  {name}: {problem}")
        if len(done.unreadable) > SHOWN:
            terminal.say(f"  and {len(done.unreadable) - SHOWN} more; --json lists all")
        raise typer.Exit(1)
    terminal.say(f"Next: the same commands as before with --root {quote(str(out))}")


def _any_model(data: str | None, recipe: Path | None) -> str | None:
    """Any model with a recipe for the data: the data set is the same in all."""
    from gta.recipes import shipped_recipes

    return None if recipe else next(iter(shipped_recipes().get(data or "", ["tiny_gta"])))
