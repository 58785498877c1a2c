"""Page of the mFR Space."""

from sequence_page import SequencePage


class FlipRatePage(SequencePage):
    """Page of the mean flip rate."""

    metric = "mfr"
    symbol = "mFR"
    name = "mean flip rate"
    intro = (
        "How often a classifier changes its prediction between the frames of ImageNet-P's sequences, over 10 "
        "perturbations, divided by AlexNet's. AlexNet scores 100; lower is better."
    )
    values = "flip probabilities"
    unit = " in percent"
    tab = "Flip probabilities"
    label = "Flip probability in percent"
    headers = ("perturbation", "flip probability")
    parts = ("FR", "FP")
    note = "FR, and the flip probability FP, in percent; the line is AlexNet's 100."
    plain_note = "Flip probability in percent, not normalised."
    row = '{"perturbation": "tilt", "predictions": [7, 7, ...]}'
    frame = "one class id"


space = FlipRatePage()
demo = space.demo

if __name__ == "__main__":
    space.launch()
