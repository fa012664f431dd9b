"""A made-up study with tickets and controls, complete enough for a report."""

import pathlib

import numpy as np
import pytest

from lottery_ticket.analysis import report
from lottery_ticket.analysis import results
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import save_restore
from lottery_ticket.mnist_fc import paper

SHAPES = {'layer0': (20, 10), 'layer1': (10, 5)}
RECIPE = {
  'optimizer': 'Adam',
  'learning_rate': 1.2e-3,
  'batch_size': 60,
  'training_len': ['iterations', 1000],
  'prune_percents': {'layer0': 0.5, 'layer1': 0.5},
}
CONTROLS = ('reinit', 'random', 'one_shot', 'noise_0.5x', 'no_reset')


def write_run(directory, level, trial, stop, recipe=RECIPE, **experiment):
  """Writes a run that has its lowest validation loss at iteration `stop`."""
  generator = np.random.default_rng([level, trial, stop])
  iterations = np.arange(0, 1001, 100)
  losses = 0.1 + np.abs(iterations - stop) / 1000
  log = {
    'iteration': iterations.tolist(),
    'loss': losses.tolist(),
    'accuracy': (1 - losses / 9).tolist(),
  }
  for split in ('validate', 'test'):
    save_restore.write_log(paths.log(directory, split), log)
  masks = {}
  for name, shape in SHAPES.items():
    mask = np.zeros(shape, np.float32)
    kept = generator.permutation(mask.size)[: mask.size >> level]
    mask.ravel()[kept] = 1
    masks[name] = mask
  weights = {name: generator.normal(size=SHAPES[name]) for name in SHAPES}
  final = {name: 2 * weights[name] for name in SHAPES}
  save_restore.save_network(paths.masks(directory), masks)
  save_restore.save_network(paths.initial(directory), weights)
  save_restore.save_network(paths.final(directory), final)
  made = {'task': 'mnist_fc', 'seed': trial, 'level': level, 'recipe': recipe}
  made |= experiment
  record = {
    'description': made,
    'results': {'train': {'loss': 0.01, 'accuracy': 0.99 + level / 1000}},
    'iterations': 1000,
    'seconds': 36.0,
    'versions': {'python': '3.11.7', 'tensorflow': '2.21.0'},
  }
  save_restore.write_json(paths.record(directory), record)


@pytest.fixture(scope='session')
def study(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  """The folder of trials 1 to 3, levels 0 to 3; not to be changed.

  Tickets stop early at iteration 600 - 100 * level, controls 300 later, the
  reinitialized ones of trial 3 and level 3 with their last measurement.
  """
  folder = tmp_path_factory.mktemp('studies') / 'study'
  for trial in (1, 2, 3):
    place = paths.trial(str(folder), trial)
    for level in range(4):
      stop = 600 - 100 * level
      ticket = paths.run(place, level)
      write_run(ticket, level, trial, stop, script='lottery_experiment')
      for control in CONTROLS if level else ():
        run = paths.run(place, level, control, 1)
        late = control == 'reinit' and (trial, level) == (3, 3)
        later = 1000 if late else stop + 300
        write_run(run, level, trial, later, script='reinitialize', run_id=1)
  return folder


@pytest.fixture(scope='session')
def written(study: pathlib.Path) -> report.Report:
  """The report of the study."""
  found = results.read(str(study))
  return report.write(str(study), found, paper.CLAIMS, ['python <a> "&"'])
