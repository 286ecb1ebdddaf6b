"""The steps of a picture as one CUDA graph: a small step costs an accelerator less than launching it costs the host."""

import torch

from meter.model.generation.image import ImageDecoder

WARM_UP = 3
"""Steps that are run before one is captured: libraries set themselves up in their first calls."""


class FixedStep:
    """A step that is the same for every code: shapes and addresses are fixed, and what differs lies in ``slot``."""

    def __init__(self, decoder: ImageDecoder) -> None:
        layout, device = decoder.layout, decoder.codes.device
        self.decoder = decoder
        self.start = layout.visual.start
        self.slot = torch.tensor([self.start + 1], device=device)
        self.slots = torch.arange(layout.length, device=device)
        self.model = decoder.model.fixed(self.slot)

    def __call__(self) -> None:
        """Chooses the next code of every picture."""
        visible = self.decoder.visible & (self.slots <= self.slot)
        self.decoder.choose(self.slot - self.start, self.model, visible)
        self.slot += 1


def decode_by_cuda_graph(decoder: ImageDecoder) -> None:
    """Chooses all codes but the first: the step is captured once and replayed for all codes that are left."""
    step = FixedStep(decoder)
    num_steps = len(decoder.indices) - 1
    side_stream = torch.cuda.Stream()
    side_stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side_stream):
        for _ in range(min(WARM_UP, num_steps)):
            step()
    torch.cuda.current_stream().wait_stream(side_stream)
    if num_steps <= WARM_UP:
        return
    graph = torch.cuda.CUDAGraph()
    # Other threads, such as NCCL's watchdog, may call CUDA meanwhile.
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        step()
    for _ in range(num_steps - WARM_UP):
        graph.replay()
