"""The VQ-GAN: photos to visual codes and back."""

from meter.vq.encode import encode_photos
from meter.vq.vqgan import VQGAN, VQConfig, VQOutput, images_from_pixels, pixels_from_images

__all__ = [
    "VQGAN",
    "VQConfig",
    "VQOutput",
    "encode_photos",
    "images_from_pixels",
    "pixels_from_images",
]
