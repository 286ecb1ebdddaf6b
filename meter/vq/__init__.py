"""Photos to visual codes and back (VQ-GAN), and its pretraining."""

from meter.vq.codec import VQGAN, VQConfig, VQOutput, images_from_pixels, pixels_from_images
from meter.vq.codes import encode_photos
from meter.vq.pretrain import PretrainConfig
from meter.vq.samples import reconstruct
from meter.vq.schedule import Schedule, held_out_rows
from meter.vq.stages import encode_photos_stage, pretrain_stage
from meter.vq.steps import LossConfig

__all__ = [
    "VQGAN",
    "LossConfig",
    "PretrainConfig",
    "Schedule",
    "VQConfig",
    "VQOutput",
    "encode_photos",
    "encode_photos_stage",
    "held_out_rows",
    "images_from_pixels",
    "pixels_from_images",
    "pretrain_stage",
    "reconstruct",
]
