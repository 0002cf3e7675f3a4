"""A full memory: advice with numbers."""

from pathlib import Path

import pytest
import torch

from gta.errors import MachineError
from gta.recipes import find_recipe, read_recipe
from gta.training.memory import memory_error
from gta.training.processes import Processes

from .small_training import make_training, recipe

CPU = Processes(torch.device("cpu"))
TWO = Processes(torch.device("cpu"), 0, 2)
NO_MEMORY = RuntimeError(
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you "
    "tried to allocate 4000000000000 bytes. Error code 12 (Cannot allocate memory)"
)


def advice(error: BaseException, processes: Processes = CPU, *settings: str, scoring=False):
    found = read_recipe(find_recipe("ssv2", "r2d50_gta"), settings)
    text = memory_error(error, found, processes, scoring=scoring)
    return None if text is None else str(text)


def test_a_step():
    text = advice(torch.OutOfMemoryError("CUDA out of memory"), TWO)
    assert text == (
        "the GPU's memory is full with 16 clips of 8 frames of 224 pixels at a time on each "
        "process. What needs less: --set train.accumulate=2 computes 8 clips at a time and needs "
        "about half; fewer frames or pixels (now 8 and 224); a smaller train.batch_size (now 32). "
        "A run that has checkpoints keeps its settings: give another --out"
    )


def test_scoring():
    text = advice(NO_MEMORY, scoring=True)
    assert text is not None
    assert text.startswith("the memory is full (")
    assert text.endswith(
        " GiB) while 32 views of 8 frames of 224 pixels were scored at a time. --set "
        "test.batch_size=16 needs about half; the same command with it goes on from the last "
        "checkpoint"
    )


def test_one_clip_is_not_divided():
    text = advice(MemoryError(), CPU, "train.batch_size=1")
    assert text is not None
    assert "What needs less: fewer frames or pixels (now 8 and 224). A run" in text


def test_other_errors_are_left_alone():
    assert advice(RuntimeError("mat1 and mat2 shapes cannot be multiplied")) is None


def test_a_training_without_memory(ordered: Path, small_settings, tmp_path: Path, monkeypatch):
    training, _, _ = make_training(recipe(ordered, small_settings), tmp_path / "run")

    def full(self, *arguments):
        torch.empty(2**50)

    monkeypatch.setattr("gta.training.step.Step.__call__", full)
    with pytest.raises(MachineError, match=r"^the memory is full \(.* GiB\) with 8 clips") as e:
        training.run()
    assert e.value.exit_code == 1
