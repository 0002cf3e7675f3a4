"""The whole of it: plan, trial, copies, shards, manifest."""

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gta.data.formats.prepared import MANIFEST, PLAN, VERSION, WORK, manifest_text, prepared_videos
from gta.data.prepare.copies import ENDINGS, POOR_PSNR, num_bytes, write_copy
from gta.data.prepare.gain import Gain, measure
from gta.data.prepare.journal import Entry, Journal, claimed
from gta.data.prepare.options import Options
from gta.data.prepare.pack import Packer
from gta.data.prepare.plan import PLACE, Job, make_plan, name_of, uncertain
from gta.data.prepare.workers import FULL, DiskFull, at_work, copied, left_behind
from gta.data.records import Split, Video, VideoList
from gta.data.storage.outside import check_outside
from gta.errors import UsageError
from gta.files import write_text

_TRIED = 8
"""Videos of a trial."""
_TRIAL = "trial-"


@dataclass(frozen=True, slots=True)
class Summary:
    """What `prepare` leaves behind."""

    videos: dict[str, int]
    """By split."""
    written: int
    """By this call; the others were there."""
    bytes: int
    """Of all copies."""
    unreadable: dict[str, str]
    """Reasons by name."""
    least_psnr: float | None
    """dB, over the frames that were compared."""
    least_psnr_of: str | None
    """Of which video."""
    poor: dict[str, float]
    """Copies with a frame below `POOR_PSNR`: the PSNR in dB by name."""
    cut_off: dict[str, str]
    """What is there of originals whose files end before their end, by name."""
    gain: Gain | None
    """Measured on some of the copies; None: there are none."""


def prepare(
    splits: Mapping[Split, VideoList],
    root: Path,
    out: Path,
    options: Options,
    *,
    chosen: Mapping[str, Any],
    without: Mapping[Split, str] | None = None,
    workers: int = 1,
    say: Callable[[str], object] = lambda text: None,
    progress: Callable[[int, int, str], object] = lambda done, total, note: None,
) -> Summary:
    """Copies a data set into a form that is read faster. Called again, it goes on.

    Args:
        splits: Its videos, as its reader lists them.
        root: Its folder.
        out: Where the copies go: a new folder, or a folder that was begun with the same settings.
        options: How copies are made.
        chosen: The format and what chooses its splits (`gta.data.videos.chosen_splits`).
        without: Why there is no such split.
        workers: Processes; 1: the caller's own.
        say: Told what a trial on a few videos gains, before the others are copied.
        progress: Called with (videos done, videos in all, their size so far).

    Raises:
        UsageError: The folder is inside of the original, holds something else, was begun with
            other settings, or its disk is full.
    """
    root, out = root.absolute(), out.absolute()
    check_outside("--out", out, root)
    with claimed(out, options, dict(chosen)):
        journal = Journal(out)
        jobs = make_plan(splits, root, options, journal.places)
        packer = Packer(out, list(jobs.values()), options.shard_mb) if options.shards else None
        packed = packer.packed if packer else set[str]()
        doubted = _doubted(journal, jobs, out, packed)
        left = [job for job in jobs.values() if not journal.done(job, out, job.name in packed)]
        _check_unchanged(left, packed)
        names = {job.name for job in left}
        entries = {name: journal.entries[name] for name in jobs if name not in names}
        for trial in (out / WORK).glob(f"{_TRIAL}*"):
            shutil.rmtree(trial)
        crashed = left_behind(out)
        if left and not journal.begun:
            say(_trial([job for job in left if job.name != crashed], out, options, len(jobs)))
        if doubted or any(name in journal.entries and journal.entries[name].copy for name in names):
            (out / MANIFEST).unlink(missing_ok=True)  # copies that it tells of are made anew
        size = _bytes(entries.values())
        try:
            for job, entry in copied(left, out, options, workers, crashed):
                journal.add(job, entry)
                entries[job.name] = entry
                if packer is not None:
                    packer.pack(entries)
                size += _bytes([entry])
                progress(len(entries), len(jobs), f"{size / 1e9:.2f} GB")
            if packer is not None:
                packer.pack(entries, last=True)
                shutil.rmtree(out / PLACE, ignore_errors=True)
        except (DiskFull, OSError) as error:
            if isinstance(error, OSError) and error.errno not in FULL:
                raise
            raise UsageError(
                f"The disk of {out} is full: {len(entries)} of {len(jobs)} videos are prepared "
                f"({size / 1e9:.2f} GB). Make room and type the same command again."
            ) from error
        if packer is None:
            _check_written(jobs, entries, out)
        manifest = _manifest(splits, root, options, chosen, without or {}, jobs, entries, packer)
        gain = _finish(manifest, splits, root, out, jobs, entries)
    copies = {name: entry.copy for name, entry in entries.items() if entry.copy}
    worst = min(copies, key=lambda name: copies[name].psnr, default=None)
    return Summary(
        videos={split: len(videos) for split, videos in splits.items()},
        written=sum(entries[job.name].copy is not None for job in left),
        bytes=size,
        unreadable={n: e.problem for n, e in entries.items() if e.problem is not None},
        least_psnr=copies[worst].psnr if worst else None,
        least_psnr_of=worst,
        poor={name: copy.psnr for name, copy in copies.items() if copy.psnr < POOR_PSNR},
        cut_off={name: copy.cut_off for name, copy in copies.items() if copy.cut_off},
        gain=gain,
    )


