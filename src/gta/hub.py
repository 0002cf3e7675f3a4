"""Runs on the Hugging Face Hub."""

import os
from pathlib import Path
from typing import Any

from gta.errors import UsageError
from gta.names import shown
from gta.network import unreachable

HUB = "hub:"
PATIENCE = 2.5
"""Seconds for a first answer of the Hub, unless HF_HUB_ETAG_TIMEOUT sets another limit."""
_FILES = ["recipe.yaml", "labels.json", "*.safetensors"]


def fetch_folder(source: str) -> Path:
    """The folder of a run, fetched from the Hub or from its cache.

    If the Hub does not answer within some seconds, the cache is used. Only data is fetched: recipe,
    names of classes, weights. Tokens and mirrors are those of huggingface_hub: HF_TOKEN,
    HF_ENDPOINT, HF_HUB_OFFLINE.

    Args:
        source: "hub:OWNER/NAME", or "hub:OWNER/NAME@REVISION" with a branch, tag or commit.

    Raises:
        UsageError: It cannot be fetched, or huggingface_hub is not installed.
    """
    name, revision = hub_name(source)
    library = _library(source)
    silent = _silent(library)
    offline: dict[str, Any] = {} if silent is None else {"local_files_only": True}
    try:
        return Path(
            library.snapshot_download(name, revision=revision, allow_patterns=_FILES, **offline)
        )
    except Exception as error:  # errors of huggingface_hub and its HTTP client have no common class
        raise UsageError(
            f"{shown(source)} cannot be fetched: {_reason(error, silent)} Is the name right, and "
            f"is the Hub within reach? A private run needs HF_TOKEN; what was fetched once is "
            f"found without a connection; a copy of the folder can be given by its path."
        ) from error


def send_folder(folder: Path, target: str, *, private: bool = False) -> str:
    """Uploads a folder to the Hub, into a repository that is made if needed.

    Args:
        folder: All its files are sent.
        target: "hub:OWNER/NAME", or "hub:OWNER/NAME@BRANCH".
        private: Whether a new repository is private.

    Returns:
        The address of the commit.

    Raises:
        UsageError: The Hub does not answer or refuses, or huggingface_hub is not installed.
    """
    name, branch = hub_name(target)
    library = _library(target)
    silent = "HF_HUB_OFFLINE is set" if library.constants.HF_HUB_OFFLINE else _silent(library)
    try:
        if silent is not None:
            raise OSError(silent)
        api = library.HfApi()
        api.create_repo(name, private=private, exist_ok=True)
        if branch:
            api.create_branch(name, branch=branch, exist_ok=True)
        told = api.upload_folder(
            repo_id=name, folder_path=folder, revision=branch, commit_message="gta publish"
        )
        return str(told.commit_url)
    except Exception as error:
        raise UsageError(
            f"{shown(target)} cannot be written: {_reason(error, silent)} Is the Hub within reach, "
            f"and does HF_TOKEN (or `hf auth login`) belong to somebody who may write there? "
            f"`--to FOLDER` writes the same files here."
        ) from error


def hub_name(source: str) -> tuple[str, str | None]:
    """(OWNER/NAME, revision) of a name on the Hub.

    Raises:
        UsageError: It is not such a name.
    """
    name, _, revision = source.removeprefix(HUB).partition("@")
    if len(name.split("/")) != 2 or not all(name.split("/")):
        raise UsageError(f"{shown(source)}: expected hub:OWNER/NAME, or hub:OWNER/NAME@REVISION")
    return name, revision or None


def _library(source: str) -> Any:
    try:
        import huggingface_hub
        from huggingface_hub import constants
    except ImportError as error:
        raise UsageError(f"{source} needs huggingface_hub: pip install 'gta-video[hub]'") from error
    del constants  # that it is loaded
    return huggingface_hub


def _silent(library: Any) -> str | None:
    """Why the Hub does not answer; None: it does, or is not needed."""
    if library.constants.HF_HUB_OFFLINE:
        return None
    told = os.environ.get("HF_HUB_ETAG_TIMEOUT", "")
    patience = float(told) if told.isdecimal() and int(told) else PATIENCE
    return unreachable(library.constants.ENDPOINT, patience)


def _reason(error: Exception, silent: str | None) -> str:
    reason = silent or " ".join(str(error).split())[:300] or type(error).__name__
    return shown(reason if reason.endswith(".") else f"{reason}.")
