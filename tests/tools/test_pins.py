"""What is installed for the tests is pinned by its hash, and no pin says from where it comes."""

import json
import re
from pathlib import Path

REQUIREMENTS = Path(__file__).parents[2] / "requirements"
LOCK = REQUIREMENTS / "node" / "package-lock.json"


def test_no_pin_names_a_host() -> None:
    pins = [*REQUIREMENTS.glob("*.txt"), *REQUIREMENTS.glob("node/*.json")]

    assert len(pins) >= 7
    assert [each.name for each in pins if "://" in each.read_text()] == []


def test_every_pin_has_a_hash() -> None:
    for each in REQUIREMENTS.glob("*.txt"):
        text = re.sub(r"\\\n\s+", "", each.read_text())
        pinned = re.findall(r"^[A-Za-z0-9_.-]+==.+$", text, re.M)
        assert pinned, each
        assert [line for line in pinned if "--hash=sha256:" not in line] == []


def test_every_package_of_node_has_a_hash() -> None:
    packages = json.loads(LOCK.read_text())["packages"]

    found = {name: each for name, each in packages.items() if name}

    assert "node_modules/typescript" in found
    assert [name for name, each in found.items() if "integrity" not in each] == []
