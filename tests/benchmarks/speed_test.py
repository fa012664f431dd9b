"""Tests the benchmarks' counting and arithmetic; nothing is timed."""

import time
import types

import numpy as np
import pytest
import tensorflow as tf

UNITS = (784, 300, 100, 10)
SIZES = {'train': 55_000, 'test': 10_000, 'validate': 5_000}


@pytest.fixture
def products(load) -> types.ModuleType:
  return load('products')


@pytest.fixture
def speed(load) -> types.ModuleType:
  return load('speed')


@pytest.fixture
def measure(load) -> types.ModuleType:
  return load('measure')


def matmuls(graph) -> int:
  """Counts the matrix products in a graph and the functions in it."""
  definition = graph.as_graph_def()
  nodes = list(definition.node)
  for function in definition.library.function:
    nodes += function.node_def
  return sum(node.op == 'MatMul' for node in nodes)


class TestProducts:
  def test_evaluates_with_one_product_a_layer(self, products):
    assert [p[:3] for p in products.of_evaluation(10_000, UNITS)] == [
      (10_000, 784, 300),
      (10_000, 300, 100),
      (10_000, 100, 10),
    ]

  def test_steps_with_three_a_layer_but_two_in_the_first(self, products):
    assert [p[:3] for p in products.of_step(60, UNITS)] == [
      (60, 784, 300),
      (60, 300, 100),
      (60, 100, 10),
      (784, 60, 300),
      (300, 60, 100),
      (100, 60, 10),
      (60, 100, 300),
      (60, 10, 100),
    ]

  def test_counts_flops(self, products):
    weights = 784 * 300 + 300 * 100 + 100 * 10
    behind_the_first = 300 * 100 + 100 * 10
    step = products.flops(products.of_step(60, UNITS))
    assert step == 2 * 60 * (2 * weights + behind_the_first) == 67_608_000
    evaluation = products.of_evaluation(15_000, UNITS)
    assert products.flops(evaluation) == 2 * 15_000 * weights

  def test_an_evaluation_interval_is_as_much_as_its_steps(self, products):
    # What the design says of it: 15,000 images every 100 iterations.
    steps = 100 * products.flops(products.of_step(60, UNITS))
    evaluation = products.flops(products.of_evaluation(15_000, UNITS))
    assert 1 < evaluation / steps < 1.25

  def test_the_graph_does_these_products_and_no_other(self, products):
    step = products.of_step(6, (8, 5, 4, 3))
    graph = products.graph(step)
    times, *results = graph(tf.constant(2))
    assert times.numpy() == 2
    assert matmuls(graph.get_concrete_function().graph) == len(step)
    assert [tuple(r.shape) for r in results] == [
      (p.rows, p.columns) for p in step
    ]
    assert all(np.any(result.numpy()) for result in results)


class TestArithmetic:
  def test_a_run_is_its_start_up_and_its_iterations(self, speed):
    assert speed.run_seconds(0.001, 3.0) == pytest.approx(53)
    assert speed.run_seconds(0.001, 3.0, 2_000) == pytest.approx(5)

  def test_bare_products_count_every_evaluation(self, speed):
    # Iterations 0, 100 and 200; the training set is 55/15 of an evaluation.
    seconds = speed.bare_seconds(0.001, 0.3, SIZES, iterations=200)
    assert seconds == pytest.approx(0.2 + 3 * 0.3 + 55 / 15 * 0.3)

  def test_summarizes_the_ratios_of_rounds(self, speed):
    def one_round(slowness: float) -> dict:
      times = {'library': 0.002 * slowness, 'bare': 0.001}
      run = {
        'iteration': 0.003 * slowness,
        'start_up': 5.0,
        'bare_step': 0.001,
        'bare_evaluation': 0.1,
      }
      return {'run': run} | dict.fromkeys(
        ('step', 'evaluation', 'keras'), times
      )

    summary = speed.summarize(
      {
        'rounds': [one_round(slowness) for slowness in (3, 1, 1.1)],
        'sizes': SIZES,
        'flops': {'step': 10**8, 'evaluation': 10**10},
        'process': {},
      }
    )
    assert summary['step']['ratio'] == pytest.approx(2.2)
    bare = 50 + (501 + 55 / 15) * 0.1
    assert summary['run']['bare'] == pytest.approx(bare)
    assert summary['run']['ratio'] == pytest.approx((5 + 165) / bare)
    assert summary['bare_gflops']['step'] == pytest.approx(100)

  def test_separates_iterations_from_the_start_up(self, measure, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, 'perf_counter', lambda: clock[0])

    def spend(seconds: float) -> None:
      clock[0] += seconds

    pauses = measure.Pauses({'steps': lambda: spend(0.25)})
    spend(4)  # Compiles.
    for done in range(100, 1_501, 100):
      spend(0.5)
      pauses('', done, 1_500)
    spend(2)  # Saves.
    assert pauses.per_iteration('library') == pytest.approx(0.005)
    assert pauses.per_iteration('steps') == pytest.approx(0.0025)
    assert pauses.start_up() == pytest.approx(6)


class TestReport:
  def test_says_whether_a_run_is_within_the_bar(self, speed):
    pair = {'library': 1.4, 'bare': 1.0, 'ratio': 1.4}
    summary = dict.fromkeys(('step', 'evaluation', 'keras'), pair)
    summary |= {
      'run': pair | {'iteration': 0.001, 'start_up': 2.0},
      'bare_gflops': {'step': 100.0, 'evaluation': 120.0},
      'process': {'start_up': 8.0, 'peak_memory': 2**30},
    }
    assert 'over' in speed.report('google', 1.3, SIZES, summary)
    text = speed.report('paper', 1.5, SIZES, summary)
    assert 'pass' in text
    assert '10,000 test + 5,000 validate' in text
    assert '1024 MiB' in text
