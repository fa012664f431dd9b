"""A new experiment folder: two moons, and all scripts run with it."""

import pathlib
import re
import shlex
import subprocess
import sys

import pytest

from lottery_ticket.foundations import records

MOST_LINES = 350
CONTROLS = '[random,noise_1x,union]'

SCRIPT = '''"""{doc}"""

import constants

from lottery_ticket.study import scripts

if __name__ == '__main__':
  scripts.{verb}(constants.TASK, '{name}')
'''


@pytest.fixture(scope='module')
def moons(tmp_path_factory, root):
  """The folder, with as many lines as it may have."""
  from lottery_ticket.study import scripts

  folder = tmp_path_factory.mktemp('task') / 'moons'
  told = (root / 'CONTRIBUTING.md').read_text(encoding='utf-8')
  constants = re.search(r'```python\n("""Two moons.*?)```', told, re.DOTALL)[1]
  files = {'constants.py': constants}
  for name in scripts.RUNNERS:
    text = SCRIPT.format(doc=f'Runs {name}.', verb='run', name=name)
    files[f'runners/{name}.py'] = text
  for name in scripts.ARGFILES:
    text = SCRIPT.format(doc=f'Flags for {name}.', verb='show', name=name)
    files[f'argfiles/{name}_argfile.py'] = text
  for name, text in files.items():
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
  lines = sum(text.count('\n') for text in files.values())
  assert lines <= MOST_LINES
  return folder


@pytest.fixture
def run(moons, root, monkeypatch, tmp_path):
  """Returns a function that runs a script of the folder; what it prints."""
  monkeypatch.setenv('PYTHONPATH', str(moons))

  def run_it(script, *argv):
    path = root / script if script.startswith('argfile_') else moons / script
    done = subprocess.run(
      [sys.executable, str(path), *argv],
      cwd=moons,
      capture_output=True,
      text=True,
      check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout

  return run_it


@pytest.mark.slow
def test_a_folder_of_350_lines_has_all_experiments(run, moons, tmp_path):
  where = f'--experiment_path={tmp_path}/moons'
  for script, *flags in (
    ('lottery_experiment', '--iterations=2', '--units=12'),
    ('initialization', '--iterations=1'),
    ('reinitialize', '--levels=[1]', '--units=12', '--reinitializations=1'),
    ('control', f'--controls={CONTROLS}', '--units=12', '--levels=[2]'),
  ):
    flags += [where, *(['--trials=2'] * (script != 'initialization'))]
    argfile = shlex.join([f'argfiles/{script}_argfile.py', *flags])
    run('argfile_runner.py', f'runners/{script}.py', argfile, '--jobs=2')
  folder = tmp_path / 'moons' / 'trial2' / '2' / 'union1'
  described = records.read(str(folder))['description']
  assert described['task'] == 'moons'
  assert described['recipe']['units'] == 12
  assert described['control'] == 'union'
  shown = run('runners/repeat.py', str(folder))
  assert 'made by: python moons/runners/control.py --output_dir=' in shown
  assert shown.splitlines()[-1].startswith('repeated: all 6 outputs')
  assert 'winning ticket' in run('runners/summarize.py', where)
  figure = tmp_path / 'moons' / 'graphs' / 'tickets' / 'early_stop.png'
  assert figure.exists()
  page = pathlib.Path(run('runners/report.py', where).split()[-1])
  text = re.sub(r'"data:[^"]*"', '', page.read_text())
  assert 'random,union]' in text
  # Each trial's seed draws other points: they are trials all the same.
  assert 'All finished runs have the same recipe.' in text
  assert 'The paper makes no claims about these networks and data.' in text
  assert not re.search(r'\bnan\b', text, re.IGNORECASE)
  assert '--units=INTEGER' in run('runners/train.py', '--help')
