"""Builds: folders of Parquet files that can be resumed and verified.

`plan` plans and runs a build as `units`, each a slice of the images that writes `parquet` files into the
`build_folder`; `resume` drops what is finished; `build_json` reads a finished build, `verify` and `check` verify it,
`estimate` predicts its cost.
"""
