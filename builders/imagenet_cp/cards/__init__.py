"""Dataset cards, with their tables and image strips.

- `card`: the card of a build or of an import: its YAML block and its description
- `strips`: strips of example images
- `tables`: tables of parameters, of configs and of files
- `texts`: words of the cards: licence, terms of access, papers and descriptions
"""
