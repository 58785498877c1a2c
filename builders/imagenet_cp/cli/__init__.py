"""The command ``imagenet-cp``.

- `evaluate`: the commands ``evaluate``, ``compare`` and ``table``
- `export`: the command ``export``
- `main`: the other commands, and the exit status
- `options`: options that several commands have
- `results_table`: results of an evaluation as a table in the terminal
- `shards`: the option ``--shard``
"""

from .main import app, main

__all__ = ["app", "main"]
