"""Data set for worker processes, in a module that is quick to import."""

import torch


class Corrupted:
    """Eight small grey images, all the same, under two transforms; the second sees the index in a corner."""

    def __init__(self, fresh, seeded):
        self.fresh, self.seeded = fresh, seeded

    def __len__(self):
        return 8

    def __getitem__(self, index):
        if index >= len(self):
            raise IndexError(index)
        image = torch.full((3, 32, 32), 128, dtype=torch.uint8)
        fresh = self.fresh(image)
        image[0, 0, 0] = index
        return fresh, self.seeded(image)
