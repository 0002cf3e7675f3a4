"""Many videos in shards: how soon work is gone on with, what kills cost, and what decoding allows.

    python -m benchmarks.many_videos start [--videos 1000000]
    python -m benchmarks.many_videos kills [--kills 100] [--processes 4]
    python -m benchmarks.many_videos speed [--videos 200] [--device cpu]
    python -m benchmarks.many_videos together [--processes 2]        # a process a GPU

With `--out benchmarks/results/many_videos.json` each keeps its own part of that file; runs of
`speed` on a GPU are added to one another (`many_videos_h200.json`).

`start` measures the second start of a list of which nine tenths are done. `kills` ends processes
without warning, those that are at a shard above all, starts others in their place, and counts the
lines of each video. `speed` puts the rate of the whole beside that of decoding alone, by the same
number of processes. `together` does so for `gta predict` under torchrun, a process a GPU, from the
first shard that is written to the last, and counts the lines of each video. Without a run, a
network with fresh weights is used: `--model` names it.
"""

import argparse
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from typing import Any

import torch

from benchmarks.output import about, write
from gta.cores import available_cores
from gta.ordered import render_dataset
from gta.predict import Predictor, load
from gta.predict.decoders import Decoders
from gta.predict.leases import Leases
from gta.predict.many import begin_work, predict_work
from gta.predict.open_shards import OpenShards
from gta.predict.reading import Reader
from gta.predict.work import Job, Work, digest_of
from gta.progress import Advance, Silent
from gta.recipes import find_recipe, read_recipe
from gta.runs import Run

_SHARDS = 4
"""One less than what is finished at most between two kills."""
_SMALL = ("clip.size=32", "clip.num_frames=4", "test.protocol=1x1-center32", "model.width=16")


def fresh_run(folder: Path, model: str = "tiny_gta", settings: tuple[str, ...] = _SMALL) -> Path:
    """A run of a network with fresh weights: speed does not depend on what it has learned."""
    data, _, name = model.rpartition("/")
    recipe = read_recipe(find_recipe(data or "ordered", name), ("model.weights=none", *settings))
    run = Run.create(folder, recipe, ["up", "down"])
    run.save_weights(run.build(), "last", epoch=0)
    return folder


def clips(folder: Path, number: int, *, size: int = 32) -> Path:
    """A list of so many videos; they are links to a few clips."""
    render_dataset(
        folder / "data",
        num_train=4,
        num_val=4,
        num_frames=8,
        height=size,
        width=size,
        classes=("up", "down"),
        workers=1,
    )
    real = sorted((folder / "data").rglob("*.webm"))
    (folder / "videos").mkdir()
    names = [f"{i:06d}.webm" for i in range(number)]
    for i, name in enumerate(names):
        (folder / "videos" / name).symlink_to(real[i % len(real)])
    (folder / "list.txt").write_text("\n".join(names))
    return folder / "list.txt"


def second_start(folder: Path, videos: int) -> dict[str, float]:
    """Seconds of the first start and of one at which nine tenths of the videos are done."""
    names = [f"part-{i // 1000:04d}/video-{i:07d}.mp4" for i in range(videos)]
    (folder / "part-0000").mkdir()
    (folder / names[0]).touch()
    (folder / "list.txt").write_text("\n".join(names))

    def begin() -> Work:
        job = Job(digest_of(folder / "list.txt"), str(folder), "model", "1x1-center224", 5)
        return Work.begin(folder / "work", folder / "list.txt", job)

    began = time.perf_counter()
    work = begin()
    first = time.perf_counter() - began
    for shard in range(work.num_shards * 9 // 10):
        lines = "".join(
            json.dumps({"video": name, "top": []}) + "\n" for name in work.videos(shard)
        )
        work.path(shard).write_text(lines)
    began = time.perf_counter()
    work = begin()
    leases = Leases(work.leases, stuck=60)
    task = OpenShards(work, leases).next()
    second = time.perf_counter() - began
    leases.close()
    assert task is not None
    assert task.video == names[task.shard * work.size]
    return {"videos": videos, "shards": work.num_shards, "first_s": first, "second_s": second}


def killed(folder: Path, kills: int, processes: int, videos: int, seed: int = 0) -> dict[str, Any]:
    """Predicts lists with processes that are killed, until there were so many kills.

    Returns:
        Kills, lists, videos, and how often a video had another number of lines than one.
    """
    rng = random.Random(seed)
    file, run = clips(folder, videos), fresh_run(folder / "run")
    names = file.read_text().split("\n")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__ if __name__ != "__main__" else "gta.predict.many"])
    done, lists, wrong, began = 0, 0, 0, time.perf_counter()
    while done < kills:
        work, out = folder / f"work-{lists}", folder / f"{lists}.jsonl"
        workers = [_start(context, run, file, work) for _ in range(processes)]
        wanted = rng.randrange(_SHARDS)  # finished shards at the next kill; all get on meanwhile
        while any(worker.is_alive() for worker in workers) or any(w.exitcode for w in workers):
            for i, worker in enumerate(workers):
                if worker.exitcode not in (None, 0):
                    workers[i] = _start(context, run, file, work)
            time.sleep(rng.uniform(0, 0.2))
            finished = len(list(work.glob("shards/[0-9]*")))
            holders = _holders(work / "leases")
            busy = [w for w in workers if w.is_alive() and w.pid in holders]
            if done < kills and busy and finished >= wanted:
                victim = rng.choice(busy)
                os.kill(victim.pid, signal.SIGKILL)
                victim.join()
                done, wanted = done + 1, finished + rng.randrange(_SHARDS)
        lists += 1
        _merged(run, file, work, out)
        wrong += wrong_lines(out, names)
    return {
        **{"kills": done, "processes": processes, "lists": lists, "videos": lists * videos},
        **{"wrong": wrong, "seconds": time.perf_counter() - began},
    }


