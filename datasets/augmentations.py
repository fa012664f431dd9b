"""Ways to show images to a network otherwise in each epoch."""

import tensorflow as tf

MARGIN = 4  # Pixels.


def flip_and_crop(images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
  """Mirrors half of the images, and moves each by up to four pixels.

  As the papers do for CIFAR-10: a crop of the image with four zeros around it,
  at a random place. Everything is a function of the draws: `DatasetSplit` has
  it as `augment`.

  Args:
    images: Bytes or numbers, shape [batch, height, width] or [batch, height,
      width, channels].
    draws: int32 in [0, 2**31), shape [batch].

  Returns:
    Images of the same type and shape.
  """
  places = 2 * MARGIN + 1
  draws = draws[:, tf.newaxis]
  rows, columns = map(tf.range, images.shape[1:3])
  columns = tf.where(draws % 2 == 1, tf.reverse(columns, [0]), columns)
  rows += draws // 2 % places
  columns += draws // (2 * places) % places
  around = [[0, 0], [MARGIN, MARGIN], [MARGIN, MARGIN], [0, 0]]
  padded = tf.pad(images, around[: len(images.shape)])
  # Whole rows first: they are moved at once.
  moved = tf.gather(padded, rows, axis=1, batch_dims=1)
  return tf.gather(moved, columns, axis=2, batch_dims=1)
