"""`--engine ray`: decoders are actors on CPUs, networks actors on GPUs, as many as asked for.

The shards, their files and leases are those of any other process; the process that calls this
writes them. Views go from decoder to network through Ray's object store, past the caller. An actor
that dies is replaced, with its node or without; what was on its way is read again. A video is
recorded as unreadable when it has taken several decoders with it, or more than its time.
"""

import os
import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import torch

from gta.errors import MachineError, UsageError, first_line
from gta.predict.decoders import CRASHES, LIMIT, too_long
from gta.predict.leases import Leases
from gta.predict.many import STUCK, Done, error_line, line
from gta.predict.merge import count
from gta.predict.open_shards import OpenShards, Task
from gta.predict.predictor import Predictor
from gta.predict.ray_actors import DecoderActor, NetworkActor
from gta.predict.reading import Reader, Seen
from gta.predict.work import Work
from gta.progress import Report, Silent

_DEATHS = 3
"""Decoders that a video may take with it; a node may have died, which is no fault of a video."""
_STARTS = 5
"""Actors of a kind in a row that may die before they have begun."""
_BATCHES = 2
"""That wait for each network."""
_LOOK_EVERY = 0.5
"""Seconds between two looks at what takes too long."""


@dataclass(eq=False, slots=True)
class _Actor:
    """A decoder or network, and since when it is at what."""

    handle: Any
    task: Task | None = None
    views: Any = None
    since: float = 0.0
    batches: int = 0


@dataclass(slots=True)
class _Ready:
    """A video that is read; its views are in the object store."""

    task: Task
    about: tuple[tuple[int, ...], list[int], Seen]
    views: Any


def predict_on_ray(
    predictor: Predictor,
    work: Work,
    *,
    device: str = "auto",
    decoders: int | None = None,
    networks: int = 1,
    limit: float = LIMIT,
    report: Report | None = None,
) -> Done:
    """Predicts what is left of the work on a Ray cluster; see `gta.predict.many.predict_work`.

    The run and the videos are at the same paths on all nodes.

    Args:
        predictor: The same model as that of the work; it is loaded again in each network.
        work: The folder, which this process alone needs to see.
        device: Of networks; "auto": a GPU each, if the cluster has any.
        decoders: Actors that read videos, one CPU each; None: all CPUs that networks leave.
        networks: Actors that score, each with a GPU or a CPU.
        limit: Seconds for a video.
        report: Where progress is shown.

    Raises:
        UsageError: Ray is not installed, or no cluster is running.
    """
    ray, began = _connected(), time.monotonic()
    resources = ray.cluster_resources()
    on_gpu = device != "cpu" and resources.get("GPU", 0) > 0
    needs = {"num_cpus": 1, "num_gpus": 1} if on_gpu else {"num_cpus": 1}
    count_decoders = decoders or max(1, int(resources.get("CPU", 1)) - networks)
    options = {
        "device": "cuda" if on_gpu else "cpu",
        "best": predictor.run.weights is None and predictor.weights.startswith("best."),
        "protocol": predictor.protocol,
    }
    weights = predictor.run.weights and predictor.run.weights.absolute()
    run = replace(predictor.run, folder=predictor.run.folder.absolute(), weights=weights)
    reader = Reader(predictor.protocol, predictor.run.recipe.clip, predictor.run.classes)

    def decoder() -> Any:
        return ray.remote(DecoderActor).options(num_cpus=1).remote(reader)

    def network() -> Any:
        return ray.remote(NetworkActor).options(**needs).remote(run, options)

    leases = Leases(work.leases, stuck=limit + STUCK)
    shards = OpenShards(work, leases)
    engine = _Engine(ray, predictor, shards, decoder, network, limit)
    try:
        videos = engine.run(count_decoders, networks, report or Silent())
    finally:
        engine.close()
        leases.close()
    work.tidy()
    return Done(count(work), shards.finished, videos, time.monotonic() - began)


