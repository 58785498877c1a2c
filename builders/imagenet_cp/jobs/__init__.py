"""Execution of units of work, for builds and evaluations.

- `cores`: number of CPU cores available
- `engines`: engines that run units: processes of this machine, or Dask
- `job_folder`: folder of a job: its record and its shards
- `local`: execution by processes of this machine, or by any executor
- `locks`: locks of a folder: one build at a time, or the shards of one in parallel
- `memory`: memory available, and the number of workers that it allows
"""
