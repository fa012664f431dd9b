"""The values of a convolutional network's recipe, and where its data lie."""

import dataclasses

from lottery_ticket.cifar10_conv import locations
from lottery_ticket.foundations import errors
from lottery_ticket.models import networks
from lottery_ticket.study import recipe as recipe_lib


@dataclasses.dataclass(frozen=True)
class Data:
  """Where the data lie.

  Attributes:
    data_location: Folder with CIFAR-10, or with MNIST or Fashion-MNIST.
  """

  data_location: str = locations.CIFAR10_LOCATION


@dataclasses.dataclass(frozen=True)
class Recipe(recipe_lib.Recipe):
  """The values of an experiment; by default those of the paper's Conv-2.

  Attributes:
    network: One of lenet5, conv2, conv4, conv6, vgg16, vgg19, resnet20 and
      deeper ones (32, 44, 56, 110).
    width: Filters of the first layer; other layers have as many times more; by
      default the paper's (64; ResNets 16).
    dropout: The fraction of the hidden dense layers' units that an update
      leaves out; for conv2, conv4 and conv6.
    scaling: Scaling of the images: standard (each channel to mean 0 and
      deviation 1) or unit (to [0, 1]).
    augment: Whether updates see images flipped and moved at random.
    validation_size: Examples set aside for validation; the paper's 5,000.
  """

  network: str = 'conv2'
  width: int | None = None
  dropout: float = 0.0
  scaling: str = 'standard'
  augment: bool = False
  validation_size: int = 5_000

  def __post_init__(self) -> None:
    super().__post_init__()
    networks.check(self.network, self.width, self.dropout)
    errors.check_choice('scaling', self.scaling, ('standard', 'unit'))
    errors.check_integer('validation_size', self.validation_size, 0)
