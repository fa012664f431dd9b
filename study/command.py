"""The command line that makes a run, from what its record says."""

import os
from collections.abc import Mapping
from typing import Any

from lottery_ticket.cli import argfiles
from lottery_ticket.foundations import controls
from lottery_ticket.foundations import seeds
from lottery_ticket.study import names
from lottery_ticket.study import plan as plan_lib
from lottery_ticket.study import task as task_lib

Flags = dict[str, Any]

DEFAULTS = {
  'experiment_name': names.TICKET,
  'ticket_name': names.TICKET,
  'no_reset_name': names.NO_RESET,
  'reset': 'initial',
}
"""{flag: value} that need not be said."""


def of_run(
  task: task_lib.Task, record: Mapping[str, Any], directory: str
) -> str:
  """Returns the command line that makes a run of a record, in a folder."""
  plan = plan_lib.restore(task, record.get('description', {}))
  sources = record.get('sources', {})
  flags: Flags = {'output_dir': directory, 'level': plan.level}
  script, settings = plan.script, dict(plan.settings)
  if script == 'lottery_experiment':
    flags = {
      'output_dir': os.path.dirname(os.path.dirname(directory)),
      'iterations': plan.level,
    }
  elif script == 'control' and 'trial_dir' not in sources:
    script = 'reinitialize'  # The same run by another name.
    del settings['control']
  flags |= without_defaults(task, {**settings, **sources})
  flags |= {'seed': plan.seed, **labels_and_order(plan)}
  flags |= recipe_flags(task, plan.recipe.configuration())
  runner = f'{task.name}/runners/{script}.py'
  return f'python {runner} {argfiles.short_line(**flags)}'


def without_defaults(task: task_lib.Task, flags: Mapping[str, Any]) -> Flags:
  """Returns the flags that have to be said."""
  defaults = dict(DEFAULTS)
  if task.location:
    defaults[task.location] = os.path.abspath(task.choose()[1])
  return {k: value for k, value in flags.items() if value != defaults.get(k)}


def labels_and_order(plan: plan_lib.Plan) -> Flags:
  """Returns the flags of labels and order, where no control sets them."""
  row = controls.Control(controls.same, '')
  if 'control' in plan.settings:
    row = controls.CONTROLS.get(plan.settings['control'], row)
  usual = seeds.integer(plan.seed, 'order', plan.level)
  flags: Flags = {}
  if plan.permute_labels and not row.permutes_labels:
    flags['permute_labels'] = True
  if plan.order_seed != usual and not row.reorders:
    flags['train_order_seed'] = plan.order_seed
  return flags


def recipe_flags(task: task_lib.Task, values: Mapping[str, Any]) -> Flags:
  """Returns what makes a recipe: its name, and values that differ from it."""
  changes = {
    name: {
      key: value
      for key, value in values.items()
      if value != recipe.configuration().get(key)
    }
    for name, recipe in task.recipes.items()
  }
  name = min(changes, key=lambda name: len(changes[name]))
  is_default = name == next(iter(task.recipes))
  return ({} if is_default else {'recipe': name}) | changes[name]
