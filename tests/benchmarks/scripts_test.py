"""Runs the benchmarks, small, on images of its own making."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def images(tmp_path_factory):
  """A folder with random images in MNIST's shapes."""
  folder = tmp_path_factory.mktemp('images')
  generator = np.random.default_rng(0)
  for name, size in (('train', 60_000), ('test', 10_000)):
    pixels = generator.integers(0, 256, (size, 28, 28), np.uint8)
    np.save(folder / f'x_{name}.npy', pixels)
    np.save(folder / f'y_{name}.npy', generator.integers(0, 10, size, np.uint8))
  return folder


@pytest.mark.parametrize(
  ('script', 'flags', 'count'),
  [
    ('speed', ['--rounds=1', '--iterations=200'], 2 * 4),
    ('convolutions', ['--networks=[conv2/4]', '--rounds=1'], 1),
    ('many', ['--only=[memory,scaling]', '--jobs=2', '--rounds=1'], 4),
  ],
)
def test_measures_and_says_so(root, images, script, flags, count):
  small = ['--iterations=100', '--lines=3'] if script == 'many' else []
  command = [sys.executable, str(root / 'benchmarks' / f'{script}.py')]
  where = ['--json=bench.json']
  if script != 'convolutions':
    where.append(f'--mnist_location={images}')
  shown = subprocess.run(
    [*command, *flags, *small, *where],
    capture_output=True,
    text=True,
    check=True,
  ).stdout
  section = json.loads(pathlib.Path('bench.json').read_text())[script]
  assert len(section['figures']) == count
  for figure in section['figures']:
    assert figure['what'] in shown
    assert figure['this'] > 0 and figure['that'] > 0 and figure['ratio'] > 0
