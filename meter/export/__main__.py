"""python -m meter.export run=DIR output=FOLDER: a finished run as a folder to share, with its model card."""

from dataclasses import dataclass
from pathlib import Path

from meter.cli import command
from meter.errors import InputError
from meter.export.bundle import write_bundle
from meter.export.hub import push
from meter.run_folder import RunFolder


@dataclass(kw_only=True, slots=True)
class ExportConfig:
    """What to share, and how."""

    run: str = ""
    """The run folder."""
    output: str = ""
    """The folder to write, new or empty."""
    license: str = "other"
    """The licence, as the Hub calls it: mit, cc-by-nc-4.0, other."""
    user_names: bool = False
    """Whether the names of the users go with it; without, they are called by number."""
    push: str = ""
    """owner/name on the Hugging Face Hub to put it to; nowhere where empty."""


def export(config: ExportConfig) -> None:
    """Writes the folder, and puts it on the Hub where asked to."""
    for name in ("run", "output"):
        if not getattr(config, name):
            raise InputError(f"{name}=… is missing: python -m meter.export run=DIR output=FOLDER")
    folder = write_bundle(
        RunFolder(config.run),
        Path(config.output),
        license_name=config.license,
        user_names=config.user_names,
    )
    print(f"exported: {folder} (README.md is its model card)")
    if config.push:
        print(f"on the Hub: {push(folder, config.push)}")


if __name__ == "__main__":
    command(export, ExportConfig, "export")
