"""Tests of lottery_ticket.analysis.comparison."""

import html
import json
import pathlib
import re

import pandas as pd
import pytest

from lottery_ticket.analysis import comparison
from lottery_ticket.analysis import results
from lottery_ticket.analysis import rows
from lottery_ticket.foundations import errors


@pytest.fixture(scope='module')
def found(study):
  """The study, and the same without trial 3, half as long and less accurate."""
  whole = results.read(str(study))
  runs = whole.runs[whole.runs.trial != '3']
  recipe = runs.recipe.str.replace('"batch_size": 60', '"batch_size": 30')
  halves = runs.assign(
    recipe=recipe,
    accuracy=runs.accuracy - 0.1 + 0.02 * (runs.trial == '2'),
    early_stop=runs.early_stop / 2,
  )
  return {'study': whole, 'halves': results.Results(halves, {}, whole.rows)}


@pytest.fixture(scope='module')
def page(found, tmp_path_factory):
  folder = tmp_path_factory.mktemp('comparisons')
  return pathlib.Path(comparison.write(str(folder), found, ['reinit']))


def test_tickets_and_controls_are_compared_level_by_level(page):
  table = pd.read_csv(page.with_name('comparison.csv'))
  names = 'study', 'halves', 'study: reinitialized', 'halves: reinitialized'
  assert tuple(table.curve) == names[:2] + 3 * names
  study, halves = (table[table.curve == name] for name in names[:2])
  assert study.percent.tolist() == pytest.approx([100, 50, 24.8, 12.4], abs=0.1)
  assert study.trials.tolist() == [3] * 4
  assert halves.trials.tolist() == [2] * 4
  assert study['accuracy_difference.estimate'].isna().all()
  difference = halves['accuracy_difference.estimate']
  assert difference.tolist() == pytest.approx([-0.09] * 4)
  # Welch's interval; only the second sample varies, so it has one degree.
  half = 12.706 * 0.01
  low, high = (halves[f'accuracy_difference.{x}'] for x in ('low', 'high'))
  assert low.tolist() == pytest.approx([-0.09 - half] * 4, rel=1e-3)
  assert high.tolist() == pytest.approx([-0.09 + half] * 4, rel=1e-3)
  gain = halves['accuracy_gain_difference.estimate']
  assert gain.tolist() == pytest.approx([0] * 4)
  stop = halves['early_stop_difference.estimate']
  assert stop.tolist() == pytest.approx([-300, -250, -200, -150])


def test_the_page_says_what_was_found_and_what_differs(page):
  text = html.unescape(page.read_text())
  assert 'Dense networks reach a test accuracy of 98.89%' in text
  assert 'Dense networks reach a test accuracy of 89.89%' in text
  differing = text.split('Values of their recipes')[1].split('</table>')[0]
  cells = re.findall('<t[dh][^>]*>([^<]*)<', differing)
  assert cells[-3:] == ['batch_size', '60', '30']
  assert '>-9.00 [-21.71, 3.71]<' in text.replace('\N{MINUS SIGN}', '-')
  assert '>≥ ' in text  # A reinitialized network of trial 3 still improved.


def test_each_figure_has_a_curve_for_each_experiment_and_control(page):
  figures = [
    json.loads(html.unescape(found))
    for found in re.findall("data-curves='([^']*)'", page.read_text())
  ]
  assert len(figures) == 2
  for curves in figures:
    assert [curve['name'] for curve in curves] == [
      *('dense network', 'study', 'halves'),
      *('study: reinitialized', 'halves: reinitialized'),
    ]
    assert [len(curve['points']) for curve in curves] == [0, 8, 8, 6, 6]
  words = [words for _, _, words in figures[1][2]['points']]
  assert 'P_m = 12.4%: 0.5 [0.5 to 0.5], n = 2' in words


def test_rows_alone_give_the_same_page(study, page, tmp_path):
  for name in ('one', 'two'):
    found = results.read(str(study))
    rows.write(str(tmp_path / name), found.rows, str(study))
  pages = []
  for folders in ((study, study), (tmp_path / 'one', tmp_path / 'two')):
    found = {
      name: results.read(str(folder))
      for name, folder in zip(('one', 'two'), folders, strict=True)
    }
    written = comparison.write(str(tmp_path), found)
    pages.append(pathlib.Path(written).read_bytes())
  assert pages[0] == pages[1]


def test_what_cannot_be_compared_is_refused(found, tmp_path):
  with pytest.raises(errors.InputError, match='controls: wanted one of'):
    comparison.write(str(tmp_path), found, ['magic'])
  runs = found['study'].runs
  only = results.Results(runs[runs.level == 1], {}, {})
  with pytest.raises(errors.InputError) as raised:
    comparison.write(str(tmp_path), {**found, 'other': only})
  assert str(raised.value) == (
    'other: wanted runs of same_init at level 0 and later ones, got levels [1]'
  )
  assert not (tmp_path / 'comparison').exists()
