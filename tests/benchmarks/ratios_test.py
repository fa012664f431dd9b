"""Tests what measurements of many runs come to."""

import pytest


@pytest.fixture
def ratios(load):
  return load('ratios')


def test_scaling_is_that_of_each_round(ratios):
  # The machine was half as fast in the second round, alone and together.
  rounds = [
    {'runs': (0.1, 0.18), 'bare': (1000.0, 1900.0)},
    {'runs': (0.05, 0.09), 'bare': (500.0, 950.0)},
  ]
  runs, bare = ratios.scaling({'jobs': 2, 'rounds': rounds})
  assert runs.ratio == pytest.approx(1.8)
  assert (runs.this, runs.that) == pytest.approx((0.135 * 60, 0.075 * 60))
  assert (runs.bar, runs.met) == ('>= 1.70', True)
  assert bare.ratio == pytest.approx(1.9)
  assert bare.this == pytest.approx(1.425)
  assert bare.met is None


@pytest.mark.parametrize(
  ('jobs', 'ratio', 'met'), [(2, 1.69, False), (4, 3.3, False), (4, 3.5, True)]
)
def test_the_bar_of_scaling_goes_with_the_jobs(ratios, jobs, ratio, met):
  rounds = [{'runs': (1.0, ratio), 'bare': (1.0, 1.0)}]
  assert ratios.scaling({'jobs': jobs, 'rounds': rounds})[0].met is met


@pytest.mark.parametrize(('seconds', 'met'), [(2.9, True), (3.1, False)])
def test_the_bar_of_overhead_is_in_seconds(ratios, seconds, met):
  measured = {'worker': [9.0, seconds, 1.0], 'process': [5.8, 5.8, 5.8]}
  (row,) = ratios.overhead(measured)
  assert (row.this, row.that, row.met) == (seconds, 5.8, met)
  assert row.ratio == pytest.approx(seconds / 5.8)


def test_a_ray_task_is_beside_a_worker(ratios):
  measured = {'worker': [2.0], 'process': [8.0], 'ray': [3.0]}
  _, row = ratios.overhead(measured)
  assert (row.this, row.that, row.ratio) == (3.0, 2.0, 1.5)


def test_logs_are_those_of_a_full_run(ratios):
  quick = {'iteration': 0.001, 'start_up': 2.0}
  slow = {'iteration': 0.00102, 'start_up': 3.0}
  (row,) = ratios.logging({'rounds': [{'with': slow, 'without': quick}]})
  assert (row.this, row.that) == pytest.approx((54, 52))
  assert row.ratio == pytest.approx(54 / 52)


def test_a_level_is_that_of_a_full_run(ratios):
  # 500 iterations in 0.5 s, and 2 s beyond these.
  (row,) = ratios.level({'iterations': 500, 'levels': [(2.5, 0.001)] * 3})
  assert (row.this, row.that) == pytest.approx((52, 50))
  assert row.ratio == pytest.approx(1.04)


@pytest.mark.parametrize(
  ('renewed', 'last', 'met'), [(True, 720, True), (False, 820, False)]
)
def test_memory_is_flat_where_workers_are_renewed(ratios, renewed, last, met):
  mib = 2**20
  peaks = [mib * (630 + 10 * i) for i in range(20)]  # 10 MiB a line.
  workers = [peaks[:10], peaks[:10]] if renewed else [peaks]
  aged, most = ratios.memory({'workers': workers})
  assert (aged.this, aged.that) == (720, 630)
  assert most.this == last
  assert 'in 20 lines, after 10' in most.what
  assert most.met is met


def test_memory_of_few_lines_is_called_that(ratios):
  aged, most = ratios.memory({'workers': [[2**20, 2**21], [2**20]]})
  assert 'after 2 lines' in aged.what
  assert (aged.ratio, most.ratio) == (2.0, 1.0)
