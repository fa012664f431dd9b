"""A task: all that the scripts know of an experiment's data and models."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from lottery_ticket.foundations import errors
from lottery_ticket.study import recipe as recipe_lib

if TYPE_CHECKING:  # Flags need no TensorFlow.
  from lottery_ticket.foundations import dataset_base
  from lottery_ticket.foundations import model_base


@dataclasses.dataclass(frozen=True)
class NoData:
  """Data that lie in no folder."""


PLAIN = ('permute_labels', 'train_order_seed', 'overwrite')
"""What `Common` has beside the recipe."""


@dataclasses.dataclass(frozen=True)
class Common:
  """What all scripts that train are given beside a recipe's values.

  Attributes:
    recipe: Name of the recipe; by default the task's first, or for a control
      that of its ticket.
    permute_labels: Whether to rename the classes by a random permutation.
    train_order_seed: Seed of the order of the data alone; by default the order
      depends on the seed and the level.
    overwrite: Whether results of other runs in the folder may be lost.
  """

  recipe: str | None = None
  permute_labels: bool = False
  train_order_seed: int | None = None
  overwrite: bool = False


@dataclasses.dataclass(frozen=True)
class Given(Common):
  """The same of one run or trial.

  Attributes:
    seed: Seed of all that is drawn; by default the one that the folder's run
      or the ticket's trial has recorded, or a new one, which is recorded.
  """

  seed: int | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Task:
  """What an experiment folder is about.

  Attributes:
    folder: The experiment folder, with `runners` and `argfiles`.
    recipes: {name: recipe}, all of one class; the first is the default.
    make_dataset: `make_dataset(recipe, location, seed, permute_labels)` gives
      the data set; `seed` is of what is drawn, like the validation set.
    make_model: `make_model(recipe, presets, masks, seed)` gives the network.
    experiment_path: Folder of all trials, by default.
    data: Dataclass with one field, the folder of the data: its name is that of
      the flag, like `mnist_location`; without fields if data lie nowhere.
    parts: `parts(recipe, sizes)` gives the parts of the whole study; by default
      tickets and their controls. See `study/replicate.py`.
  """

  folder: str | pathlib.Path
  recipes: Mapping[str, recipe_lib.Recipe]
  make_dataset: Callable[[Any, str, int, bool], 'dataset_base.DatasetBase']
  make_model: Callable[..., 'model_base.ModelBase']
  experiment_path: str
  data: type = NoData
  parts: Callable[[Any, Any], Mapping[str, Any]] | None = None

  @property
  def name(self) -> str:
    """The folder's name, for records and commands."""
    return pathlib.Path(self.folder).name

  def flags(self, *more: type) -> type:
    """Returns a dataclass: where the data are, a recipe's values, and more."""
    bases = (type(next(iter(self.recipes.values()))), self.data, *more)
    return dataclasses.make_dataclass('Flags', (), bases=bases, frozen=True)

  @property
  def location(self) -> str | None:
    """Name of the flag that says where the data are, if there is one."""
    return next((field.name for field in dataclasses.fields(self.data)), None)

  def choose(self, name: str | None = None, **values: Any) -> tuple[Any, str]:
    """Returns a recipe, the first by default, and the folder of the data.

    Values that are not None replace those of the recipe, and that folder.
    """
    location = ''
    if self.location:
      location = values.pop(self.location, None)
      if location is None:
        location = getattr(self.data(), self.location)
    return self.recipe(name or next(iter(self.recipes)), **values), location

  def recipe(self, name: str, **values: Any) -> Any:
    """Returns a recipe by name, with other values where they are not None."""
    errors.check_choice('recipe', name, sorted(self.recipes))
    return self.recipes[name].replace(**values)

  def restore(self, values: Mapping[str, Any]) -> Any:
    """Returns the recipe of these values, as a run's description has them."""
    return next(iter(self.recipes.values())).replace(**values)
