"""The released images of the authors: their import, and the export of a build to their layouts.

- `array_releases`: releases of one array per corruption: CIFAR-10-C and CIFAR-100-C
- `export`: `export`, from a build to the layouts of the releases
- `image_releases`: releases of one file per image: ImageNet-C, ImageNet-P and Tiny ImageNet-C
- `import_folder`: folder of an import: its finished and missing files, its record and its card
- `importer`: `import_official`, from the releases into the columns of a build
- `known_releases`: the list of releases, and which of them is at a path
- `release`: a release: its archives, its images, and the listing of its files
"""
