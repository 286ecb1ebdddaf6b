"""Runs on the Hugging Face Hub: where ``owner/name`` lies, and putting a folder there."""

import re
from pathlib import Path
from typing import Any

from meter.errors import InputError

REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


def locate_run(name: Path | str, revision: str | None = None) -> Path:
    """The folder of a run: the one of this name, else a copy of the Hub's ``owner/name``, downloaded once.

    revision: branch, tag or commit on the Hub; its main branch where None.

    Raises InputError where there is neither, the Hub does not have it, or huggingface_hub is not installed.
    """
    folder = Path(name)
    if folder.exists():
        return folder
    first = folder.parts[0] if folder.parts else ""
    if isinstance(name, Path) or not REPOSITORY.fullmatch(str(name)) or Path(first).exists():
        raise InputError(f"{folder}: expected the folder of a run, found none")
    hub = hub_library()
    try:
        return Path(hub.snapshot_download(str(name), revision=revision))
    except Exception as fault:
        raise InputError(
            f"{name}: expected a folder, or a model on the Hub; there is no such folder, and the Hub says: "
            f"{str(fault).splitlines()[0]}"
        ) from fault


def push(folder: Path, repository: str) -> str:
    """Puts an exported folder on the Hub as ``owner/name``, private if it is new; returns its address.

    The token is the one that ``hf auth login`` or HF_TOKEN has left; nothing is asked for.

    Raises InputError for a name that is none, where the Hub refuses, or huggingface_hub is not installed.
    """
    if not REPOSITORY.fullmatch(repository):
        raise InputError(f"push={repository}: expected owner/name")
    hub = hub_library()
    try:
        api = hub.HfApi()
        address = api.create_repo(repository, repo_type="model", private=True, exist_ok=True)
        api.upload_folder(repo_id=repository, folder_path=str(folder), commit_message="METER run")
    except Exception as fault:
        raise InputError(f"push={repository}: the Hub refuses: {str(fault).splitlines()[0]}") from fault
    return str(address)


def hub_library() -> Any:
    """huggingface_hub. Raises InputError where it is not installed."""
    try:
        import huggingface_hub
    except ImportError as absent:
        raise InputError(
            "the Hub needs the package huggingface_hub: pip install 'meter-explain[hub]'"
        ) from absent
    return huggingface_hub
