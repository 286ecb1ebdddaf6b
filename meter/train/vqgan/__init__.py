"""Pretraining of the VQ-GAN, and every photo as its codes."""

from meter.train.vqgan.samples import reconstruct
from meter.train.vqgan.schedule import Schedule, held_out_rows
from meter.train.vqgan.stages import VisualCodes, encode_photos_stage, pretrain_stage
from meter.train.vqgan.steps import LossConfig
from meter.train.vqgan.trainer import PretrainConfig

__all__ = [
    "LossConfig",
    "PretrainConfig",
    "Schedule",
    "VisualCodes",
    "encode_photos_stage",
    "held_out_rows",
    "pretrain_stage",
    "reconstruct",
]
