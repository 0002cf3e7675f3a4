"""A separate store for the processes of each attempt, in which they exchange addresses.

`torchrun` keeps one store for all its attempts and does not separate them: each host counts its
restarts by itself. So a process of a later attempt can read the address of a process of an earlier
attempt, and fails; each such failure costs a restart
(https://github.com/pytorch/pytorch/issues/135712).
"""

import time
import uuid
from datetime import timedelta

import torch.distributed as dist
from torch.distributed import PrefixStore, Store  # pyright: ignore[reportPrivateImportUsage]

from gta.errors import MachineError

PATIENCE = timedelta(minutes=30)
"""Waiting time for the last process, as in torch."""
_LOOK_EVERY = 0.01
_ASKED = "gta/asked"


def meet() -> tuple[Store, str]:
    """The store that the environment describes, and this attempt's own prefix in it.

    Raises:
        MachineError: A process has not joined.
    """
    rendezvous = dist.rendezvous  # pyright: ignore[reportPrivateImportUsage]
    store, rank, world_size = next(rendezvous("env://", timeout=PATIENCE))
    place = agreed_place(store, rank, world_size)
    return PrefixStore(place, store), place


def agreed_place(store: Store, rank: int, world_size: int, patience: timedelta = PATIENCE) -> str:
    """A new prefix of keys, the same for all processes that meet now.

    Process 0 chooses it. The others ask with a unique number, so that they never read an answer to
    another attempt.

    Args:
        store: It may hold keys of earlier attempts, also questions without an answer.
        rank: Number of this process.
        world_size: Number of processes.
        patience: Waiting time for the last process.

    Raises:
        MachineError: A process has not joined.
    """
    if rank == 0:
        return _answered(store, world_size, patience)
    number = store.add(_ASKED, 1)
    key = _answer_to(number)
    try:
        store.wait([key], patience)
    except dist.DistStoreError as error:  # a timeout
        raise _missing([0], world_size, patience) from error
    place = store.get(key).decode()
    store.set(_heard_by(rank, place), "")
    return place


def _answered(store: Store, world_size: int, patience: timedelta) -> str:
    """In process 0: the prefix, once all others have read it."""
    place, answered = f"gta/{uuid.uuid4().hex}", 0
    missing = list(range(1, world_size))
    deadline = time.monotonic() + patience.total_seconds()
    while True:
        asked = store.add(_ASKED, 0)
        for number in range(answered + 1, asked + 1):
            store.set(_answer_to(number), place)
        answered = asked
        missing = [rank for rank in missing if not store.check([_heard_by(rank, place)])]
        if not missing:
            return place
        if time.monotonic() > deadline:
            raise _missing(missing, world_size, patience)
        time.sleep(_LOOK_EVERY)


def _answer_to(number: int) -> str:
    return f"gta/answer/{number}"


def _heard_by(rank: int, place: str) -> str:
    return f"{place}/heard/{rank}"


def _missing(ranks: list[int], world_size: int, patience: timedelta) -> MachineError:
    which = ", ".join(map(str, ranks))
    return MachineError(
        f"of {world_size} processes that train together, process{'es' * (len(ranks) > 1)} {which} "
        f"did not come within {patience.total_seconds():.0f} s; start all with the same command"
    )