def _doubted(journal: Journal, jobs: Mapping[str, Job], out: Path, packed: set[str]) -> set[str]:
    """Forgets the copies of an earlier version that may be another video's; gives their names."""
    older = journal.entries.keys() - journal.places.keys()
    doubted = uncertain(older | jobs.keys()) & older
    mixed = sorted(doubted & packed)
    if mixed:
        raise UsageError(
            f"{out} was begun by an earlier version, which may have put one video in the place of "
            f"another: {len(mixed)} in shards, such as {mixed[0]}. Prepare into a new folder."
        )
    journal.forget(doubted)
    return doubted


def _check_written(jobs: Mapping[str, Job], entries: Mapping[str, Entry], out: Path) -> None:
    """Each original has a copy of its own, as long as when it was written and compared."""
    lost = [
        job.place
        for job in jobs.values()
        if (copy := entries[job.name].copy) and num_bytes(out / job.place) != copy.bytes
    ]
    if lost:
        raise UsageError(
            f"{len(lost)} copies in {out} are not as they were written, such as {lost[0]}: does "
            f"something else write there? The same command makes them again."
        )


def _check_unchanged(left: Sequence[Job], packed: set[str]) -> None:
    changed = [job.name for job in left if job.name in packed]
    if changed:
        raise UsageError(
            f"{len(changed)} originals have changed since they were put into shards, such as "
            f"{changed[0]}; shards are written once. Prepare into a new folder."
        )


def _bytes(entries) -> int:
    return sum(entry.copy.bytes for entry in entries if entry.copy)


def _spread(names: Sequence[str], count: int) -> list[str]:
    """Some of them, evenly from first to last."""
    step = max(len(names) / count, 1)
    return [names[int(i * step)] for i in range(min(count, len(names)))]


def _trial(left: Sequence[Job], out: Path, options: Options, total: int) -> str:
    """Copies a few videos, measures, and throws the copies away."""
    by_name, before, after = {job.name: job for job in left}, list[Video](), list[Video]()
    sizes = [0, 0]
    with TemporaryDirectory(dir=out / WORK, prefix=_TRIAL) as folder:
        for name in _spread(list(by_name), _TRIED):
            job, target = by_name[name], Path(folder) / f"{len(after)}{ENDINGS[options.form]}"
            try:
                with at_work(out, name):
                    copy = write_copy(job.source, target, options)
            except OSError:
                raise
            except Exception:  # it is tried again, and then put on record
                continue
            before.append(replace(job.video, label=0))
            after.append(Video(job.video.id, target, 0, copy.num_frames, fps=copy.fps))
            sizes[0] += num_bytes(job.source)
            sizes[1] += copy.bytes
        if not after:
            return "trial: none of the videos tried can be read; the others are tried now"
        gain = measure(before, after, *sizes)
    needed, free = sizes[1] / len(after) * total, shutil.disk_usage(out).free
    text = (
        f"trial: {gain}; all {total} videos will take about {needed / 1e9:.2f} GB, "
        f"{free / 1e9:.1f} GB are free"
    )
    return text + (". THE DISK IS TOO SMALL for them" if needed > free else "")


