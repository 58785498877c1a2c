"""Execution of units of work: processes of this machine, shards, Dask."""
