"""Scripts that print sets of flags, one run of a runner a line."""
