"""The folder of a run on `ordered`, with the files of `gta train` and `gta test`.

So `gta show`, `gta predict` and `gta ensemble` accept it, if its blocks join the network as the
package's do.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from experiments.logs import run_id
from experiments.settings import Job
from gta.evaluation.score_files import Scored
from gta.evaluation.scores import About, Scores
from gta.files import write_atomically
from gta.ordered import CLASSES
from gta.runs import Run


@dataclass(frozen=True)
class Weights:
    """The weights of a run, from which others can start."""

    state: dict[str, Tensor]
    top1: float
    """The identity of that run."""


def run_folder(job: Job, work: Path) -> Path:
    """The folder of a run."""
    return work / "runs" / run_id(job.identity())


def scores_file(job: Job, work: Path) -> Path:
    """The file of a run's probabilities of the held-out clips."""
    return run_folder(job, work) / Scored(job.recipe().test.protocol).file_name


def weights_file(job: Job, work: Path) -> Path:
    """The file of a run's weights, which is written last."""
    return run_folder(job, work) / "last.safetensors"


def write_run(job: Job, model: nn.Module, probabilities: Tensor, work: Path) -> None:
    """Keeps recipe, labels, scores and weights.

    Args:
        job: The run.
        model: The trained network.
        probabilities: Of the held-out clips (N, classes), whose classes alternate.
        work: The folder of all runs.
    """
    recipe, classes = job.recipe(), sorted(each.name for each in CLASSES)  # the order of `KEYS`
    run = Run.create(run_folder(job, work), recipe, classes)
    scores = Scores(
        ids=[str(index) for index in range(len(probabilities))],
        labels=torch.arange(len(probabilities)) % len(classes),
        scores=probabilities,
        classes=classes,
        protocol=recipe.test.protocol,
        model=f"{run.folder.name}, last.safetensors",
        about=About("ordered", "val", num_frames=recipe.clip.num_frames, num_views=1),
    )
    write_atomically(scores_file(job, work), scores.save)
    run.save_weights(model, "last", epoch=recipe.train.epochs)


def read_scores(job: Job, work: Path) -> Scores:
    """The scores of the held-out clips."""
    return Scores.load(scores_file(job, work))


def read_weights(job: Job, work: Path) -> Weights:
    """The weights of a run whose blocks join as the package's do."""
    model, _ = Run.open(run_folder(job, work)).load()
    return Weights(model.state_dict(), round(read_scores(job, work).top(1), 5))
