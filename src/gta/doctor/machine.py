"""Cores, memory, disks and permissions."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from gta.cores import available_cores
from gta.data.storage.shard_cache import default_folder
from gta.doctor.observed import Observed
from gta.errors import reason_of
from gta.files import write_text
from gta.locks import alone

_LITTLE_DISK = 2 * 2**30
_LITTLE_SHARED = 2**30
_GROUPS = Path("/sys/fs/cgroup")


def machine(
    folder: Path, shared: Path = Path("/dev/shm"), groups: Path = _GROUPS
) -> Iterator[Observed]:
    """The resources of the machine.

    Args:
        folder: Folder in which runs would be written, such as the current folder.
        shared: Folder of shared memory.
        groups: Folder with the limits of a container (cgroups).
    """
    yield _cores(groups)
    yield _memory(groups)
    yield _shared(shared)
    places = {
        "disk, this folder": folder,
        "disk, temporary": Path(tempfile.gettempdir()),
        "disk, cache": default_folder(),
    }
    for what, place in places.items():
        yield _disk(what, place)


def _cores(groups: Path) -> Observed:
    usable, all_cores = available_cores(), os.cpu_count() or 1
    seen = f"{usable} of {all_cores}"
    with suppress(OSError, ValueError):
        quota, period = (groups / "cpu.max").read_text().split()
        cores = int(quota) / int(period)  # "max": there is none
        seen += f", the time of {cores:g}"
        if cores < usable / 2:
            whole = max(round(cores), 1)
            finding = (
                f"a limit of {cores:g} cores is set, which programs do not see: set "
                f"OMP_NUM_THREADS={whole} and --set data.workers={whole}"
            )
            return Observed("cores", seen, finding)
    return Observed("cores", seen)


def _memory(groups: Path) -> Observed:
    sizes = dict[str, int]()
    with suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            name, _, amount = line.partition(":")
            sizes[name] = int(amount.split()[0]) * 1024
    if "MemTotal" not in sizes:
        return Observed("memory", "not known")
    seen = f"{_gb(sizes['MemTotal'])}, {_gb(sizes.get('MemAvailable', 0))} free"
    with suppress(OSError, ValueError):
        seen += f", limit {_gb(int((groups / 'memory.max').read_text()))}"
    return Observed("memory", seen)


def _shared(folder: Path) -> Observed:
    if not folder.is_dir():
        return Observed("shared memory", "no /dev/shm; nothing limits it")
    usage = shutil.disk_usage(folder)
    finding = None
    if usage.total < _LITTLE_SHARED:
        finding = (
            "loader processes hand batches over there; give it more: docker run --shm-size=8g, "
            "or --ipc=host"
        )
    elif not os.access(folder, os.W_OK):
        finding = "it cannot be written: loader processes need it; chmod 1777 /dev/shm"
    return Observed("shared memory", f"{_gb(usage.total)}, {_gb(usage.free)} free", finding)


def _disk(what: str, place: Path) -> Observed:
    existing = next(path for path in (place, *place.absolute().parents) if path.exists())
    usage = shutil.disk_usage(existing)
    seen = f"{_gb(usage.free)} free of {_gb(usage.total)}"
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place, prefix=".gta-doctor-") as name:
            write_text(Path(name) / "written", "text\n")
            with alone(Path(name) / "lock"):
                pass
    except Exception as error:
        reason = getattr(error, "strerror", None) or reason_of(error)
        return Observed(what, seen, f"nothing can be written and locked there: {reason}")
    if usage.free < _LITTLE_DISK:
        return Observed(what, seen, "little room: a training writes checkpoints and caches")
    return Observed(what, seen)


def _gb(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
