"""Page of the mT5D Space."""

from sequence_page import SequencePage


class Top5DistancePage(SequencePage):
    """Page of the mean top-5 distance."""

    metric = "mt5d"
    symbol = "mT5D"
    name = "mean top-5 distance"
    intro = (
        "How much a classifier's five best classes change rank between the frames of ImageNet-P's sequences, over 10 "
        "perturbations, divided by AlexNet's. AlexNet scores 100; lower is better."
    )
    values = "top-5 distances"
    unit = ""
    tab = "Distances"
    label = "Top-5 distance, unnormalised (0 to 15)"
    headers = ("perturbation", "top-5 distance")
    scale = 1
    most = 15
    parts = ("T5D", "uT5D")
    note = "T5D in percent, and the unnormalised distance uT5D; the line is AlexNet's 100."
    plain_note = "Top-5 distance, from 0 to 15, not normalised."
    row = '{"perturbation": "tilt", "predictions": [[1, 2, 3, 4, 5], ...]}'
    frame = "the five best class ids, best first,"


space = Top5DistancePage()
demo = space.demo

if __name__ == "__main__":
    space.launch()
