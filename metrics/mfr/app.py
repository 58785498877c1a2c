"""Page of the mFR Space."""

from sequence_page import SequencePage


class FlipRatePage(SequencePage):
    """Page of the mean flip rate."""

    metric = "mfr"
    titles = {"clean_error": "clean error", "mfr": "mFR"}  # noqa: RUF012
    values = "flip probabilities"
    headers = ("perturbation", "flip probability")
    parts = ("FR", "FP")
    note = "FR, and the flip probability FP, in percent"
    row = '{"perturbation": "tilt", "predictions": [7, 7, ...]}'
    frame = "one class id"


space = FlipRatePage()
demo = space.demo

if __name__ == "__main__":
    space.launch()