def _finish(
    manifest: dict[str, Any],
    splits: Mapping[Split, VideoList],
    root: Path,
    out: Path,
    jobs: Mapping[str, Job],
    entries: Mapping[str, Entry],
) -> Gain | None:
    """Writes the manifest with the gain, unless the manifest that is there says the same."""
    before = json.loads((out / MANIFEST).read_bytes()) if (out / MANIFEST).is_file() else {}
    if before | {"gain": None} == json.loads(json.dumps(manifest)):
        return before["gain"] and Gain(**before["gain"])
    if hasattr(os, "sync"):
        os.sync()  # the copies are on the disk before the manifest says so
    gain = _gain(manifest, splits, root, out, jobs, entries)
    manifest["gain"] = gain and asdict(gain)
    write_text(out / MANIFEST, manifest_text(manifest))
    return gain


def _gain(
    manifest: Mapping[str, Any],
    splits: Mapping[Split, VideoList],
    root: Path,
    out: Path,
    jobs: Mapping[str, Job],
    entries: Mapping[str, Entry],
) -> Gain | None:
    """Of copies where they are now."""
    split = next(iter(splits))
    videos = prepared_videos(
        manifest, out, split, asked=manifest["source"], cache_folder=out, cache_gb=0
    )
    names = [name_of(Path(str(video.path)), root) for video in splits[split].videos]
    good = {
        name: pair
        for name, *pair in zip(names, splits[split].videos, videos.videos, strict=True)
        if entries[name].copy
    }
    tried = _spread(list(good), _TRIED)
    if not tried:
        return None
    before, after = zip(*(good[name] for name in tried), strict=True)
    return measure(
        [replace(video, label=0) for video in before],
        [replace(video, label=0) for video in after],
        sum(num_bytes(jobs[name].source) for name in tried),
        _bytes(entries[name] for name in tried),
    )


def _manifest(
    splits: Mapping[Split, VideoList],
    root: Path,
    options: Options,
    chosen: Mapping[str, Any],
    without: Mapping[Split, str],
    jobs: Mapping[str, Job],
    entries: Mapping[str, Entry],
    packer: Packer | None,
) -> dict[str, Any]:
    places: dict[str, list[int | str]] = {}
    shards = sorted(packer.shards) if packer else []
    for number, shard in enumerate(shards):
        assert packer is not None
        places |= {name: [number, *place] for name, place in packer.shards[shard].items()}

    def row(video: Video) -> list:
        assert isinstance(video.path, Path)
        name = name_of(video.path, root)
        entry = entries[name]
        if entry.copy is None:
            problem = {"name": name, "problem": f"{entry.problem} (when it was prepared)"}
            return [video.id, video.label, problem, None, None]
        place = places.get(name, jobs[name].place)
        return [video.id, video.label, place, entry.copy.num_frames, entry.copy.fps]

    parts = {
        split: {
            "classes": videos.classes,
            "missing": list(videos.missing),
            "videos": [row(video) for video in videos.videos],
            "checksums": [
                packer.checksums.get(name_of(Path(str(video.path)), root)) if packer else None
                for video in videos.videos
            ],
        }
        for split, videos in splits.items()
    }
    return {
        "gta_prepared": VERSION,
        "made": hashlib.sha256(json.dumps([shards, parts]).encode()).hexdigest()[:16],
        "source": dict(chosen),
        "plan": PLAN,
        "settings": asdict(options),
        "problems": Counter(bool(e.problem) for e in entries.values())[True],
        "without": dict(without),
        "shards": [[name, (packer.folder / name).stat().st_size] for name in shards if packer],
        "gain": None,
        "splits": parts,
    }
