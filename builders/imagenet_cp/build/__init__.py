"""Builds: folders of Parquet files that can be resumed and verified.

`plan` plans and runs a build as `units`, each a slice of the images that writes `parquet` files into the `folder`;
`resume` drops what is finished; `finished` reads a build, `verify` and `check` verify it, `estimate` predicts its cost.
"""
