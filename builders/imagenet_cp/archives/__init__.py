"""Import of the images released by the authors.

`catalog` lists the releases, which are `files` or `arrays`; `importer` writes them into a `folder` like a build's.
"""
