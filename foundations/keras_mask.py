"""A mask for plain Keras: a kernel constraint that is saved with its model.

>>> constraint = Mask(np.array([[1, 0], [0, 1]]))
>>> layer = keras.layers.Dense(2, kernel_constraint=constraint)
>>> keras.constraints.deserialize(
...   keras.constraints.serialize(constraint)
... ).mask.tolist()
[[1.0, 0.0], [0.0, 1.0]]

`keras.saving.load_model` finds the class once this module is imported.
"""

import base64
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from lottery_ticket.foundations import masks as masks_lib


@keras.saving.register_keras_serializable('lottery_ticket')
class Mask(keras.constraints.Constraint):
  """Sets pruned weights to 0 after each update.

  Args:
    mask: 0/1 array of the kernel's shape; or, as `get_config` returns it, text:
      the bits in row-major order, packed into bytes, in base 64.
    shape: Shape of the mask, where it is text.
  """

  def __init__(self, mask: np.ndarray | str, shape: Any = None):
    if isinstance(mask, str):
      packed = np.frombuffer(base64.b64decode(mask), np.uint8)
      mask = np.unpackbits(packed, count=int(np.prod(shape))).reshape(shape)
    self.mask = masks_lib.check({'mask': np.asarray(mask)})['mask']

  def __call__(self, kernel: tf.Tensor) -> tf.Tensor:
    """Returns the kernel with its pruned weights at 0."""
    # Selecting rather than multiplying: 0 even where an update is infinite.
    return keras.ops.where(self.mask != 0, kernel, keras.ops.zeros_like(kernel))

  def get_config(self) -> dict[str, Any]:
    """Returns the arguments that make this constraint again, as JSON values."""
    packed = base64.b64encode(np.packbits(self.mask != 0).tobytes())
    return {'mask': packed.decode('ascii'), 'shape': list(self.mask.shape)}
