import subprocess
import sys
from pathlib import Path

import pytest

from fedaffect.runs import machine

HOLD = """\
import sys
from fedaffect.runs.machine import peak_memory
before = peak_memory()
held = bytearray(b"1") * int(sys.argv[1])
del held
print(before, peak_memory())
"""


def test_what_was_held_at_once_is_remembered() -> None:
    size = 200_000_000
    command = [sys.executable, "-c", HOLD, str(size)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    before, after = map(int, output)
    assert size <= after - before + 2e6 <= 1.1 * size


def test_a_small_process_of_a_large_one_is_small() -> None:
    held = bytearray(b"1") * 300_000_000
    command = [sys.executable, "-c", HOLD, "0"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert int(output[1]) < 200_000_000 < len(held)


def test_a_processor_has_a_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    output = tmp_path / "cpuinfo"
    output.write_text("processor\t: 0\nmodel name\t: Abacus 3\nmodel name\t: other\n")
    monkeypatch.setattr(machine, "_PROCESSORS", output)
    assert machine.processor() == "Abacus 3"
    monkeypatch.setattr(machine, "_PROCESSORS", tmp_path / "none")
    assert machine.processor()
