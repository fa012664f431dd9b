"""ResNets for small images: three stages of blocks with a way around each."""

import functools
import itertools
from collections.abc import Hashable

import tensorflow as tf

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import layers
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import save_restore

Sizes = tuple[int, int, int]  # Filters, size and strides of a convolution.


class ResNet(model_base.ModelBase):
  """ResNet-20 and its family (He et al., arXiv 1512.03385, Section 4.2).

  A convolution, then three stages of 16, 32 and 64 filters with as many blocks
  each. A block adds two convolutions to its inputs, which a convolution of 1x1
  brings to the same shape where the stage begins anew. All have batch norm and
  no bias. ResNet-20 (Resnet-18 in Frankle & Carbin) has 270,896 weights.

  The kernels are called `conv`, `stage0_block0_conv0`, ... and `output`, those
  of 1x1 `stage1_block0_shortcut` and `stage2_block0_shortcut`: a pattern
  `*conv*` names the convolutions that the papers prune.

  Args:
    presets, masks, seed: As in `ModelBase`.
    depth: Layers from inputs to logits, 6 n + 2 of n blocks a stage.
    width: Filters of the first stage.
    classes: The number of outputs.
    kernel_initializer: As in `ModelBase.dense`.

  Raises:
    InputError: If there is no such depth; as in `ModelBase`.
  """

  def __init__(
    self,
    presets: save_restore.NetworkLike | None = None,
    masks: save_restore.NetworkLike | list | None = None,
    seed: int | None = None,
    *,
    depth: int = 20,
    width: int = 16,
    classes: int = 10,
    kernel_initializer: layers.Initializer = None,
  ):
    super().__init__(presets, masks, seed)
    self._blocks, rest = divmod(errors.check_integer('depth', depth, 8) - 2, 6)
    errors.require(not rest, 'depth', '6 n + 2, like 20 or 56', depth)
    self._width, self._classes = width, classes
    self.kernel_initializer = kernel_initializer

  def __call__(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns logits [batch, classes] of images, with channels or without."""
    convolve = functools.partial(self._convolve, training)
    outputs = tf.nn.relu(convolve('conv', inputs, (self._width, 3, 1)))
    for stage, block in itertools.product(range(3), range(self._blocks)):
      name, filters = f'stage{stage}_block{block}', self._width * 2**stage
      strides = 2 if stage and not block else 1
      inner = convolve(f'{name}_conv0', outputs, (filters, 3, strides))
      inner = convolve(f'{name}_conv1', tf.nn.relu(inner), (filters, 3, 1))
      if strides > 1:
        sizes = filters, 1, strides
        outputs = convolve(f'{name}_shortcut', outputs, sizes)
      outputs = tf.nn.relu(inner + outputs)
    return self.dense('output', tf.reduce_mean(outputs, [1, 2]), self._classes)

  def _convolve(
    self, training: bool, name: str, inputs: tf.Tensor, sizes: Sizes
  ) -> tf.Tensor:
    """Applies a convolution and its batch norm."""
    outputs = self.conv2d(name, inputs, *sizes, use_bias=False)
    settings = training, *layers.PYTORCH_NORM
    return self.batch_norm(f'{name}_norm', outputs, *settings)

  def architecture(self) -> Hashable | None:
    """Returns the numbers of blocks, filters and classes."""
    settings = (self._blocks, self._width, self._classes)
    return settings if type(self) is ResNet else None
