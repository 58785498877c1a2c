"""Page of the mT5D Space."""

from sequence_page import SequencePage


class Top5DistancePage(SequencePage):
    """Page of the mean top-5 distance."""

    metric = "mt5d"
    titles = {"clean_error": "clean error", "mt5d": "mT5D"}  # noqa: RUF012
    values = "top-5 distances"
    unit = ", unnormalised (0 to 15)"
    headers = ("perturbation", "top-5 distance")
    scale = 1
    most = 15
    parts = ("T5D", "uT5D")
    note = "T5D, and the unnormalised distance uT5D (0 to 15)"
    row = '{"perturbation": "tilt", "predictions": [[1, 2, 3, 4, 5], ...]}'
    frame = "the five best class ids, best first,"


space = Top5DistancePage()
demo = space.demo

if __name__ == "__main__":
    space.launch()