def wrong_lines(out: Path, names: list[str]) -> int:
    """How many videos have another number of lines than one."""
    lines = Counter(json.loads(line)["video"] for line in out.read_text().splitlines())
    return sum(lines[name] != 1 for name in names) + len(set(lines) - set(names))


def _start(context: Any, run: Path, file: Path, work: Path) -> Any:
    worker = context.Process(target=work_on, args=(run, file, work))
    worker.start()
    return worker


def work_on(run: Path, file: Path, folder: Path) -> None:
    """One of the processes that share the work."""
    # a folder for sockets of its own, as a process from a command line has
    multiprocessing.current_process()._config.pop("tempdir", None)
    predictor = load(run, device="cpu")
    work = begin_work(predictor, file, folder, root=file.parent / "videos", shard=5)
    predict_work(predictor, work, decoders=1)


def _holders(leases: Path) -> set[int]:
    """Processes that are at a shard."""
    found = set[int]()
    for lease in leases.glob("[0-9]*") if leases.is_dir() else ():
        try:
            found.add(json.loads(lease.read_text())["pid"])
        except (OSError, ValueError):  # given back, or not written yet
            continue
    return found


def _merged(run: Path, file: Path, folder: Path, out: Path) -> None:
    from gta.predict.merge import merge

    predictor = load(run, device="cpu")
    merge(begin_work(predictor, file, folder, root=file.parent / "videos", shard=5), out)


class _Clock(Silent):
    """When how many videos were done."""

    def __init__(self):
        self.seen: list[tuple[int, float]] = []

    @contextmanager
    def track(self, what: str, total: int) -> Iterator[Advance]:
        del what, total
        yield lambda done, note: self.seen.append((done, time.perf_counter()))

    def rate(self) -> float:
        """Videos a second from the first that was done to the last."""
        ends = [(done, when) for done, when in self.seen if done]
        (first, began), (last, ended) = ends[0], ends[-1]
        return (last - first) / (ended - began)


def speed(folder: Path, predictor: Predictor, file: Path, decoders: int) -> dict[str, float]:
    """Videos a second of decoding alone and of the whole, by the same number of processes."""
    alone = decoding(predictor, file, decoders)
    rates, num_classes = {}, len(predictor.run.classes)
    equal = torch.full((1, num_classes), 1 / num_classes)
    for name in ("whole", "without_network"):
        if name == "without_network":  # as where another processor computes
            predictor.scores = lambda views: equal.expand(len(views), -1)
        clock, root = _Clock(), file.parent / "videos"
        work = begin_work(predictor, file, folder / name, root=root)
        predict_work(predictor, work, decoders=decoders, report=clock)
        rates[name] = clock.rate()
    shares = {f"{name}_share": rate / alone for name, rate in rates.items()}
    return {"decoders": decoders, "decoding": alone, **rates, **shares}


def decoding(predictor: Predictor, file: Path, decoders: int) -> float:
    """Videos a second that so many processes read for nobody."""
    names = file.read_text().split("\n")
    paths = [str(file.parent / "videos" / name) for name in names]
    reader = Reader(predictor.protocol, predictor.run.recipe.clip, predictor.run.classes)
    pool = Decoders[int](reader, decoders)
    try:
        for i in range(2 * decoders):  # until all processes have begun
            pool.ask(i, paths[i % len(paths)])
        for _ in range(2 * decoders):
            pool.answer()
        began = time.perf_counter()
        for i, path in enumerate(paths):
            pool.ask(i, path)
            if i >= 2 * decoders:
                pool.answer()
        for _ in range(min(2 * decoders, len(paths))):
            pool.answer()
        return len(paths) / (time.perf_counter() - began)
    finally:
        pool.close()


