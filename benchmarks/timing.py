"""What the benchmarks share: their flags, times in pairs, and their table.

Other work on the machine slows whatever runs at that moment, so things that
are compared take turns, and a ratio is taken within a turn.
"""

import dataclasses
import datetime
import json
import os
import pathlib
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from typing import Any, NamedTuple

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import seeds
from lottery_ticket.mnist_fc import constants

VERSIONS = ('tensorflow', 'keras', 'numpy')

Pairs = Any  # Of numbers of two things in the same turns.


class Figure(NamedTuple):
  """Two numbers, side by side."""

  what: str  # Names of both, "this, that".
  this: float
  that: float
  unit: str
  ratio: float  # Median of this / that over the turns.
  bar: str = ''  # Limit of the ratio.
  met: bool | None = None  # None where there is no limit.


def compare(
  what: str,
  pairs: Pairs,
  unit: str = 's',
  scale: float = 1.0,
  *,
  at_most: float | None = None,
  at_least: float | None = None,
) -> Figure:
  """Returns medians of pairs of numbers, in some unit, and of their ratios."""
  this, that = (
    scale * float(statistics.median(pair[i] for pair in pairs)) for i in (0, 1)
  )
  ratio = float(statistics.median(a / b for a, b in pairs))
  figure = Figure(what, this, that, unit, ratio)
  if at_most is not None:
    return figure._replace(bar=f'<= {at_most:g}', met=ratio <= at_most)
  if at_least is not None:
    return figure._replace(bar=f'>= {at_least:g}', met=ratio >= at_least)
  return figure


def seconds(
  function: Callable[[], Any], clock: Callable[[], float] = time.process_time
) -> float:
  """Returns the seconds of a call: those that this process is busy."""
  began = clock()
  function()
  return clock() - began


def take_turns(
  this: Callable[[], Any], that: Callable[[], Any], turns: int
) -> list[tuple[float, float]]:
  """Times two functions in turns, after one call of each; seconds."""
  this()
  that()
  return [(seconds(this), seconds(that)) for _ in range(turns)]


def random_masks(masks: Mapping[str, Any], density: float) -> dict[str, Any]:
  """Returns masks of the same shapes, with about that density."""
  generator = seeds.generator(0, 'masks')
  return {
    name: (generator.random(mask.shape) < density).astype('f4')
    for name, mask in masks.items()
  }


def table(figures: Sequence[Figure]) -> str:
  """Returns figures as the lines of a table."""
  verdicts = {True: 'pass', False: 'miss', None: ''}
  width = max(len(figure.what) for figure in figures)
  lines = [f'{"":{width}}{"this":>10}{"that":>10} {"":6}{"ratio":>7}  bar']
  lines += [
    f'{each.what:{width}}{each.this:10.2f}{each.that:10.2f} {each.unit:6}'
    f'{each.ratio:7.2f}  {each.bar} {verdicts[each.met]}'.rstrip()
    for each in figures
  ]
  return '\n'.join(lines)


@dataclasses.dataclass(frozen=True)
class Options:
  """What all benchmarks are told.

  Attributes:
    rounds: How often each measurement is made, by default 3 times; the median
      counts.
    json: File for the numbers, beside those of the other benchmarks; by default
      build/bench.json.
  """

  rounds: int = 3
  json: str = os.path.join('build', 'bench.json')

  def __post_init__(self) -> None:
    errors.check_integer('rounds', self.rounds, 1)

  def report(self, section: str, figures: list[Figure], **more: Any) -> None:
    """Prints figures, and writes them to their section of the file."""
    print(table(figures), flush=True)
    path = pathlib.Path(self.json)
    path.parent.mkdir(parents=True, exist_ok=True)
    sections = json.loads(path.read_text()) if path.is_file() else {}
    now = datetime.datetime.now(datetime.timezone.utc)
    sections[section] = {
      'date': now.isoformat(timespec='seconds'),
      'load': os.getloadavg()[0],
      'versions': {name: metadata.version(name) for name in VERSIONS},
      'settings': dataclasses.asdict(self) | more,
      'figures': [figure._asdict() for figure in figures],
    }
    path.write_text(json.dumps(sections, indent=1) + '\n')


@dataclasses.dataclass(frozen=True)
class OnMnist(Options):
  """The same of benchmarks that train on MNIST.

  Attributes:
    iterations: Length of the runs that are measured.
    mnist_location: Folder with MNIST.
  """

  iterations: int = 1_000
  mnist_location: str = constants.MNIST_LOCATION

  def __post_init__(self) -> None:
    super().__post_init__()
    errors.check_integer('iterations', self.iterations, 1)

  def sizes(self) -> tuple[str, int, int]:
    """Returns the folder of the data, the iterations and the rounds."""
    return self.mnist_location, self.iterations, self.rounds
