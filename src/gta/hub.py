"""Runs on the Hugging Face Hub."""

from pathlib import Path

from gta.errors import UsageError
from gta.names import shown

HUB = "hub:"
_FILES = ["recipe.yaml", "labels.json", "*.safetensors"]


def fetch_folder(source: str) -> Path:
    """The folder of a run, fetched, or as it is kept in the Hub's cache.

    Only data is fetched: recipe, names of classes, weights. Tokens and mirrors are those of
    huggingface_hub: HF_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE.

    Args:
        source: "hub:OWNER/NAME", or "hub:OWNER/NAME@REVISION" with a branch, tag or commit.

    Raises:
        UsageError: It cannot be had, or huggingface_hub is not installed.
    """
    name, _, revision = source.removeprefix(HUB).partition("@")
    if len(name.split("/")) != 2:
        raise UsageError(f"{shown(source)}: expected hub:OWNER/NAME, or hub:OWNER/NAME@REVISION")
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise UsageError(f"{source} needs huggingface_hub: pip install 'gta-video[hub]'") from error
    try:
        return Path(snapshot_download(name, revision=revision or None, allow_patterns=_FILES))
    except Exception as error:  # huggingface_hub and its HTTP client have no class in common
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise UsageError(
            f"{shown(source)} cannot be fetched: {shown(reason)} Is the name right, and is the "
            f"Hub within reach? A private run needs HF_TOKEN; what was fetched once is found "
            f"without a connection; a copy of the folder can be given by its path."
        ) from error
