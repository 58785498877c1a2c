"""Import of the images released by the authors.

`known_releases` lists them, which are `image_releases` or `array_releases`; `importer` writes them into an
`import_folder` like a build's.
"""
