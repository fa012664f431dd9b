"""What all experiment folders share: scripts that know a task alone."""
