"""One update of the weights."""

from contextlib import nullcontext

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from gta.config import Recipe
from gta.data.loader import Batch
from gta.data.transforms import normalize
from gta.training.mixing import Mixing
from gta.training.optimizer import set_learning_rate
from gta.training.processes import Processes
from gta.training.schedule import learning_rate


class Step:
    """Forward, backward and update on one process's part of a batch.

    With `train.accumulate` that part is computed in several smaller ones, one after the other; the
    gradient is that of all of them, but batch normalisation and mixing see each by itself.

    Args:
        replica: The model, wrapped where several processes train.
        optimizer: Of its parameters.
        recipe: The settings.
        num_classes: Of the model.
        processes: This process among all that train.
    """

    def __init__(
        self,
        replica: nn.Module,
        optimizer: torch.optim.Optimizer,
        recipe: Recipe,
        num_classes: int,
        processes: Processes,
    ):
        self.replica, self.optimizer, self.recipe = replica, optimizer, recipe
        self.processes = processes
        # for each shape by itself: of a second size of frames in one process the compiler would
        # make a network for any size, and fails at that (torch 2.14, channels last)
        self.forward = torch.compile(replica, dynamic=False) if recipe.train.compile else replica
        self.mixing = Mixing(recipe.augment, num_classes)

    def __call__(self, batch: Batch, epoch: int, number: int, num_batches: int) -> Tensor:
        """One update; returns (sum of losses, clips classified rightly, clips).

        Args:
            batch: This process's part of it.
            epoch: From 0.
            number: Of the batch in the epoch, from 0.
            num_batches: Of an epoch.
        """
        settings = self.recipe.train
        moment = epoch + (number + 0.5) / num_batches
        set_learning_rate(self.optimizer, learning_rate(settings, moment))
        step = epoch * num_batches + number
        torch.manual_seed(_seed(settings.seed, step, self.processes.rank))  # dropout, mixing
        self.optimizer.zero_grad()
        parts = min(settings.accumulate, len(batch.labels))
        pairs = zip(batch.clips.tensor_split(parts), batch.labels.tensor_split(parts), strict=True)
        totals = []
        for part, (clips, labels) in enumerate(pairs):
            exchange = nullcontext()
            if isinstance(self.replica, DistributedDataParallel) and part < parts - 1:
                exchange = self.replica.no_sync()  # once, after the last part
            with exchange:
                totals.append(self.backward(clips, labels, share=len(labels) / len(batch.labels)))
        if settings.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.replica.parameters(), settings.clip_norm)
        self.optimizer.step()
        return torch.stack(totals).sum(0) if parts > 1 else totals[0]

    def backward(self, clips: Tensor, labels: Tensor, *, share: float) -> Tensor:
        """Adds the gradient of some clips, which are that share of the batch."""
        settings, clip, device = self.recipe.train, self.recipe.clip, self.processes.device
        labels = labels.to(device, non_blocking=True)
        clips = normalize(clips.to(device, non_blocking=True), clip.mean, clip.std)
        clips, targets = self.mixing(clips, labels)
        half = settings.amp and device.type == "cuda"
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            logits = self.forward(clips)
        logits = logits.float()
        loss = F.cross_entropy(logits, targets, label_smoothing=settings.label_smoothing)
        (loss * share if share < 1 else loss).backward()
        right = (logits.detach().argmax(1) == labels).sum()
        count = torch.full_like(right, len(labels))
        return torch.stack([loss.detach() * len(labels), right, count])


def _seed(seed: int, step: int, rank: int) -> int:
    """Of what is drawn for one batch on one process."""
    return int(np.random.SeedSequence([seed, step, rank]).generate_state(1, np.uint64)[0] >> 1)
