"""The exam of files in small; `python -m benchmarks.reliability` has it in large."""

from pathlib import Path

import pytest
from benchmarks.reliability import media_files, media_shards, strangers_files


def test_frames_are_those_that_are_asked_for(tmp_path: Path):
    assert media_files.identities(tmp_path) == (3 * 8 * 20, 0)


def test_half_a_file_is_not_read_in_silence(tmp_path: Path):
    assert media_files.halves(tmp_path) == (5, 0)


def test_an_index_of_two_billion_samples(tmp_path: Path):
    _, megabytes = media_files.refusal(tmp_path)
    assert megabytes < 100


def test_bits_that_flip_in_a_shard(tmp_path: Path):
    assert media_shards.flips(50, tmp_path) == 50


@pytest.mark.slow  # a process of its own
def test_mutated_files_give_frames_or_one_error(tmp_path: Path):
    found = media_files.mutations(60, tmp_path)
    assert set(found) == {"frames", "error"}


def test_opening_again_and_again(tmp_path: Path):
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("this system does not tell")
    done, _, descriptors = media_files.growth(60, tmp_path)
    assert (done, descriptors <= 0) == (60, True)


def test_no_code_is_run(tmp_path: Path):
    assert strangers_files.planted(tmp_path) == (5, 0)


@pytest.mark.parametrize("number", [19, 21])
def test_hostile_texts(number: int):
    found = [line for line in strangers_files.lines() if line.number == number]
    assert {line.value.partition(",")[0] for line in found} == {"all refused"}
