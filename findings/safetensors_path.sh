#!/usr/bin/env bash
# safetensors: what `save_file` writes, `load_file` does not read, if its path is not UTF-8.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6 torch==2.14.1

venv/bin/python - <<'PY'
import os
import platform
import sys

import safetensors
import safetensors.numpy
import safetensors.torch
import torch

print(f"safetensors {safetensors.__version__}, torch {torch.__version__}")
print(f"Python {platform.python_version()} on {platform.system()}")
print("A file named run_\\xe9.safetensors: an e with an accent in Latin-1, as in old archives.")
print("Linux allows such a name; Python has the byte as an escaped surrogate, and opens the file.")
print()
path = os.fsdecode(b"run_\xe9.safetensors")


def tried(what, read):
    try:
        read()
        result = "works"
    except Exception as error:
        result = f"{type(error).__name__}: {str(error)!a}"
    print(f"{what:28} {result}")
    return result


def opened():
    with safetensors.safe_open(path, framework="pt") as file:
        file.get_tensor("weight")


def saved():
    safetensors.torch.save_file({"weight": torch.ones(3)}, path)


written = tried("safetensors.torch.save_file", saved)
print(f"{'os.path.exists':28} {os.path.exists(path)}")
numpy_reads = tried("safetensors.numpy.load_file", lambda: safetensors.numpy.load_file(path))
torch_reads = tried("safetensors.torch.load_file", lambda: safetensors.torch.load_file(path))
torch_opens = tried('safe_open(framework="pt")', opened)
with open(path, "rb") as file:
    content = file.read()
bytes_read = tried("safetensors.torch.load", lambda: safetensors.torch.load(content))

print()
print("Expected: a library reads what it wrote, into each framework.")
refused = all("not valid UTF-8" in result for result in (torch_reads, torch_opens))
if refused and written == numpy_reads == bytes_read == "works":
    print("Seen:     torch's functions refuse the path of a file that numpy's read.")
    sys.exit(0)
print("This has changed: the file is read, or not even written.")
sys.exit(1)
PY
