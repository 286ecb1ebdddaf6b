"""The steps of a picture as one CUDA graph: a small step costs an accelerator less than launching it costs the host."""

import torch

from meter.model.generation.image import PictureDecoder

WARM_UP = 3
"""Steps that are run before one is captured: libraries set themselves up in their first calls."""


class FixedStep:
    """A step that is the same for every place: shapes and addresses are fixed, and what differs lies in ``slot``."""

    def __init__(self, decoder: PictureDecoder) -> None:
        layout, device = decoder.model.layout, decoder.codes.device
        self.decoder = decoder
        self.start = layout.visual.start
        self.slot = torch.tensor([self.start + 1], device=device)
        self.slots = torch.arange(layout.length, device=device)
        self.encoder = decoder.encoder.fixed(self.slot)

    def __call__(self) -> None:
        """Chooses the next code of every picture."""
        visible = self.decoder.visible & (self.slots <= self.slot)
        self.decoder.step(self.slot - self.start, self.encoder, visible)
        self.slot += 1


def decode_captured(decoder: PictureDecoder) -> None:
    """Chooses all codes but the first: the step is captured once and replayed for all places that are left."""
    step = FixedStep(decoder)
    left = len(decoder.places) - 1
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(min(WARM_UP, left)):
            step()
    torch.cuda.current_stream().wait_stream(aside)
    if left <= WARM_UP:
        return
    graph = torch.cuda.CUDAGraph()
    # Other threads, such as the one that watches NCCL, may call CUDA meanwhile.
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        step()
    for _ in range(left - WARM_UP):
        graph.replay()
