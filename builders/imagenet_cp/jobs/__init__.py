"""Execution of units of work: local processes, Dask, shards, and the locks of the folder they write to."""
