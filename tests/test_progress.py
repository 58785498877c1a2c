"""Progress in a terminal and in a file."""

import io
import sys

import pytest
import typer

from imagenet_cp.progress import Bars, Lines, interruptible, resumed, show_progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_each_bar_once(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with show_progress() as progress:
        progress("compiling kernels", 0, 2)
        progress("compiling kernels", 2, 2)
        progress("building images", 1, 1)
        progress("building images", 1, 1)
        progress("checking files", 0, 0)
    lines = [line.rsplit("\r", 1)[-1] for line in terminal.getvalue().strip().split("\n")]
    assert [line.split(":")[0] for line in lines] == ["compiling kernels", "building images"]
    assert "2/2" in lines[0] and "1/1" in lines[1]


def test_a_bar_that_is_not_complete_ends_its_line(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with pytest.raises(ZeroDivisionError), show_progress() as progress:
        progress("building images", 1, 3)
        1 / 0  # noqa: B018
    assert terminal.getvalue().endswith("\n")


def test_a_bar_that_is_not_complete_ends_before_the_next(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    bars = Bars()
    bars("building images", 1, 3)
    bars("checking files", 1, 2)
    bars.close()
    first, second, end = terminal.getvalue().split("\n")
    assert "1/3" in first and "1/2" in second and end == ""
    assert "\x1b[A" not in second  # the cursor never returns to the first bar


def test_resumed_work_starts_where_it_stands(monkeypatch, capsys):
    now = 0.0
    lines = Lines(lambda: now)
    progress = resumed(lines, "evaluating", 3000)
    for now in (0, 10, 20, 30):
        progress("evaluating", 20 * now, 1000)
    assert capsys.readouterr().err == "evaluating: 3,600 of 4,000, 20 images/s, 00:20 left\n"
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with show_progress() as shown:
        progress = resumed(shown, "evaluating", 3000)
        progress("compiling kernels", 1, 1)
        progress("evaluating", 0, 1000)
    assert "3000/4000" in terminal.getvalue() and "1/1" in terminal.getvalue()


def test_a_file_gets_a_line_every_half_minute(capsys):
    now = 0.0
    lines = Lines(lambda: now)
    for second in range(0, 100, 10):
        now = second
        lines("building images", 20 * second, 4000)
    assert capsys.readouterr().err.splitlines() == [
        "building images: 600 of 4,000, 20 images/s, 02:50 left",
        "building images: 1,200 of 4,000, 20 images/s, 02:20 left",
        "building images: 1,800 of 4,000, 20 images/s, 01:50 left",
    ]


def test_a_line_has_the_rate_of_images_only_and_the_time_left(capsys):
    now = 0.0
    lines = Lines(lambda: now)
    for title, steps in (("evaluating", (3, 93)), ("checking files", (0, 90)), ("checking files", (200,))):
        for done in steps:
            lines(title, done, 200)
            now += 30
    lines("evaluating", 0, 0)
    assert capsys.readouterr().err.splitlines() == [
        "evaluating: 93 of 200, 3.0 images/s, 00:35 left",
        "checking files: 0 of 200",
        "checking files: 90 of 200, 00:36 left",
        "checking files: 200 of 200",
    ]


def test_a_bar_names_its_unit_and_resumes(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "100")
    bars = Bars()
    bars("evaluating", 0, 4)
    bars("evaluating", 3, 4)
    assert bars._bar.n == 3 and bars._bar.unit == " images" and not bars._bar.disable
    bars("checking files", 1, 4)
    assert bars._bar.unit == "" and bars._bar.initial == 1 and bars._bar.dynamic_ncols
    bars("checking files", 4, 4)
    assert bars._bar is None
    bars("checking files", 0, 0)
    bars.close()


def test_kernels_compile_in_unlike_times_so_none_is_estimated(monkeypatch, capsys):
    now = 0.0
    lines = Lines(lambda: now)
    for done in range(2):
        now = 45.0 * done
        lines("compiling kernels", done, 20)
    assert capsys.readouterr().err == "compiling kernels: 1 of 20\n"
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with show_progress() as progress:
        progress("compiling kernels", 0, 20)
        progress("compiling kernels", 20, 20)
    assert "20/20 [" in terminal.getvalue() and "<" not in terminal.getvalue()


def test_a_short_run_prints_nothing_to_a_file(capsys):
    with show_progress() as progress:
        progress("building images", 1, 1)
    assert capsys.readouterr().err == ""


def test_ctrl_c_names_the_way_on(capsys):
    with pytest.raises(BaseException) as end, interruptible():
        raise KeyboardInterrupt
    assert end.value.exit_code == 130
    assert "same command" in capsys.readouterr().err
    with pytest.raises(typer.Exit), interruptible(""):
        raise KeyboardInterrupt
    assert capsys.readouterr().err == "imagenet-cp: interrupted\n"
