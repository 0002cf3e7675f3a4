"""An update of the weights."""

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel

from gta.cuda_graphs.captured import WARM_UP
from gta.cuda_graphs.replays import Replays
from gta.data.loader import Batch
from gta.data.transforms.clip import normalize
from gta.devices import autocast
from gta.errors import first_line
from gta.garbage import uncollected
from gta.training.average import follow
from gta.training.compiled import compiled
from gta.training.decision import compiles
from gta.training.exchange import Exchange
from gta.training.mixing import Mixing
from gta.training.numbers import Numbers
from gta.training.optimizer import fill_momentum, is_fused, set_learning_rate
from gta.training.processes import Processes
from gta.training.statistics import Statistics

Part = tuple[Tensor, Tensor, Tensor]
"""Clips, uint8 or already normalized, on the device; labels; targets: labels or soft labels."""


class Step:
    """Forward, backward and update on one process's part of a batch.

    With `accumulate` that part is computed in several smaller parts, in order; the gradient is that
    of all of them, but batch normalization and mixing see each part separately.

    If the loss or the gradient is not finite, weights, optimizer, moving average and running
    statistics do not change, and the step counts as skipped. On a GPU this needs no
    synchronization.

    Args:
        model: The model in training mode, on the device; several processes may train it.
        optimizer: Its optimizer from `make_optimizer`, with its state loaded on resumption.
        numbers: The settings.
        processes: This process among all that train.
        mixing: Mixes clips and labels.
        averaged: The moving average, if used.
        say: Takes a line about decisions.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        numbers: Numbers,
        processes: Processes,
        *,
        mixing: Mixing | None = None,
        averaged: AveragedModel | None = None,
        say: Callable[[str], None] = lambda text: None,
    ):
        self.model, self.optimizer = model, optimizer
        self.numbers, self.processes = numbers, processes
        self.mixing, self.averaged, self.say = mixing, averaged, say
        self.statistics, self.device = Statistics(model), processes.device
        self.trained = [p for p in model.parameters() if p.requires_grad]
        self.fused = is_fused(optimizer) and not numbers.small
        self.exchange: Exchange | None = None
        self.replays: Replays | None = None
        self.replica: nn.Module = model
        alone, cuda = processes.world_size == 1, self.device.type == "cuda"
        if self.fused:
            fill_momentum(optimizer)
            if averaged is not None:
                averaged.to(self.device)  # its count
        if cuda and self.fused and numbers.cuda_graphs is not False:
            self.replays = Replays(self._whole, self.device, say, processes.gather, alone=alone)
            self.exchange = None if alone else Exchange(model, processes.world_size)
        elif not alone:
            self.replica = DistributedDataParallel(model)
        if numbers.cuda_graphs and self.replays is None:
            say(f"no CUDA graphs: they are for GPUs, this is {self.device} (train.cuda_graphs)")
        self.forward = compiled(self.replica) if numbers.compile else self.replica
        self.compiling = bool(numbers.compile)  # the next step
        self.undecided = numbers.compile is None and cuda
        self.untried = False  # whether the decision has not been tried yet
        self.taken = 0
        self.moments: list[torch.cuda.Event] = []

    def __call__(self, batch: Batch, epoch: int, number: int, num_batches: int) -> Tensor:
        """An update; returns (sum of losses, correct clips, clips, skipped steps).

        The last is 0, or 1 over the number of processes; the others are 0 if the loss is not
        finite.

        Args:
            batch: This process's part of the batch.
            epoch: Number of the epoch, from 0.
            number: Number of the batch in the epoch, from 0.
            num_batches: Batches of an epoch.
        """
        numbers, step = self.numbers, epoch * num_batches + number
        set_learning_rate(self.optimizer, numbers.rate(epoch + (number + 0.5) / num_batches))
        self._seed_draws(step)
        if self.device.type != "cuda":
            return self._update(self._parts(batch), len(batch.labels))
        with torch.cuda.device(self.device):
            return self._on_gpu(batch, step, numbers.epochs * num_batches - step)

    def close(self) -> None:
        """Drops the CUDA graphs; required before the process group ends."""
        if self.replays is not None:
            self.replays.graphs.clear()

    def _on_gpu(self, batch: Batch, step: int, left: int) -> Tensor:
        """A step of which Python may only issue the beginning, where `left` are to come with it."""
        if len(self.moments) == 2:
            self._decide(left)
        whole = self._prepared(batch)
        self._time()
        try:
            # the step that compiles takes some 4 % less without
            with uncollected() if self.compiling else nullcontext():
                totals = self._advance(whole)
        except Exception as error:
            if not self.untried:
                raise
            self._give_up_compiling(error)
            self._seed_draws(step)
            totals = self._advance(whole)
        self.untried = self.compiling = False
        self._time(ended=True)
        return totals

    def _seed_draws(self, step: int) -> None:
        """Makes the draws of a step, dropout and mixing, a function of seed, step and process."""
        seed = _seed(self.numbers.seed, step, self.processes.rank)
        if self.device.type == "cpu":
            # without the seeds of all other devices, which take a hundred times as long
            torch.default_generator.manual_seed(seed)
        else:
            torch.manual_seed(seed)

    def _parts(self, batch: Batch) -> Iterator[Part]:
        """The parts of a batch in order; a part is mixed just before it is computed."""
        parts = min(self.numbers.accumulate, len(batch.labels))
        split = batch.clips.tensor_split(parts), batch.labels.tensor_split(parts)
        for clips, labels in zip(*split, strict=True):
            clips = clips.to(self.device, non_blocking=True)
            labels = labels.to(self.device, non_blocking=True)
            targets = labels
            if self.mixing is not None and self.mixing.ways:
                clips = normalize(clips, self.numbers.mean, self.numbers.std)
                clips, targets = self.mixing(clips, labels)
            yield clips, labels, targets

    def _prepared(self, batch: Batch) -> Part:
        """A batch after the CPU's random draws; unchanged if there are none."""
        if self.mixing is None or not self.mixing.ways:
            return batch.clips, batch.labels, batch.labels
        parts = zip(*self._parts(batch), strict=True)
        clips, labels, targets = (torch.cat(tensors) for tensors in parts)
        if self.replays is not None:  # the same layout, so the same graph, for all kinds of mixing
            clips = clips.contiguous(memory_format=torch.channels_last_3d)
        return clips, labels, targets

    def _advance(self, whole: Part) -> Tensor:
        if self.replays is not None:
            return self.replays(*whole)
        return self._whole(*(tensor.to(self.device, non_blocking=True) for tensor in whole))

    def _whole(self, clips: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
        """An update that depends only on tensors of the device, so that it can be replayed."""
        parts = min(self.numbers.accumulate, len(labels))
        split = (tensor.tensor_split(parts) for tensor in (clips, labels, targets))
        return self._update(zip(*split, strict=True), len(labels))

    def _update(self, parts: Iterable[Part], count: int) -> Tensor:
        numbers, last = self.numbers, min(self.numbers.accumulate, count) - 1
        self.statistics.keep()
        self.optimizer.zero_grad()
        totals = []
        for number, (clips, labels, targets) in enumerate(parts):
            waits = nullcontext()
            if isinstance(self.replica, DistributedDataParallel) and number < last:
                waits = self.replica.no_sync()  # gradients are exchanged after the last part
            with waits:
                totals.append(self.backward(clips, labels, targets, share=len(labels) / count))
        if self.exchange is not None:
            self.exchange()
        parameters = [p for p in self.trained if p.grad is not None]
        if numbers.clip_norm is None:
            norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        else:
            norm = nn.utils.clip_grad_norm_(parameters, numbers.clip_norm)
        left_out = ~torch.isfinite(norm)
        self._apply(left_out)
        total = torch.stack(totals).sum(0) if last else totals[0]
        total = torch.where(torch.isfinite(total[0]), total, 0.0)
        return torch.cat([total, left_out[None] / self.processes.world_size])

    @torch.no_grad()
    def _apply(self, left_out: Tensor) -> None:
        """Updates the weights and their average, or restores the running statistics."""
        if self.fused:  # all on the device
            # torch's own way to skip a step, made for its gradient scaler
            self.optimizer.found_inf = left_out.float()  # pyright: ignore[reportAttributeAccessIssue]
            self.optimizer.step()
            self.statistics.put_back(left_out)
            if self.averaged is not None:
                follow(self.averaged, self.model, self.numbers.decay, left_out)
        elif left_out:
            self.statistics.put_back(left_out)
        else:
            self.optimizer.step()
            if self.averaged is not None:
                self.averaged.update_parameters(self.model)

    def backward(self, clips: Tensor, labels: Tensor, targets: Tensor, *, share: float) -> Tensor:
        """Adds the gradient of some clips, which are that share of the batch."""
        numbers, device = self.numbers, self.device
        if clips.dtype == torch.uint8:
            clips = normalize(clips, numbers.mean, numbers.std)
        with autocast(device, numbers.half):
            logits = self.forward(clips)
        logits = logits if logits.dtype == torch.float64 else logits.float()
        loss = F.cross_entropy(logits, targets, label_smoothing=numbers.label_smoothing)
        # a loss that is not finite makes all processes' gradients not finite, and all skip the step
        (loss * torch.where(torch.isfinite(loss.detach()), share, math.nan)).backward()
        correct = (logits.detach().argmax(1) == labels).sum()
        count = torch.full_like(correct, len(labels))
        return torch.stack([loss.detach() * len(labels), correct, count])

    def _time(self, *, ended: bool = False) -> None:
        """Notes when the last of the first steps began and ended."""
        self.taken += ended
        if self.undecided and self.taken == WARM_UP - (not ended):
            self.moments.append(torch.cuda.Event(enable_timing=True))
            self.moments[-1].record()

    def _decide(self, steps: int) -> None:
        """Decides whether the remaining steps are compiled, from the time of a step."""
        (began, ended), self.moments, self.undecided = self.moments, [], False
        ended.synchronize()
        took = began.elapsed_time(ended)
        decision = compiles(None, device=self.device.type, steps=steps, step_ms=took)
        decided, reason = self.processes.gather(decision)[
            0
        ]  # by the measurement of the first process
        self.say(reason)
        if decided:
            self.forward = compiled(self.replica)
            self.untried = self.compiling = True
            if self.replays is not None:
                self.replays.forget()

    def _give_up_compiling(self, error: Exception) -> None:
        """Restores the state before a step whose compilation failed."""
        self.forward = self.replica
        self.statistics.put_back(torch.ones((), dtype=torch.bool, device=self.device))
        self.say(f"the network cannot be compiled ({first_line(error)}); it goes on without")
        if self.replays is not None:
            self.replays.forget()


def _seed(seed: int, step: int, rank: int) -> int:
    """The seed of the random draws for a batch on a process."""
    return int(np.random.SeedSequence([seed, step, rank]).generate_state(1, np.uint64)[0] >> 1)
