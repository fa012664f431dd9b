"""The plan of one run: what its record's description says, and how it is made.

A run is made from its plan alone, whichever script it is of, and so it can be
made again from what its record says.
"""

import contextlib
import dataclasses
import functools
import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lottery_ticket.analysis import rows
from lottery_ticket.foundations import controls
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import records
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import seeds
from lottery_ticket.study import resets
from lottery_ticket.study import task as task_lib

if TYPE_CHECKING:  # Flags need no TensorFlow.
  from lottery_ticket.foundations import dataset_base
  from lottery_ticket.foundations import model_base

Network = masks_lib.Network


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
  """What identifies a run, in the words of `task.Given`, and where data are."""

  task: task_lib.Task
  script: str  # Name of the one that makes the run.
  recipe: Any
  seed: int
  level: int  # The number of pruning rounds done.
  permute_labels: bool = False
  train_order_seed: int | None = None
  # {name: JSON value} of what the script's runs have beside, like `reset`, or
  # `control` and `run_id`.
  settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  location: str = ''  # Folder of the data.
  # {flag: path, list of paths or name}, where other inputs come from.
  sources: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  overwrite: bool = False

  def __post_init__(self) -> None:
    errors.check_integer('level', self.level, least=0)
    seeds.check(self.seed)
    if self.train_order_seed is not None:
      seeds.check(self.train_order_seed, 'train_order_seed')

  def replace(self, **changes: Any) -> 'Plan':
    """Returns the plan of another run."""
    return dataclasses.replace(self, **changes)

  @property
  def order_seed(self) -> int:
    """Seed of the order of the data."""
    if self.train_order_seed is not None:
      return int(self.train_order_seed)
    return seeds.integer(self.seed, 'order', int(self.level))

  @property
  def draw_seed(self) -> int:
    """Seed of the weights that are drawn: a control has one of its own."""
    if 'run_id' not in self.settings:
      return seeds.integer(self.seed, 'model')
    control, run_id = self.settings['control'], self.settings['run_id']
    return seeds.integer(self.seed, 'control', control, self.level, run_id)

  def description(self) -> dict[str, Any]:
    """Returns what a record says to identify the run: JSON values."""
    return {
      'task': self.task.name,
      'script': self.script,
      'recipe': self.recipe.configuration(),
      'seed': int(self.seed),
      'level': int(self.level),
      'permute_labels': self.permute_labels,
      'train_order_seed': self.order_seed,
      **self.settings,
    }

  def make_dataset(self) -> 'dataset_base.DatasetBase':
    """Returns the trial's data, in whichever order; kept for the next call."""
    there = os.scandir(self.location) if os.path.isdir(self.location) else ()
    files = sorted((file.name, file.stat().st_mtime_ns) for file in there)
    values = json.dumps(self.recipe.configuration(), sort_keys=True)
    given = self.location, seeds.integer(self.seed, 'data'), self.permute_labels
    return _dataset(self.task, values, tuple(files), *given)

  def make_model(
    self,
    presets: save_restore.NetworkLike | None = None,
    masks: save_restore.NetworkLike | list | None = None,
  ) -> 'model_base.ModelBase':
    """Returns the network; what has no presets is drawn."""
    model = self.task.make_model(self.recipe, presets, masks, self.draw_seed)
    model.l2 = self.recipe.l2
    return model

  def check_folder(self, output_dir: str) -> None:
    """Refuses a folder with another finished run, before any work."""
    records.check(output_dir, self.description(), self.overwrite)

  def train(
    self,
    dataset: 'dataset_base.DatasetBase',
    model: 'model_base.ModelBase',
    output_dir: str,
    execution: str | None = None,
  ) -> tuple[Network, Network]:
    """Trains as the recipe says; returns initial and final weights."""
    from lottery_ticket.foundations import trainer

    reset = self.settings.get('reset')
    rewinds = [reset] if isinstance(reset, int) and not self.level else []
    location = {self.task.location: self.location} if self.task.location else {}
    model.level.assign(self.level)
    trained = trainer.train(
      dataset.with_order(self.order_seed),
      model,
      self.recipe.optimizer_fn,
      self.recipe.training_len,
      output_dir,
      test_interval=self.recipe.interval,
      validate_interval=self.recipe.interval,
      save_summaries=True,
      save_network=True,
      checkpoints=rewinds,
      **resets.iterations(
        self.recipe, self.settings, self.level, dataset.batches_per_epoch
      ),
      description=self.description(),
      sources={**absolute(**location), **self.sources},
      overwrite=self.overwrite,
      execution=execution or self.recipe.execution,
    )
    record = records.read(output_dir)
    print(
      f'{output_dir}: {masks_lib.density(model.masks):.1%} of the weights, test'
      f' accuracy {record["results"]["test"]["accuracy"]:.2%} after'
      f' {record["iterations"]:,} iterations',
      flush=True,  # Before what comes on stderr.
    )
    return trained

  def train_ticket(
    self, ticket: controls.Ticket, output_dir: str
  ) -> tuple[Network, Network]:
    """Trains a ticket like `train`; weights that it has not are drawn."""
    model = self.make_model(ticket.initial, ticket.masks)
    return self.train(self.make_dataset(), model, output_dir)


