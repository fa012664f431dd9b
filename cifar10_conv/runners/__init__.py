"""One thin Fire script for each experiment script."""
