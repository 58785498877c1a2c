"""The Hugging Face libraries and Hub: names for `load_dataset` and `evaluate.load`, publishing, results."""
