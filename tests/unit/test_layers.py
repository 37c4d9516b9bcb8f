"""The folders of d2k may import each other in one direction only; each exception is argued here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import d2k

ROOT = Path(d2k.__file__).parent

# Folder → what of d2k it may import; `d2k` stands for the version in d2k/__init__.py.
ALLOWED = {
    "api": {"api", "schemas", "services", "http", "errors"},
    "schemas": {"schemas", "errors"},
    "services": {"services", "translate", "cluster", "registry", "config", "errors", "versions", "d2k"},
    "translate": {"translate", "config", "errors"},
    "cluster": {"cluster", "metrics"},
    "registry": {"registry", "config", "d2k"},
    "http": {"http", "errors", "metrics", "versions", "d2k"},
}

# Module → what else it may import, all of it without I/O.
EXCEPTIONS = {
    # A refusal of the API server, as a type and in its words, is what these two translate.
    "translate/refusals": {"cluster.errors"},
    "translate/obstacles": {"cluster.errors"},
    # The last stop of an error that no service has turned into Docker's.
    "http/errors": {"cluster.errors", "translate.refusals"},
    # The labels that the watches select by, and that tie an object to its container.
    # Also whether an object with d2k's label can be read as one of d2k's: others are not let in.
    "cluster/cache": {"translate.labels", "translate.soundness"},
    "cluster/store": {"translate.labels"},
    # The form of a log line, and which of a Pod's containers is Docker's.
    "cluster/logs": {"translate.loglines", "translate.record"},
    # The names of images and platforms, as both the registry and Docker spell them.
    "registry/client": {"translate.platforms", "translate.references"},
    "registry/manifests": {"translate.platforms"},
    "registry/refusals": {"translate.references"},
    "registry/tokens": {"translate.references"},
}

# What would be I/O, a clock or a framework in a pure function. Of `time` only what formats a given moment is let in.
IMPURE = {
    *("asyncio", "flask", "gevent", "gunicorn", "http", "kubernetes", "logging", "os", "pathlib", "requests"),
    *("select", "socket", "subprocess", "threading", "urllib", "urllib3", "websocket"),
}
FORMATTING = {"gmtime", "strftime"}


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each imported module with the name that is taken from it ("" for the module itself)."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield from ((node.module or "", alias.name) for alias in node.names)


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).glob("*.py"))


def own_module(module: str, name: str) -> str:
    """Return the module of d2k that an import means, without `d2k.`: `from d2k.cluster import errors` is one, too."""
    inside = f"{module}.{name}".removeprefix("d2k.")
    return inside if (ROOT / f"{inside.replace('.', '/')}.py").exists() else module.removeprefix("d2k.")


def test_each_folder_imports_only_what_it_may():
    found = {
        f"{folder}/{path.stem} -> {target}"
        for folder, allowed in ALLOWED.items()
        for path in modules(folder)
        for module, name in imports(path)
        if module.partition(".")[0] == "d2k"
        and (target := own_module(module, name)).partition(".")[0] not in allowed
        and target not in EXCEPTIONS.get(f"{folder}/{path.stem}", ())
    }
    assert found == set()


def test_every_exception_is_needed():
    used = {
        (f"{folder}/{path.stem}", own_module(module, name))
        for folder in ALLOWED
        for path in modules(folder)
        for module, name in imports(path)
        if module.partition(".")[0] == "d2k"
    }
    assert {(path, target) for path, targets in EXCEPTIONS.items() for target in targets} - used == set()


def test_every_folder_has_a_rule():
    assert {path.parent.name for path in ROOT.glob("*/*.py")} == set(ALLOWED)


def test_translate_is_free_of_io_and_clocks():
    found = {
        f"{path.stem} -> {module}.{name}"
        for path in modules("translate")
        for module, name in imports(path)
        if module.partition(".")[0] in IMPURE or (module == "time" and name not in FORMATTING)
    }
    assert found == set()


def test_only_cluster_knows_the_kubernetes_client():
    found = {
        f"{path.relative_to(ROOT)}"
        for path in ROOT.rglob("*.py")
        for module, _ in imports(path)
        if module.partition(".")[0] in ("kubernetes", "websocket")
    }
    # The application names the error that says that there are no credentials.
    assert found == {"app.py", "cluster/client.py"}


def test_no_module_takes_anothers_private_names():
    found = {
        f"{path.relative_to(ROOT)} -> {module}.{name}"
        for path in ROOT.rglob("*.py")
        for module, name in imports(path)
        if module.partition(".")[0] == "d2k" and name.startswith("_") and name != "__version__"
    }
    assert found == set()
