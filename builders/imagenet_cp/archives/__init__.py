"""Import of the archives released by the authors."""
