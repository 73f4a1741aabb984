"""What Ctrl-C leaves of a training."""

from __future__ import annotations

import signal
import threading

import curve_training
import pytest
from forked import Forked

from segrec.training.loop import LoopSettings
from segrec.training.run_directory import RunDirectory


@pytest.mark.parametrize("workers", [0, 1])
def test_an_interrupted_run_saves_stops_and_ends_bit_identical_when_run_again(tmp_path, workers):
    curve_training.train(tmp_path / "whole")
    training = Forked(curve_training.train_slowly, tmp_path / "cut", workers, log=tmp_path / "log")
    training.wait_until(lambda: training.said().count("step\n") >= 6)
    assert training.send(signal.SIGINT) == Forked.INTERRUPTED, training.said()
    assert training.said().count("interrupted: finishing the step and saving; press again to stop at once") == 1
    assert "DataLoader" not in training.said()
    assert 6 <= RunDirectory(tmp_path / "cut").load_state()["step"] < curve_training.SETTINGS.steps
    curve_training.train(tmp_path / "cut")
    for name in ("last.safetensors", "best.safetensors", "metrics.jsonl"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_the_handler_of_the_caller_comes_back(tmp_path):
    def mine(number, frame):
        pass

    before = signal.signal(signal.SIGINT, mine)
    try:
        curve_training.train(tmp_path, settings=LoopSettings(steps=1, learning_rate=0.1))
        assert signal.getsignal(signal.SIGINT) is mine
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_second_interrupt_stops_at_once(tmp_path):
    def loss(model, x):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("the second interrupt was held back")

    with pytest.raises(KeyboardInterrupt):
        curve_training.train(tmp_path, loss=loss)
    assert not (tmp_path / "state.pt").exists()


def test_a_thread_can_train(tmp_path):
    thread = threading.Thread(target=curve_training.train, args=(tmp_path,))
    thread.start()
    thread.join(50)
    assert RunDirectory(tmp_path).load_state()["step"] == curve_training.SETTINGS.steps
