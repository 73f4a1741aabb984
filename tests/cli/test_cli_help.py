"""Help comes at once for every command, without loading what only the work needs."""

from __future__ import annotations

import subprocess
import sys

import pytest
from segrec_process import ENVIRONMENT, fresh

from segrec.cli import COMMANDS

HEAVY = ("torch", "torchvision", "cv2", "lmdb", "numpy", "PIL", "safetensors", "tqdm")


NESTED = [
    ["train", "crnn"],
    ["train", "segmenter"],
    *(["render", what] for what in ("words", "scenes", "corrupt", "warp-icdar13")),
]


@pytest.mark.parametrize("command", [[name] for name in sorted(COMMANDS)] + NESTED)
def test_every_command_explains_itself_on_stdout(segrec, command):
    code, out, err = segrec(*command, "--help")
    assert (code, err) == (0, "")
    assert out.startswith("Usage:") and command[-1] in out.splitlines()[0]
    expected = ("crnn", "segmenter") if command == ["train"] else ("--quiet", "--config")
    assert [word for word in expected if word not in out] == []
    computing = command[0] not in ("convert", "export", "import", "info", "render") and command != ["train"]
    assert ("--device" in out) == computing, "a device is offered where a network computes"


def test_a_device_is_taken_without_effect_where_nothing_is_computed(segrec, tmp_path):
    code, out, err = segrec("info", tmp_path / "absent", "--device", "cpu")
    assert code == 1 and "does not exist" in err
    code, out, err = segrec("render", "words", "--help")
    assert code == 0 and "--device" not in out


def test_the_help_of_finetune_names_the_folder_of_a_bare_run(segrec):
    out = "".join(segrec("finetune", "--help").out.split())  # lines may be broken within a word
    assert "[default:runs/ARCHITECTURE-MASK;without--datainsegrec-demo/]" in out


def test_the_list_of_commands_names_each_with_its_purpose(segrec):
    code, out, err = segrec("--help")
    assert (code, err) == (0, "")
    for name, (_, purpose) in COMMANDS.items():
        assert f"  {name} " in out and purpose.split(" ", 3)[0] in out


def test_help_loads_no_heavy_library(tmp_path):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "segrec", "--help"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "precompute-masks" in done.stdout
    loaded = {line.split("|")[-1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert "click" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_no_commands_module_loads_torch_to_show_its_options(tmp_path):
    program = (
        "import sys; from segrec.cli import COMMANDS, main; "
        "print([name for name in COMMANDS if main([name, '--help']) or 'torch' in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "[]\n")


def test_the_version_is_the_packages(tmp_path):
    from segrec import __version__

    assert fresh("--version", cwd=tmp_path) == (0, f"segrec, version {__version__}\n", "")
