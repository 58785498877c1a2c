"""Prefetching of batches."""

import threading

import pytest

from imagenet_cp.evaluation.data.loader import prefetch


def test_items_keep_their_order_and_are_made_in_one_other_thread():
    threads = set()

    def items():
        for number in range(20):
            threads.add(threading.current_thread())
            yield number

    assert list(prefetch(items(), 3)) == list(range(20))
    assert len(threads) == 1 and threading.current_thread() not in threads


def test_an_error_comes_after_the_items_before_it():
    def items():
        yield 1
        raise ValueError("broken")

    loaded = prefetch(items())
    assert next(loaded) == 1
    with pytest.raises(ValueError, match="broken"):
        next(loaded)


def test_at_most_a_few_items_are_made_ahead_and_none_after_the_caller_stops():
    made = []
    loaded = prefetch(iter(lambda: made.append(None) or len(made), 1000), 2)
    assert next(loaded) == 1
    loaded.close()
    assert len(made) <= 4
