#!/usr/bin/env bash
# safetensors: the same tensors with the same metadata become other bytes each time, as soon as the
# metadata has two keys.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6

venv/bin/python - <<'PY'
import hashlib
import platform
import sys

import numpy as np
import safetensors
from safetensors.numpy import save

print(f"safetensors {safetensors.__version__}, Python {platform.python_version()}")
print("Two arrays are saved 200 times with the same metadata; how many different files are there?")
print()
arrays = {"a": np.arange(6, dtype=np.float32), "b": np.ones(3, dtype=np.float32)}
different = {}
for count in (0, 1, 2, 5):
    metadata = {key: "1" for key in "abcde"[:count]} or None
    files = {hashlib.sha256(save(arrays, metadata=metadata)).hexdigest() for _ in range(200)}
    different[count] = len(files)
    print(f"{count} keys of metadata: {len(files)}")
print()
print("Expected: one. The same content has one SHA-256, and copies can be told by it; the arrays'")
print("          own entries are always in the same order.")
if different[0] == different[1] == 1 and different[2] == 2 and different[5] > 2:
    print("Seen:     the keys of the metadata come in any order.")
    sys.exit(0)
print("This has changed.")
sys.exit(1)
PY
