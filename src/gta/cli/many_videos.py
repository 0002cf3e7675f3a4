"""`gta predict --list`: its options, and the summary at the end."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import typer

from gta.cli.signals import stop
from gta.errors import DataError, UsageError


@dataclass(frozen=True, slots=True)
class ListOptions:
    """The options of a list, as they were given."""

    files: tuple[Path, ...]
    work: Path
    root: Path | None
    outs: tuple[Path, ...]
    engine: str
    decoders: int | None
    networks: int | None
    limit: float | None
    shard: int | None

    def require_alone(self, videos: Sequence[Path], others: Sequence[str]) -> None:
        """Checks that there is one list, and no option that does not apply to it.

        Raises:
            UsageError: There are several lists, or there is such an option.
        """
        if videos:
            raise UsageError(f"give either videos, such as {videos[0]}, or --list, not both")
        if len(self.files) != 1:
            raise UsageError(
                f"--work FOLDER takes one list, got {len(self.files)}: give --list FILE once"
            )
        if len(self.outs) > 1:
            raise UsageError(f"--work writes one file at the end: give one --out, not {self.outs}")
        if others:
            raise UsageError(
                f"{', '.join(others)}: does not apply to work in shards; leave out --work"
            )


def predict_list(
    run: Path,
    given: ListOptions,
    model: dict[str, Any],
    *,
    device: str,
    top: int,
    as_json: bool,
) -> NoReturn:
    """Predicts the videos of a list, prints a summary, and exits."""
    (file,), folder = given.files, given.work
    out = given.outs[0] if given.outs else None
    limit = 60.0 if given.limit is None else given.limit
    from gta.cli.console import Terminal, print_json
    from gta.predict.many import begin_work, predict_work
    from gta.predict.merge import check_out, merge
    from gta.predict.predictor import load

    if out is not None:
        check_out(out)
    terminal = Terminal(stderr=as_json, quiet=os.environ.get("RANK", "0") != "0")
    here = "cpu" if given.engine == "ray" else _local_device(device)
    predictor = load(run, device=here, **model)
    work = begin_work(predictor, file, folder, root=given.root, top=top, shard=given.shard)
    stop.kept = f"finished shards are in {folder}; the same command goes on"
    if given.engine == "ray":
        from gta.predict.ray_engine import predict_on_ray

        done = predict_on_ray(
            predictor,
            work,
            device=device,
            decoders=given.decoders,
            networks=given.networks or 1,
            limit=limit,
            report=terminal,
        )
    else:
        done = predict_work(predictor, work, decoders=given.decoders, limit=limit, report=terminal)
    if out is not None:
        merge(work, out)
    counts = done.counts
    if as_json:
        print_json(
            {
                "run": str(run),
                "weights": predictor.weights,
                "protocol": predictor.protocol.name,
                "videos": counts.videos,
                "unreadable": counts.unreadable,
                "cut_off": counts.cut_off,
                "work": str(folder),
                "out": None if out is None else str(out),
                "written_here": done.videos,
                "seconds": round(done.seconds, 1),
            }
        )
    else:
        losses = f"; {counts.cut_off} cut off" if counts.cut_off else ""
        losses += f"; {counts.unreadable} could not be read" if counts.unreadable else ""
        speed = f", {done.videos / done.seconds:.1f} a second" if done.videos else ""
        terminal.say(
            f"{run}: {predictor.weights}, protocol {predictor.protocol}; {counts.videos} videos "
            f"in {out or work.shards}{losses}; {done.videos} by this process{speed}"
        )
    raise typer.Exit(DataError.exit_code if counts.unreadable else 0)


def _local_device(device: str) -> str:
    """The GPU of this process, by its rank among those of `torchrun` or SLURM on this host."""
    number = os.environ.get("LOCAL_RANK") or os.environ.get("SLURM_LOCALID", "")
    if device != "auto" or not number.isdecimal():
        return device
    import torch

    count = torch.cuda.device_count()
    return f"cuda:{int(number) % count}" if count else device
