#!/usr/bin/env bash
# torchrun: processes that are started again find in their store what the attempt before has left.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torch==2.14.1 numpy

cat > worker.py <<'PY'
import os
import sys

import torch.distributed as dist

store, rank, size = next(dist.rendezvous("env://"))
attempt = os.environ["TORCHELASTIC_RESTART_COUNT"]
if rank == 0:
    found = store.get("address").decode() if store.check(["address"]) else "nothing"
    print(f"attempt {attempt} finds under 'address': {found}", flush=True)
    store.set("address", f"that of attempt {attempt}")
sys.exit(attempt == "0")  # the first attempt fails, and torchrun starts another
PY

venv/bin/python -c "import torch; print(f'torch {torch.__version__}')"
echo "Two processes under torchrun --standalone --max-restarts 1. In the first attempt process 0 leaves a"
echo "word in the store that dist.rendezvous('env://') gives, as backends leave the addresses at which"
echo "they listen; then all end with an error. In the second it looks what is there."
echo
OMP_NUM_THREADS=1 venv/bin/torchrun --standalone --nproc-per-node 2 --max-restarts 1 worker.py \
    > out.txt 2> err.txt || { cat out.txt err.txt; exit 1; }
cat out.txt
echo
echo "Expected: another attempt begins with nothing; process 1 may look before process 0 has set anew."
if grep -q "^attempt 1 finds under 'address': that of attempt 0$" out.txt; then
    echo "Seen:     it finds the word of the attempt before."
    exit 0
fi
echo "This has changed: the second attempt does not see what the first has left."
exit 1
