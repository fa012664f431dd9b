"""Blocks of 3x3 convolutions, each pooled: Conv-2, Conv-4, Conv-6 and VGG."""

from collections.abc import Hashable, Sequence

import tensorflow as tf

from lottery_ticket.foundations import layers
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import save_restore

CONV2, CONV4, CONV6 = (
  {'blocks': ((1, 1), (2, 2), (4, 4))[:blocks]} for blocks in (1, 2, 3)
)
"""Arguments of the networks of Frankle & Carbin (arXiv 1803.03635, Figure 2).

For images of 32x32x3 they have 4,300,992, 2,425,024 and 2,261,184 weights. The
paper says 1.7 million of Conv-6, but labels its P_m as of 2.26 million.
"""
VGG16, VGG19 = (
  {'blocks': ((1, 1), (2, 2), *blocks), 'units': (), 'has_batch_norm': True}
  for blocks in (((4,) * n, (8,) * n, (8,) * n) for n in (3, 4))
)
"""Arguments of Simonyan & Zisserman's networks, as used for small images.

VGG-19 has 20,024,000 weights: batch norm in place of biases, and one dense
layer of the means over what is left of the image.
"""


class Conv(model_base.ModelBase):
  """Blocks of 3x3 convolutions, each pooled, then dense layers, with ReLU.

  The kernels are called `conv0`, `conv1`, ..., `dense0`, ... and `output`. By
  default it is Conv-2; `Conv(**CONV6)` and `Conv(**VGG19)` are others. Without
  hidden dense layers the last block is pooled as a whole, to its mean.

  Args:
    presets, masks, seed: As in `ModelBase`.
    blocks: Filters of each convolution, by block, as multiples of the width.
    width: Filters of the first convolution.
    units: Units of each hidden dense layer, as multiples of the width.
    dropout: The fraction of the hidden dense layers' units that an update
      leaves out, in [0, 1). The paper does not say which layers have it.
    has_batch_norm: Whether convolutions have batch norm rather than a bias.
    classes: The number of outputs.
    kernel_initializer: As in `ModelBase.dense`.
  """

  def __init__(
    self,
    presets: save_restore.NetworkLike | None = None,
    masks: save_restore.NetworkLike | list | None = None,
    seed: int | None = None,
    *,
    blocks: Sequence[Sequence[int]] = ((1, 1),),
    width: int = 64,
    units: Sequence[int] = (4, 4),
    dropout: float = 0.0,
    has_batch_norm: bool = False,
    classes: int = 10,
    kernel_initializer: layers.Initializer = None,
  ):
    super().__init__(presets, masks, seed)
    sizes = [[width * times for times in block] for block in blocks]
    self._blocks = tuple(map(tuple, sizes))
    self._units = tuple(width * times for times in units)
    self._dropout, self._has_batch_norm = dropout, has_batch_norm
    self._classes, self.kernel_initializer = classes, kernel_initializer

  def __call__(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns logits [batch, classes] of images, with channels or without."""
    outputs, number = inputs, 0
    for i, block in enumerate(self._blocks, 1):
      for place, filters in enumerate(block, 1):
        name, has_norm = f'conv{number}', self._has_batch_norm
        outputs = self.conv2d(name, outputs, filters, 3, use_bias=not has_norm)
        if has_norm:
          settings = training, *layers.PYTORCH_NORM
          outputs = self.batch_norm(f'{name}_norm', outputs, *settings)
        # Pooled before ReLU: the same numbers, for a quarter of the work.
        is_last = place == len(block)
        if is_last and (self._units or i < len(self._blocks)):
          outputs = self.max_pool(outputs)
        outputs, number = tf.nn.relu(outputs), number + 1
    if not self._units:
      outputs = tf.reduce_mean(outputs, [1, 2])
    outputs = self.flatten(outputs)
    for i, units in enumerate(self._units):
      outputs = self.dense(f'dense{i}', outputs, units, 'relu')
      outputs = self.dropout(outputs, self._dropout, training)
    return self.dense('output', outputs, self._classes)

  def architecture(self) -> Hashable | None:
    """Returns the sizes of all layers, dropout and batch norm."""
    settings = self._dropout, self._has_batch_norm, self._classes
    is_known = type(self) is Conv
    return (self._blocks, self._units, *settings) if is_known else None
