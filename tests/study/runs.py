"""Two tiny finished runs with pictures, whose names say which is which."""

from dataclasses import replace
from pathlib import Path

import torch

from meter.evaluate.generations import read_generations, write_generations
from meter.vq import VQGAN, VQConfig
from tests.compare.test_compare import write_run

NAMES = ("zebra-system", "quokka-system")
NASTY = "</script><script>alert(1)</script>"


def write_two_runs(folder: Path, *, pictures: tuple[bool, bool] = (True, True), rows: int = 40) -> list[str]:
    """Sentences name their feature, as those of a trained model do; one has markup in it."""
    for name, with_pictures in zip(NAMES, pictures, strict=True):
        run = write_run(
            folder / name, name=name, rows=rows, skill=0.5 + 0.3 * (name == NAMES[0]), pictures=with_pictures
        )
        made = read_generations(run / "generations.jsonl")
        codes = torch.Generator().manual_seed(len(name))
        made = [
            replace(
                one,
                text=f"the {one.feature} was {word} . {NASTY if one.row % 5 == 3 else ''}",
                codes=torch.randint(8, (4,), generator=codes).tolist() if with_pictures else None,
            )
            for one, word in zip(made, ["fine", "soft", "good", "small"] * rows, strict=False)
        ]
        write_generations(run / "generations.jsonl", made)
        if with_pictures:
            torch.manual_seed(0)
            side = 8 if name == NAMES[0] else 16  # the page must not tell them apart by size
            sizes = {
                "channels": 32,
                "num_residual_blocks": 1,
                "latent_width": 32,
                "num_codes": 8,
                "code_width": 8,
            }
            levels = [1] * (3 + (side == 16))
            VQGAN(VQConfig(image_size=side, multipliers=levels, attention_sizes=[], **sizes)).save_pretrained(
                run / "vq"
            )
        (run / "scores.jsonl").unlink()
    return [str(folder / name) for name in NAMES]
