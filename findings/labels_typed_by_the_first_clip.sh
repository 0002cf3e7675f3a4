#!/usr/bin/env bash
# litdata: if the first clip of a data set has no labels, those of all others are read as other
# numbers, or as more of them.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    torch==2.14.1 numpy==2.4.6 litdata==0.2.76

cat > labels.py <<'PY'
import platform
import shutil
import sys
from importlib.metadata import version

import litdata
import numpy as np
import torch

NONE_FIRST, NONE_SECOND = [[], [3, 7], [5]], [[3, 7], [], [5]]
ARRAYS = {
    "np.array(labels)": np.array,
    "np.array(labels, dtype=np.int64)": lambda labels: np.array(labels, dtype=np.int64),
    "torch.tensor(labels)": torch.tensor,
    "torch.tensor(labels, dtype=torch.int64)": lambda labels: torch.tensor(labels, dtype=torch.int64),
}


def sample(made_by_and_labels):
    made_by, labels = made_by_and_labels
    return {"labels": ARRAYS[made_by](labels)}


def read_again(made_by, clips):
    litdata.optimize(
        fn=sample,
        inputs=[(made_by, labels) for labels in clips],
        output_dir="data",
        chunk_bytes="1MB",
        num_workers=1,
        verbose=False,
    )
    read = litdata.StreamingDataset("data")
    found = [read[i]["labels"].tolist() for i in range(len(read))]
    shutil.rmtree("data")
    return found


if __name__ == "__main__":
    print(f"litdata {version('litdata')}, torch {torch.__version__}, NumPy {np.__version__},", end=" ")
    print(f"Python {platform.python_version()}")
    print("The labels of three clips, one of which has none, written by optimize() as arrays of one axis,")
    print("and read by StreamingDataset.")
    right = []
    for clips in (NONE_SECOND, NONE_FIRST):
        print()
        print(f"Labels {clips}", flush=True)
        for made_by in ARRAYS:
            found = read_again(made_by, clips)
            right.append(found == clips)
            told = ", ".join("[" + ", ".join(f"{x:.4g}" for x in labels) + "]" for labels in found)
            print(f"    {made_by:39} [{told}]", flush=True)
    print()
    print("Expected: the same labels, or an error: an empty array is of floats unless it is told otherwise.")
    print("Seen:     the type of the first clip's array is that of all; the bytes of the others, which are")
    print("          integers, are read as floats: of 64 bits with NumPy, of 32 with torch. Where verbose is")
    print("          not False, a line names the type of the first ('no_header_numpy:10'), and no other.")
    sys.exit(0 if right == [True] * 4 + [False, True] * 2 else 1)
PY
HOME=$folder TMPDIR=$folder DATA_OPTIMIZER_CACHE_FOLDER=$folder/cache \
    venv/bin/python labels.py 2> messages || { tail -n 5 messages; exit 1; }
if [ -s messages ]; then cat messages; exit 1; fi # something is said now
