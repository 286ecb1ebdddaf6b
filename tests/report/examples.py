"""What the tests of the report share: journals of trainings, and the metrics of a run."""


def journals() -> tuple[list[dict], list[dict]]:
    vq = [
        {
            "kind": "train",
            "step": 10 * n,
            "reconstruction": 1 / n,
            "codebook": 0.1 / n,
            "usage": 0.9,
            "revived": 3,
        }
        for n in range(1, 60)
    ]
    joint: list[dict] = []
    for epoch in range(5):
        joint += [
            {
                "kind": "train",
                "step": 100 * epoch + n,
                "epoch": epoch,
                "total": 5.0 - epoch,
                "text": 3.0,
                "matching": -1.2,
                "generator": 0.7,
                "words_per_second": 9.0,
            }
            for n in range(1, 100)
        ]
        loss = [5.0, 4.0, 3.0, 3.5, 3.6][epoch]
        joint.append(
            {
                "kind": "validation",
                "step": 100 * epoch + 99,
                "epoch": epoch,
                "best": epoch <= 2,
                "total": loss,
                "text": loss,
            }
        )
    return vq, joint


def metrics() -> dict:
    sections = {
        "rating": {"rmse": 0.712, "count": 480, "signature": "rating|version:1"},
        "text": {"bleu_1": 31.25, "rouge_1": {"precision": 36.0, "recall": 33.0, "f": 34.0}},
        "text_peter_compat": {"bleu_1": 33.75, "rouge_1": {"precision": 38.0, "recall": 35.0, "f": 36.0}},
        "truth": {
            "sentence_truth": 0.974,
            "by_feature": {"pool": {"sentence_truth": 0.955}, "bed": {"sentence_truth": 0.993}},
        },
    }
    return {
        "vq": {"psnr": 24.91, "holdout": list(range(400))},
        "test": sections,
        "unseen": {"rating": {"rmse": 0.69}},
        "seed": 7,
    }
