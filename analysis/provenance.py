"""How the runs of an experiment were made, as their records say."""

import json
from typing import Any, NamedTuple

import pandas as pd

from lottery_ticket.analysis import study as study_lib
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import save_restore


class Provenance(NamedTuple):
  """How runs were made.

  Attributes:
    experiments: A row for each experiment's name: `experiment`, `trials`,
      `levels` and `runs` (counts), `iterations` (of all runs together) and
      `hours` (of training, one run after the other).
    recipe: {hyperparameter: value} of these runs, of what is recorded.
    seeds: {trial: the seeds of its runs}.
    versions: {library: the versions that made these runs}.
  """

  experiments: pd.DataFrame
  recipe: dict[str, Any]
  seeds: dict[str, list[int]]
  versions: dict[str, list[str]]


def compared(study: study_lib.Study, runs: pd.DataFrame) -> pd.DataFrame:
  """Returns the runs that can be compared with a study's tickets.

  Args:
    study: Of the same runs.
    runs: As in `results.Results`.

  Returns:
    Those of the study's main recipe, and controls that differ from it in what
    is a control's own: how it resets, and permuted labels.
  """
  places = [
    place
    for recipe, view in study.settings
    if _is_a_controls(_differing(recipe, study.recipe))
    for place in view.runs.index.difference(study.runs.index)
  ]
  controls = runs.loc[places]
  controls = controls[controls.experiment != study_lib.TICKET]
  return pd.concat([study.runs, controls]).sort_index()


def read(study: study_lib.Study, runs: pd.DataFrame) -> Provenance:
  """Reads how runs were made.

  Args:
    study: Whose main recipe they are of.
    runs: As `compared` returns them.
  """
  records = [_record(directory) for directory in runs.directory]
  timed = runs.assign(
    hours=[_number(record.get('seconds')) / 3600 for record in records]
  )
  groups = timed.groupby('experiment')
  experiments = groups.agg(
    trials=('trial', 'nunique'),
    levels=('level', 'nunique'),
    runs=('level', 'size'),
    iterations=('iterations', 'sum'),
    hours=('hours', 'sum'),
  ).reset_index()
  recipe = {
    name: value for name, value in study.recipe.items() if value is not None
  }
  return Provenance(experiments, recipe, _seeds(runs), _versions(records))


def _record(directory: str) -> dict[str, Any]:
  try:
    return save_restore.read_json(paths.record(directory))
  except errors.InputError:  # Removed since its row was read.
    return {}


def _seeds(runs: pd.DataFrame) -> dict[str, list[int]]:
  known = runs.dropna(subset=['seed'])
  return {
    str(trial): sorted({int(seed) for seed in seeds})
    for trial, seeds in known.groupby('trial', sort=False).seed
  }


def _versions(records: list[dict[str, Any]]) -> dict[str, list[str]]:
  found: dict[str, set[str]] = {}
  for record in records:
    versions = record.get('versions')
    for name, version in versions.items() if isinstance(versions, dict) else ():
      found.setdefault(str(name), set()).add(str(version))
  return {name: sorted(versions) for name, versions in found.items()}


def _number(value: Any) -> float:
  is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
  return float(value) if is_number else 0.0


def other_recipes(
  runs: pd.DataFrame, study: study_lib.Study, compared_runs: pd.DataFrame
) -> pd.DataFrame:
  """Says which runs cannot be compared with the others, and why.

  Args:
    runs: As in `results.Results`.
    study: Of these.
    compared_runs: As `compared` returns them.

  Returns:
    A row for each other recipe and experiment's name: `experiment`, `trials`
    and `levels` (names, as text), `runs` (a count) and `differs` (the values
    that are not the main recipe's, as text).
  """
  rows = [
    {
      'experiment': experiment,
      'trials': ', '.join(group.trial.unique()),
      'levels': ', '.join(map(str, sorted(group.level.unique()))),
      'runs': len(group),
      'differs': ', '.join(
        f'{name} {json.dumps(recipe.get(name))}'
        for name in sorted(_differing(recipe, study.recipe))
      ),
    }
    for recipe, view in study.settings
    for experiment, group in runs.loc[
      view.runs.index.difference(compared_runs.index)
    ].groupby('experiment')
  ]
  columns = ['experiment', 'trials', 'levels', 'runs', 'differs']
  return pd.DataFrame(rows, columns=columns)


def _is_a_controls(differing: set[str]) -> bool:
  """Tells whether a control changes these on purpose."""
  if 'permute_labels' in differing:  # Then the data are others, too.
    differing = differing - {'permute_labels', 'test data'}
  return differing <= {'reset'}


def _differing(recipe: dict[str, Any], usual: dict[str, Any]) -> set[str]:
  """Returns the names of the values of a recipe that are not the usual ones."""
  return {
    name
    for name in recipe.keys() | usual.keys()
    if recipe.get(name) != usual.get(name)
  }
