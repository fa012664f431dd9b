"""Compares runs that skip pruned weights with dense ones, over density.

python benchmarks/sparse.py [--rounds=3] [--iterations=1000] [--figure=...]

Tickets come from a short ladder of the recipe. A run has evaluations, logs,
summaries and saved networks; start-up is taken off. Dense and auto take turns.
The whole takes about six minutes.
"""

from typing import Any

from lottery_ticket.benchmarks import timing
from lottery_ticket.cli import entry
from lottery_ticket.mnist_fc import constants


def main(*, figure: str | None = None, **given: Any) -> None:
  """Measures how much faster both recipes are with fewer weights.

  Args:
    figure: File for a figure of that; by default none is drawn.
    **given: Fields of `timing.OnMnist`.
  """
  options = timing.OnMnist(**given)
  from lottery_ticket.benchmarks import density

  tables = {
    name: density.measure(name, *options.sizes()) for name in constants.RECIPES
  }
  figures = [each for table in tables.values() for each in table.figures]
  others = {name: table.others for name, table in tables.items()}
  options.report('sparse', figures, times_as_fast=others)
  if figure is not None:
    density.draw(tables, figure)


if __name__ == '__main__':
  entry.run('lottery_ticket.benchmarks.sparse:main', timing.OnMnist, 'keras')
