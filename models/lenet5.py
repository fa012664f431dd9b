"""LeNet-5 for images of 28x28: two convolutions, then dense layers."""

from collections.abc import Hashable, Sequence
from typing import Any

import tensorflow as tf

from lottery_ticket.foundations import layers
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import save_restore

CAFFE: dict[str, Any] = {
  'convolutions': ((20, 'valid'), (50, 'valid')),
  'units': (500,),
}
"""Arguments of the larger network that Caffe called LeNet: 430,500 weights."""


class LeNet5(model_base.ModelBase):
  """Convolutions of 5x5, each pooled, then dense layers, all with ReLU.

  The kernels are called `conv0`, `conv1`, ..., `dense0`, `dense1`, ... and
  `output`. By default those of LeCun et al. 1998, all channels connected:
  61,470 weights. `LeNet5(**CAFFE)` is another.

  Args:
    presets, masks, seed: As in `ModelBase`.
    convolutions: (filters, padding) of each convolution.
    units: Units of each hidden dense layer.
    classes: The number of outputs.
    kernel_initializer: As in `ModelBase.dense`.
  """

  def __init__(
    self,
    presets: save_restore.NetworkLike | None = None,
    masks: save_restore.NetworkLike | list | None = None,
    seed: int | None = None,
    *,
    convolutions: Sequence[tuple[int, str]] = ((6, 'same'), (16, 'valid')),
    units: Sequence[int] = (120, 84),
    classes: int = 10,
    kernel_initializer: layers.Initializer = None,
  ):
    super().__init__(presets, masks, seed)
    self._convolutions, self._units = tuple(convolutions), tuple(units)
    self._classes, self.kernel_initializer = classes, kernel_initializer

  def __call__(self, inputs: tf.Tensor) -> tf.Tensor:
    """Returns logits [batch, classes] of images, with channels or without."""
    outputs = inputs
    for i, (filters, padding) in enumerate(self._convolutions):
      outputs = self.conv2d(f'conv{i}', outputs, filters, 5, padding=padding)
      # Pooled before ReLU: the same numbers, for a quarter of the work.
      outputs = tf.nn.relu(self.max_pool(outputs))
    outputs = self.flatten(outputs)
    for i, units in enumerate(self._units):
      outputs = self.dense(f'dense{i}', outputs, units, 'relu')
    return self.dense('output', outputs, self._classes)

  def architecture(self) -> Hashable | None:
    """Returns the sizes of all layers."""
    sizes = (self._convolutions, self._units, self._classes)
    return sizes if type(self) is LeNet5 else None
