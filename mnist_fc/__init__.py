"""The lottery ticket experiments on fully-connected networks for MNIST."""
