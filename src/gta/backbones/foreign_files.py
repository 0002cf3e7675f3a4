"""What a file or folder is that holds weights in no form that is read here, and the way out."""

import zipfile
from pathlib import Path

from gta.archives import check_directory

STATE_DICT = "torch.save(model.state_dict(), 'weights.pth')"
"""How weights are saved for others."""

BEGINNINGS: dict[bytes, str] = {
    b"version https://git-lfs": "a pointer of Git LFS, not the file: fetch it with `git lfs pull`",
    b"\x1f\x8b": "compressed (gzip): unpack it and give the file inside",
    b"7z\xbc\xaf": "an archive (7z): unpack it and give the file inside",
    b"\x89HDF": f"an HDF5 file, as of Keras: save the weights from PyTorch, {STATE_DICT}",
    b"GGUF": "a GGUF file of quantised weights: give those of PyTorch or safetensors",
}
"""By how a file begins."""


def foreign(path: Path) -> str | None:
    """What a file is, in words that go on from its name, if it is known and not read here."""
    size = path.stat().st_size
    if size == 0:
        return "is empty (0 bytes): it was not written, or its download failed"
    with path.open("rb") as file:
        start = file.read(512)
    for beginning, words in BEGINNINGS.items():
        if start.startswith(beginning):
            return f"is {words}"
    text = start.lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html", b"<?xml")):
        return "is a web page and not the file behind it: download it again and look at its size"
    if start[257:262] == b"ustar":
        return "is an archive (tar): unpack it and give the file inside"
    if start.startswith(b"PK\x03\x04"):
        return foreign_zip(path)
    return None


def foreign_zip(path: Path) -> str | None:
    """What a zip archive is, if it is not a checkpoint of PyTorch."""
    try:
        check_directory(path)
    except ValueError as error:
        return str(error).removeprefix("it ")
    try:
        with zipfile.ZipFile(path) as archive:
            inside = [name.partition("/")[2] or name for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError):
        return None  # its own reader says it
    if "constants.pkl" in inside:
        return (
            f"is a TorchScript program, which is not opened because it could run code: save the "
            f"weights where it was made, {STATE_DICT}"
        )
    if any(name.startswith("models/") or name == "archive_format" for name in inside):
        return f"is a program of torch.export: save the weights where it was made, {STATE_DICT}"
    if "data.pkl" in inside or any(name.endswith(".npy") for name in inside):
        return None
    return "is an archive (zip) without a checkpoint in it: unpack it and give the file inside"


def folder(path: Path) -> str:
    """What to give in place of a folder, in words that go on from its name."""
    if (path / "recipe.yaml").is_file():
        return "is the folder of a run: give the last.safetensors in it"
    if (path / ".metadata").is_file():
        return (
            "is a sharded checkpoint of torch.distributed: write it as one file with `python -m "
            "torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER weights.pth`"
        )
    endings = (
        "*.index.json",
        "*.safetensors",
        "*.pth",
        "*.pyth",
        "*.pt",
        "*.bin",
        "*.tar",
        "*.pkl",
    )
    inside = [file.name for ending in endings for file in sorted(path.glob(ending))]
    named = f" ({', '.join(inside[:4])}{' ...' * (len(inside) > 4)})" if inside else ""
    return f"is a folder: give the .pth or .safetensors file itself{named}"
