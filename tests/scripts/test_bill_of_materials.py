"""The bill of materials names what segrec runs with."""

from __future__ import annotations

import importlib.metadata
import json
import re
import tomllib
from pathlib import Path


def test_every_dependency_that_the_package_names_is_listed_with_its_version():
    from bill_of_materials import bill_of_materials

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = {re.split(r"[>=<\[]", requirement)[0] for requirement in project["dependencies"]} - {"opencv-python"}
    bill = json.loads(json.dumps(bill_of_materials()))
    versions = {component["name"]: component["version"] for component in bill["components"]}
    assert wanted <= versions.keys()
    assert versions["torch"] == importlib.metadata.version("torch")
    refs = {component["bom-ref"] for component in bill["components"]} | {"segrec"}
    edges = [(entry["ref"], need) for entry in bill["dependencies"] for need in entry["dependsOn"]]
    assert {name for edge in edges for name in edge} <= refs and ("segrec", "torch") in edges
    assert all(component["licenses"][0]["license"]["name"] for component in bill["components"])
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
