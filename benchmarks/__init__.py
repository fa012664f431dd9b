"""How fast the library is, compared in one process with what it must do."""
