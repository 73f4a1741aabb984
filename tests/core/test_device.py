"""Devices and precision by name."""

from __future__ import annotations

import pytest
import torch

from segrec.core.device import autocast, resolve_device
from segrec.core.errors import ConfigError


def test_auto_takes_the_best_device_there_is(monkeypatch):
    assert resolve_device("cpu") == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert resolve_device() == torch.device("cpu")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert resolve_device("auto") == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto") == torch.device("cuda")


@pytest.mark.parametrize("name", ["gpu", "", "cuda:x", "cuda:-1", "Cpu"])
def test_an_unknown_name_is_refused_with_the_known_ones(name):
    with pytest.raises(ConfigError, match=r"unknown device .*; use auto, cpu, cuda, cuda:N or mps") as error:
        resolve_device(name)
    assert "\n" not in str(error.value)


def test_a_device_of_another_kind_is_refused():
    with pytest.raises(ConfigError, match="device 'meta' is not supported; use auto, cpu"):
        resolve_device("meta")


def test_a_device_that_is_absent_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert resolve_device("cuda:0") == torch.device("cuda:0")
    with pytest.raises(ConfigError, match="device 'cuda:1' asked for, but this machine shows 1 CUDA devices"):
        resolve_device("cuda:1")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(ConfigError, match="device 'cuda' asked for, but this machine shows 0 CUDA devices"):
        resolve_device("cuda")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="no Apple GPU; use auto or cpu"):
        resolve_device("mps")


def test_autocast_computes_in_the_type_asked_for():
    cpu, matrix = torch.device("cpu"), torch.ones(4, 4)
    with autocast(cpu, "off"):
        assert (matrix @ matrix).dtype == torch.float32
    with autocast(cpu, "bf16"):
        assert (matrix @ matrix).dtype == torch.bfloat16


def test_a_precision_that_does_not_go_is_refused():
    with pytest.raises(ConfigError, match="unknown amp 'half'; use one of off, bf16, fp16"):
        autocast(torch.device("cpu"), "half")
    with pytest.raises(ConfigError, match="amp fp16 needs a GPU; use bf16 or off on a CPU"):
        autocast(torch.device("cpu"), "fp16")
