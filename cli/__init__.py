"""The command line: strict flags, argfiles and a pool of workers."""
