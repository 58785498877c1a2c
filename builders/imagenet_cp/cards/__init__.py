"""Dataset cards, with their tables and image strips.

- `card`: the card of a build or of an import: its YAML block and its description
- `citations`: citation, licence and terms of access
- `strips`: strips of example images
- `tables`: tables of parameters, of configs and of files
"""
