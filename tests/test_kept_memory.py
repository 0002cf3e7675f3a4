"""Freed memory of a CPU that trains is used again, and given back afterwards."""

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import torch
from gta.kept_memory import memory_kept

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(4):
        torch.ones(48, 2**18)  # 48 MiB, 12,288 pages
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 2**20

outside, before = faults(), resident()
with memory_kept(torch.device(sys.argv[1])):
    for _ in range(4):
        faults()  # glibc reuses aligned pieces only after some have been made
    within = faults()
print(outside, within, resident() - before < 20)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_pages_are_used_again(device: str):
    words = [sys.executable, "-c", FAULTS, device]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    outside, within, given_back = done.stdout.split()
    if int(outside) < 4 * 12_000:
        pytest.skip("pages of 2 MiB: there are few of them")
    assert (int(within) < int(outside) / 2) == (device == "cpu")
    assert given_back == "True"


FOR_GOOD = """
import resource
import torch
from gta.kept_memory import keep_memory

def faults(mib):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(4):
        torch.ones(mib, 2**18)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

before = faults(48)
keep_memory()
for _ in range(4):
    faults(48)
print(before, faults(48), faults(96))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
def test_a_process_that_reads_keeps_what_a_batch_needs():
    words = [sys.executable, "-c", FOR_GOOD]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    before, after, large = map(int, done.stdout.split())
    if before < 4 * 12_000:
        pytest.skip("pages of 2 MiB: there are few of them")
    assert after < before / 2
    assert large > 2 * 24_000  # nearly all are given back
