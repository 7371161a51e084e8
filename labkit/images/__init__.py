"""Photos as tensors: the embedded bank, a student's own files, and downloaded banks.

A batch of images is (N, 3, H, W) float32 in 0..1. Normalisation belongs to the networks.
"""

from labkit.images.bank import Photos, folder, photos
from labkit.images.downloaded import imagenette
from labkit.images.files import load
from labkit.images.tensors import expect_images, fit, to_8_bit

__all__ = ["Photos", "expect_images", "fit", "folder", "imagenette", "load", "photos", "to_8_bit"]