@functools.lru_cache(maxsize=1)
def _dataset(task: task_lib.Task, values: str, files: Any, *given: Any) -> Any:
  del files  # Part of the key: those that changed are read again.
  return task.make_dataset(task.restore(json.loads(values)), *given)


def make(
  task: task_lib.Task,
  script: str,
  output_dir: str,
  given: Mapping[str, Any],
  *,
  tickets: Sequence[str] = (),
  **known: Any,
) -> Plan:
  """Returns the plan of a script's run.

  `given` are flags of `task.Given`, values of the recipe and where the data
  are, `known` other parts of the plan. The seed, if none is given, is that of
  the record of the folder: so an interrupted experiment goes on with its own.
  `tickets`, folders of runs, are asked before, in turn, and for what else is
  not given: the recipe, where the data are, whether labels are permuted, and
  the order of the data, if it is of a seed of its own.
  """
  values = {k: value for k, value in given.items() if value is not None}
  name, seed = (values.pop(key, None) for key in ('recipe', 'seed'))
  plain = {key: values.pop(key) for key in task_lib.PLAIN if key in values}
  recorded: dict[str, Any] = {}
  for run in tickets:
    with contextlib.suppress(errors.InputError):
      record = rows.record(run)
      if record.get('description', {}).get('task') == task.name:
        recorded = record
        break
  ticket = recorded.get('description', {})
  if name is None:
    values = ticket.get('recipe', {}) | values
  # False is what signatures of 2018 pass on where nothing was said.
  if ticket.get('permute_labels'):
    plain['permute_labels'] = True
  plain.setdefault('train_order_seed', own_order(ticket))
  flag = task.location or ''
  location = recorded.get('sources', {}).get(flag, '')
  if os.path.isdir(str(location)):
    values.setdefault(flag, location)
  recipe, location = task.choose(name, **values)
  # To overwrite loses what cannot be read as well.
  ignored = [errors.InputError] if plain.get('overwrite') else []
  for run in (*tickets, output_dir):
    with contextlib.suppress(*ignored):
      seed = rows.seed(run) if seed is None else seed
  return Plan(
    task=task,
    script=script,
    recipe=recipe,
    location=location,
    seed=seeds.check(seeds.fresh() if seed is None else seed),
    **plain,
    **known,
  )


def own_order(description: Mapping[str, Any]) -> int | None:
  """Returns the seed of the order in a description; None if it is the usual."""
  order, seed = (description.get(k) for k in ('train_order_seed', 'seed'))
  if order is None or seed is None:
    return None
  usual = seeds.integer(seed, 'order', description['level'])
  return None if order == usual else order


def restore(task: task_lib.Task, description: Mapping[str, Any]) -> Plan:
  """Returns the plan that a record's description is of."""
  if description.get('task') != task.name or 'recipe' not in description:
    raise errors.InputError(f'not made by a script of {task.name}')
  given = dict(description)
  del given['task']
  names = [field.name for field in dataclasses.fields(Plan)]
  known = {name: given.pop(name) for name in names if name in given}
  recipe = task.restore(known.pop('recipe'))
  return Plan(task=task, recipe=recipe, settings=given, **known)


def read_ticket(run: str, plan: Plan | None = None) -> controls.Ticket:
  """Returns the masks and initial weights of a finished run.

  Where its folder is gone, weights are drawn again by the plan of a run of the
  same trial. Raises InputError if they come out as others, or nothing is there.
  """
  record = None
  if plan and not os.path.lexists(paths.record(run)):
    with contextlib.suppress(errors.InputError):
      record = rows.record(run)
  if not record or not plan:
    return controls.Ticket(_read(run, paths.masks), _read(run, paths.initial))
  model = plan.replace(settings={}).make_model()  # As a ladder draws it.
  model.build(plan.make_dataset().train.values(slice(1)))
  initial = model.get_current_weights()
  shapes = {name: mask.shape for name, mask in model.masks.items()}
  masks = rows.masks(run, shapes)
  ticket = controls.Ticket(masks, masks_lib.apply(masks, initial))
  for name, network in (('masks', masks), ('initial', ticket.initial)):
    if save_restore.checksum(network) != record['inputs'][name]:
      raise errors.InputError(
        f'{run}: {name}: wanted those of the row, got others from the seed;'
        ' train the ticket again'
      )
  return ticket


def read_weights(run: str) -> controls.Weights:
  """Returns the weights of a finished run, before and after training."""
  return controls.Weights(_read(run, paths.initial), _read(run, paths.final))


def _read(run: str, path: Callable[[str], str]) -> Network:
  record = paths.record(run)
  if not os.path.isfile(record):  # Of a finished run alone.
    wanted = 'a finished run; runners/lottery_experiment.py makes tickets'
    raise errors.MissingInputError(f'{run}: wanted {wanted}', record)
  return save_restore.standardize(path(run)) or {}


def absolute(**given: Any) -> dict[str, Any]:
  """Returns absolute paths of inputs, without networks in memory and None."""
  found = {name: _absolute(source) for name, source in given.items()}
  return {name: source for name, source in found.items() if source}


def _absolute(source: Any) -> Any:
  """Returns a path from anywhere, None of a network in memory."""
  if isinstance(source, (list, tuple)):
    folders = [_absolute(item) for item in source]
    return None if None in folders else folders
  is_path = isinstance(source, (str, os.PathLike))
  return os.path.abspath(source) if is_path else None
