"""The Hugging Face libraries and Hub.

- `builder`: the builder behind ``load_dataset``
- `model_results`: scores as the evaluation results of a model's page, public as ``imagenet_cp.results``
- `prepared`: source images decoded and resized once, in files that the processes of ``load_dataset`` share
- `publish`: publication of a build as a data set, and of a metric as a Space
- `registration`: names for ``load_dataset`` and ``evaluate.load``
- `repo`: repos on the Hub: their state, uploads and errors
"""
