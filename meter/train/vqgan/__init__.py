"""Pretraining of the VQ-GAN, and every photo as its codes."""

from meter.train.vqgan.objective import LossConfig
from meter.train.vqgan.samples import reconstruct
from meter.train.vqgan.schedule import LearningRateCurve, PhotoSplit, split_photos
from meter.train.vqgan.stages import VisualCodes, encode_photos_stage, pretrain_stage, visual_codes
from meter.train.vqgan.trainer import PretrainConfig

__all__ = [
    "LearningRateCurve",
    "LossConfig",
    "PhotoSplit",
    "PretrainConfig",
    "VisualCodes",
    "encode_photos_stage",
    "pretrain_stage",
    "reconstruct",
    "split_photos",
    "visual_codes",
]
