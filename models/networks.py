"""The networks of this folder by name; imports TensorFlow only to make one."""

from typing import Any

from lottery_ticket.foundations import errors

NAMES = (
  *('lenet5', 'lenet5_caffe', 'conv2', 'conv4', 'conv6', 'vgg16', 'vgg19'),
  *('resnet20', 'resnet32', 'resnet44', 'resnet56', 'resnet110'),
)


def check(name: str, width: int | None = None, dropout: float = 0.0) -> None:
  """Raises InputError unless there is such a network; as in `make`."""
  errors.check_choice('network', name, NAMES)
  if width is not None:
    errors.check_integer('width', width, 1)
  if width and name.startswith('lenet5'):
    raise errors.InputError(f'width: {name} has none')
  if dropout and not name.startswith('conv'):
    raise errors.InputError(f'dropout: {name} has none')


def make(
  name: str,
  presets: Any = None,
  masks: Any = None,
  seed: int | None = None,
  *,
  width: int | None = None,
  dropout: float = 0.0,
  **settings: Any,
) -> Any:
  """Returns a network of this folder; as in `check`.

  By default it is as wide as the paper's. All take the settings `classes` and
  `kernel_initializer`; other arguments are as in `ModelBase` and `Conv`.
  """
  from lottery_ticket.models import conv
  from lottery_ticket.models import lenet5
  from lottery_ticket.models import resnet

  check(name, width, dropout)
  if width:
    settings['width'] = width
  if name.startswith('lenet5'):
    settings |= lenet5.CAFFE if name == 'lenet5_caffe' else {}
    return lenet5.LeNet5(presets, masks, seed, **settings)
  if name.startswith('resnet'):
    depth = int(name.removeprefix('resnet'))
    return resnet.ResNet(presets, masks, seed, depth=depth, **settings)
  settings |= getattr(conv, name.upper())
  return conv.Conv(presets, masks, seed, dropout=dropout, **settings)