class _Engine:
    """Who is at what, and what came of it."""

    def __init__(self, ray: Any, predictor: Predictor, shards: OpenShards, decoder, network, limit):
        self.ray, self.predictor, self.shards, self.limit = ray, predictor, shards, limit
        self.make = {"decoder": decoder, "network": network}
        self.starting = dict[Any, tuple[str, _Actor]]()
        self.reading = dict[Any, _Actor]()
        self.scoring = dict[Any, tuple[_Actor, list[_Ready]]]()
        self.idle, self.networks = list[_Actor](), list[_Actor]()
        self.again, self.ready = list[Task](), list[_Ready]()
        self.deaths = Counter[Task]()
        self.failed, self.last = Counter[str](), Exception()
        self.size, self.done = 1, 0

    def run(self, decoders: int, networks: int, report: Report) -> int:
        for kind, number in (("network", networks), ("decoder", decoders)):
            for _ in range(number):
                self.start(kind)
        began = time.monotonic()
        with report.track("predicting", self.shards.work.num_videos) as advance:
            while True:
                self.ask(networks)
                waits = [*self.starting, *self.reading, *self.scoring]
                busy = self.reading or self.scoring or self.ready or self.again
                if not busy and self.shards.is_done:
                    return self.done
                if not waits:  # other processes are at all that is left
                    time.sleep(_LOOK_EVERY)
                    continue
                arrived, _ = self.ray.wait(waits, num_returns=1, timeout=_LOOK_EVERY)
                for reference in arrived:
                    self.take(reference)
                self.end_late()
                speed = self.done / max(time.monotonic() - began, 1e-9)
                advance(self.shards.num_done_before + self.done, f"{speed:.1f} videos/s")

    def close(self) -> None:
        actors = [actor for _, actor in self.starting.values()]
        for actor in (*actors, *self.idle, *self.reading.values(), *self.networks):
            self.ray.kill(actor.handle)

    def start(self, kind: str) -> None:
        actor = _Actor(self.make[kind]())
        self.starting[actor.handle.ready.remote()] = kind, actor

    def ask(self, networks: int) -> None:
        """Gives decoders and networks what they can take."""
        ahead = networks * (_BATCHES + 1) * self.size
        while self.idle and len(self.ready) < ahead:
            task = self.again.pop() if self.again else self.shards.next()
            if task is None:
                break
            actor = self.idle.pop()
            about, views = actor.handle.read.options(num_returns=2).remote(task.path)
            actor.task, actor.views, actor.since = task, views, time.monotonic()
            self.reading[about] = actor
        for actor in self.networks:
            while actor.batches < _BATCHES and self.ready:
                if len(self.ready) < self.size and self.reading and actor.batches:
                    break
                batch, self.ready = self.ready[: self.size], self.ready[self.size :]
                views = [item.views for item in batch]
                self.scoring[actor.handle.score.remote(batch[0].about[1], *views)] = actor, batch
                actor.batches += 1

    def take(self, reference: Any) -> None:
        """Something has come: an actor is ready, a video is read, a batch is scored."""
        errors = self.ray.exceptions
        try:
            value = self.ray.get(reference)
        except errors.RayError as error:
            self.last = error
            cause = getattr(error, "cause", None)
            if isinstance(error, errors.RayTaskError) and not isinstance(cause, errors.RayError):
                raise  # of our own code
            self.lost(reference)
            return
        if reference in self.starting:
            kind, actor = self.starting.pop(reference)
            self.failed[kind] = 0
            if kind == "network":
                self.size = value
            (self.networks if kind == "network" else self.idle).append(actor)
        elif reference in self.reading:
            actor = self.reading.pop(reference)
            assert actor.task is not None
            self.idle.append(actor)
            if isinstance(value, str):
                self.put(actor.task, error_line(actor.task.video, value))
            else:
                self.ready.append(_Ready(actor.task, value, actor.views))
        else:
            actor, batch = self.scoring.pop(reference)
            actor.batches -= 1
            for item, scores in zip(batch, torch.tensor(value), strict=True):
                top = self.shards.work.job.top
                text = line(self.predictor, scores, item.task.video, item.about[2], top)
                self.put(item.task, text)

    def lost(self, reference: Any) -> None:
        """An actor has died, or what it made is gone with its node."""
        if reference in self.starting:
            kind, _ = self.starting.pop(reference)
            self.failed[kind] += 1
            if self.failed[kind] > _STARTS:
                raise MachineError(f"on Ray, no {kind} can be started: {first_line(self.last)}")
            time.sleep(_LOOK_EVERY)  # not in a hurry, where each dies at once
            self.start(kind)
        elif reference in self.reading:
            actor = self.reading.pop(reference)
            assert actor.task is not None
            self.deaths[actor.task] += 1
            if self.deaths[actor.task] < _DEATHS:
                self.again.append(actor.task)
            else:
                self.put(actor.task, error_line(actor.task.video, CRASHES))
            self.start("decoder")
        else:
            actor, batch = self.scoring.pop(reference)
            actor.batches -= 1
            self.again += [item.task for item in batch]
            if actor in self.networks:  # whether it lives is not known: another takes its place
                self.networks.remove(actor)
                self.ray.kill(actor.handle)
                self.start("network")

    def end_late(self) -> None:
        """Ends decoders that are at a video for too long."""
        now = time.monotonic()
        for reference, actor in list(self.reading.items()):
            if now - actor.since > self.limit and actor.task is not None:
                del self.reading[reference]
                self.ray.kill(actor.handle)
                self.put(actor.task, error_line(actor.task.video, too_long(self.limit)))
                self.start("decoder")

    def put(self, task: Task, text: str) -> None:
        self.shards.put(task, text)
        self.done += 1


def _connected() -> Any:
    try:
        import ray
    except ImportError as error:
        raise UsageError(
            "--engine ray needs Ray: pip install 'gta-video[cluster]', on all nodes"
        ) from error
    if not ray.is_initialized():
        address = os.environ.get("RAY_ADDRESS", "auto")
        try:
            ray.init(address=address, log_to_driver=False, configure_logging=False)
        except ConnectionError as error:
            raise UsageError(
                f"no Ray cluster answers at {address}: start one with `ray start --head`, and name "
                f"it with RAY_ADDRESS=HOST:PORT; without a cluster leave --engine ray out"
            ) from error
    return ray
