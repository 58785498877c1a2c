"""The rows a model is evaluated on, read from a build or made on the fly."""