def together(folder: Path, run: Path, file: Path, processes: int, decoders: int) -> dict[str, Any]:
    """`gta predict` by so many processes: its rate, and the videos without exactly one line."""
    out, work = folder / "lines.jsonl", folder / "work"
    launcher = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command = ["gta", "predict", str(run), "--list", str(file), "--root", file.parent / "videos"]
    command += ["--work", str(work), "--out", str(out)]
    subprocess.run([sys.executable, "-m", *launcher, "-m", *command], check=True)
    names = file.read_text().split("\n")
    shards = [path for path in (work / "shards").iterdir() if path.name[0].isdecimal()]
    written = sorted((path.stat().st_mtime, path) for path in shards)
    after_first = sum(path.read_text().count("\n") for _, path in written[1:])
    rate = after_first / (written[-1][0] - written[0][0])
    alone = decoding(load(run, device="cpu"), file, decoders)
    return {
        **{"processes": processes, "decoders": decoders, "videos": len(names)},
        **{
            "wrong": wrong_lines(out, names),
            "decoding": alone,
            "whole": rate,
            "whole_share": rate / alone,
        },
    }


def table(found: dict[str, Any]) -> str:
    """Markdown: a row for each of the three."""
    start, kills, rate = (found["results"][name] for name in ("start", "kills", "speed"))
    lines = [
        f"| a list of {start['videos']:,} videos is begun | {start['first_s']:.1f} s |",
        f"| it is gone on with, nine tenths done | {start['second_s']:.2f} s |",
        f"| {kills['kills']} kills of {kills['processes']} processes at {kills['videos']} videos: "
        f"videos without exactly one line | {kills['wrong']} |",
        f"| decoding alone, {rate['decoders']} processes | {rate['decoding']:.1f} videos/s |",
        f"| the whole, {rate['model']} on {rate['device']} | {rate['whole']:.1f} videos/s, "
        f"{rate['whole_share']:.0%} |",
        f"| the whole, as if the network took no time | {rate['without_network']:.1f} videos/s, "
        f"{rate['without_network_share']:.0%} |",
    ]
    return "\n".join(["| what | measured |", "| --- | ---: |", *lines])


def table_on_gpu(found: dict[str, Any]) -> str:
    """Markdown: a row for each run of `speed` on a GPU."""
    lines = [
        "| network | processes that read | decoding alone, videos/s | the whole | as if the "
        "network took no time |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for run in found["results"]["speed_on_gpu"]:
        lines.append(
            f"| `{run['model'].rpartition('/')[2]}` | {run['decoders']} | {run['decoding']:.0f} | "
            f"{run['whole']:.0f} ({run['whole_share']:.2f}) | "
            f"{run['without_network']:.0f} ({run['without_network_share']:.2f}) |"
        )
    return "\n".join(lines)


def table_together(found: dict[str, Any]) -> str:
    """Markdown: a row for each run of `together`."""
    lines = [
        "| network | processes, a GPU each | processes that read | decoding alone, videos/s | "
        "the whole | videos without exactly one line |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for run in sorted(found["results"]["together"], key=itemgetter("processes")):
        lines.append(
            f"| `{run['model'].rpartition('/')[2]}` | {run['processes']} | {run['decoders']} | "
            f"{run['decoding']:.0f} | {run['whole']:.0f} ({run['whole_share']:.2f}) | "
            f"{run['wrong']} of {run['videos']:,} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Runs one of them and prints it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=["start", "kills", "speed", "together"])
    parser.add_argument("--videos", type=int)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--decoders", type=int, default=available_cores())
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--model",
        default="tiny_gta",
        help="of the recipes of ordered, or of others: ssv2/r2d50_gta",
    )
    parser.add_argument("--size", type=int, default=240, help="pixels of the clips of `speed`")
    parser.add_argument("--run", type=Path, help="of `speed`: a run, instead of fresh weights")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.what == "start":
            results: dict[str, Any] = second_start(folder, given.videos or 1_000_000)
        elif given.what == "kills":
            results = killed(folder, given.kills, given.processes, given.videos or 300)
        else:
            alone = given.what == "speed"
            run = given.run or fresh_run(folder / "run", given.model, ())
            file = clips(folder, given.videos or (200 if alone else 6000), size=given.size)
            results = {"device": given.device, "model": given.model}
            if alone:
                predictor = load(run, device=given.device)
                results["device"] = str(predictor.device)
                results |= speed(folder, predictor, file, given.decoders)
            else:
                results |= together(folder, run, file, given.processes, given.decoders)
    kept: dict[str, Any] = {}
    if given.out is not None and given.out.is_file():
        kept = json.loads(given.out.read_text(encoding="utf-8"))["results"]
    results |= {"cores": available_cores()}
    if given.what == "together":
        kept.setdefault("together", []).append(results)
    elif given.what == "speed" and results["device"] != "cpu":
        kept.setdefault("speed_on_gpu", []).append(results)
    else:
        kept[given.what] = results
    write({**about("torch", "av"), "results": kept}, given.out)
    for key, value in results.items():
        print(f"{key:12} {value:.3f}" if isinstance(value, float) else f"{key:12} {value}")


if __name__ == "__main__":
    main()
