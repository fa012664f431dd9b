"""The lottery ticket experiments on convolutional networks for CIFAR-10."""
