"""Builds: folders of Parquet files that can be resumed and verified.

- `build_folder`: folder of a build: its lock and identity, and stray files
- `build_json`: `open_build`, which reads a finished build from its ``build.json``
- `check`: check of one file by `verify`: its checksum, columns and rows
- `checksums`: sizes and checksums of a build's files, compared with its records and remembered
- `estimate`: estimate of the size and time of a build
- `parquet`: Parquet files of rows, each written whole or not at all
- `plan`: `build`, which plans a build, runs its units and writes its ``build.json``
- `resume`: resumption of an interrupted build: finished files are verified and dropped from the plan
- `schedule`: division of the units into groups of cells
- `stored_images`: encoded images and labels of one Parquet file, read row by row in any order
- `units`: a unit of a build, a slice of the images for some cells, and its run by one process
- `verify`: verification of a finished build, file by file and row by row
"""
