"""Tests of lottery_ticket.benchmarks.bare: which products there are."""

import tensorflow as tf

from lottery_ticket.benchmarks import bare

UNITS = (7, 5, 3)


def test_products_of_a_step_are_those_of_tensorflows_gradients():
  inputs = tf.ones((4, 7))
  kernels = [tf.Variable(tf.ones(shape)) for shape in ((7, 5), (5, 3))]

  @tf.function
  def gradients():
    with tf.GradientTape() as tape:
      loss = tf.reduce_sum(inputs @ kernels[0] @ kernels[1])
    return tape.gradient(loss, kernels)

  operations = gradients.get_concrete_function().graph.get_operations()
  wanted = [
    tuple(tuple(operand.shape) for operand in operation.inputs)
    for operation in operations
    if operation.type == 'MatMul'
  ]
  found = [product[:2] for product in bare.of_step(4, UNITS)]
  assert sorted(found) == sorted(wanted)


def test_products_of_an_evaluation():
  products = bare.of_evaluation(100, UNITS)
  assert products == [((100, 7), (7, 5), 0, 0), ((100, 5), (5, 3), 0, 0)]


def test_products_are_done_as_often_as_told():
  for times in (0, 1, 3):
    bare.repeated(bare.of_step(4, UNITS))(times)
