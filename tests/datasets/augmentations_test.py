"""Tests of lottery_ticket.datasets.augmentations."""

import numpy as np
import pytest
import tensorflow as tf

from lottery_ticket.datasets import augmentations


def by_hand(image, draw):
  """Pads, crops and flips one image in NumPy."""
  padded = np.pad(image, [(4, 4), (4, 4)] + [(0, 0)] * (image.ndim - 2))
  top, left = draw // 2 % 9, draw // 18 % 9
  crop = padded[top : top + image.shape[0], left : left + image.shape[1]]
  return crop[:, ::-1] if draw % 2 else crop


@pytest.mark.parametrize('jit_compile', [False, True])
@pytest.mark.parametrize(
  ('shape', 'dtype'), [((6, 7, 3), np.uint8), ((6, 7), np.float32)]
)
def test_each_image_is_flipped_and_moved_by_its_draw(shape, dtype, jit_compile):
  generator = np.random.default_rng(0)
  draws = generator.integers(0, 2**31, 200).astype(np.int32)
  draws[:162] = np.arange(162)  # All that there are.
  images = generator.integers(0, 256, (200, *shape)).astype(dtype)
  augment = tf.function(augmentations.flip_and_crop, jit_compile=jit_compile)
  moved = augment(tf.constant(images), tf.constant(draws)).numpy()
  assert moved.dtype == dtype
  wanted = [by_hand(*pair) for pair in zip(images, draws, strict=True)]
  np.testing.assert_array_equal(moved, np.stack(wanted))
