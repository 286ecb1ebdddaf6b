"""python -m meter.play run=DIR: a page on this machine on which to play with a finished run."""

from dataclasses import dataclass

import meter
from meter.cli import command
from meter.errors import InputError
from meter.play.answers import Answers
from meter.play.page import build_page, gradio_library, launch_options

LOOPBACK = "127.0.0.1"


@dataclass(kw_only=True, slots=True)
class PlayConfig:
    """Which run, and where the page is."""

    run: str = ""
    """The run folder, an exported folder, or owner/name on the Hugging Face Hub."""
    port: int = 7860
    """Of the page, on this machine alone; 0 takes one that is free."""
    open_browser: bool = False
    """Whether to open the page in the browser."""


def play(config: PlayConfig) -> None:
    """Serves the page until it is interrupted."""
    from rich.console import Console
    from rich.markup import escape

    if not config.run:
        raise InputError("run=… is missing: python -m meter.play run=DIR")
    gradio_library()
    run = meter.load(config.run)
    page = build_page(Answers(run), run.run.path.name)
    try:
        _, address, _ = page.queue().launch(
            server_name=LOOPBACK,
            server_port=config.port or None,
            inbrowser=config.open_browser,
            prevent_thread_lock=True,
            quiet=True,
            share=False,
            **launch_options(),
        )
    except OSError as fault:
        raise InputError(f"port={config.port} is taken: give another, such as port=0") from fault
    Console().print(f"playground: [bold]{escape(address)}[/bold]   (Ctrl-C ends it)")
    page.block_thread()


if __name__ == "__main__":
    command(play, PlayConfig, "play")
