"""The repository checks its own manners. Each test says why its rule is there."""

import ast
import importlib
import pkgutil
import re
from functools import cache
from pathlib import Path

import grimp
import pytest

import hutong
from hutong.infra.placement import PLACEMENT
from hutong.infra.tables import metadata
from hutong.kit.refusals import Refusal
from tests.schema import load_tables
from tools import document_refusals

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src" / "hutong"
# A migration is a record: written once, read in order, never called; it may be as long as its tables.
FILES = sorted(path for path in SRC.rglob("*.py") if "versions" not in path.parts)
TESTS = sorted((ROOT / "tests").rglob("*.py"))
FACES = {"web", "api", "cli", "app"}  # the desk opens doors, but runs no statement of its own
FLOORS = [
    ["kit"], ["infra"], ["places"], ["people", "merchants", "ledger", "inventory", "messages"],
    ["catalog", "pricing", "payments", "vouchers", "groups", "programmes", "recruiting"], ["orders"],
    ["settlement", "reviews", "cards", "clearing", "mall"],
    ["till", "insight", "waitlist"], ["schemes", "trades"],
    ["desk"], ["web", "api", "cli"], ["app"],
]  # fmt: skip
DOMAIN = [name for floor in FLOORS[2:8] for name in floor if (SRC / name).exists()]


def package(path: Path) -> str:
    return path.relative_to(SRC).parts[0].removesuffix(".py")


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


@cache
def source(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(source(path))


def import_everything() -> None:
    for module in pkgutil.walk_packages(hutong.__path__, "hutong."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


@pytest.mark.parametrize("path", FILES + TESTS, ids=names(FILES + TESTS))
def test_files_and_functions_are_small_rooms(path: Path):
    """A file up to 400 lines and a function up to 60 can be read in one go; beyond that nobody reads."""
    assert len(source(path).splitlines()) <= 400
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno + 1 <= 60, f"{node.name} is too long"


@pytest.mark.parametrize("path", FILES, ids=names(FILES))
def test_nobody_but_the_edge_reads_the_clock_or_commits(path: Path):
    """A story test can live through a year in a second only if time is an argument everywhere."""
    if path == SRC / "kit" / "clock.py" or package(path) == "cli":
        return
    banned = ["datetime.now(", "time.time(", "utcnow(", "date.today("]
    if path not in (SRC / "infra" / "db.py", SRC / "infra" / "migrate.py"):  # the doors, and DDL
        banned.append(".commit(")
    for words in banned:
        assert words not in source(path), f"{words} belongs at the edge"


def test_private_modules_stay_at_home():
    """`_tables` of one package in another package's query would make the tables a public promise."""
    graph = grimp.build_graph("hutong")
    strays = []
    for module in graph.modules:
        if not any(part.startswith("_") and not part.startswith("__") for part in module.split(".")):
            continue
        home = module.rsplit(".", 1)[0]
        for importer in graph.find_modules_that_directly_import(module):
            if not (importer == home or importer.startswith(home + ".")):
                strays.append(f"{importer} -> {module}")
    assert strays == []


def test_foreign_keys_never_point_to_a_higher_floor():
    """They are strings, so no import check sees them; but they are dependencies like any other."""
    load_tables()
    floor = {name: i for i, names in enumerate(FLOORS) for name in names}
    upward = [
        f"{table.fullname} -> {key.column.table.fullname}"
        for table in metadata.sorted_tables
        for key in table.foreign_keys
        if floor[str(key.column.table.schema)] > floor[str(table.schema)]
    ]
    assert upward == []


def test_every_table_has_its_placement_and_every_placement_its_table():
    """Placement is data; a table without one could not be moved, and an entry without a table is a lie."""
    load_tables()
    assert {table.fullname for table in metadata.sorted_tables} == set(PLACEMENT)


@pytest.mark.parametrize("name", DOMAIN)
def test_every_package_has_a_short_readme_a_face_and_a_model(name: str):
    """One idea, one room: whoever has seen one package has seen all."""
    readme = SRC / name / "README.md"
    assert len(readme.read_text(encoding="utf-8").splitlines()) <= 40
    assert (SRC / name / "__init__.py").exists()
    assert (SRC / name / "model.py").exists()
    face = tree(SRC / name / "__init__.py")
    kinds = (ast.ImportFrom, ast.Import, ast.Assign, ast.Expr)
    assert all(isinstance(node, kinds) for node in face.body), "the face only re-exports"


def test_every_refusal_is_documented():
    """An integrator meets codes; each must be findable with its sentence and its next step, as they are now."""
    written = (ROOT / "docs" / "refusals.md").read_text(encoding="utf-8")
    assert written == document_refusals.page(), "run: PYTHONPATH=. .venv/bin/python tools/document_refusals.py"


def test_every_refusal_speaks_both_languages():
    """A refusal without a next step leaves a person standing there."""
    import_everything()
    for cls in Refusal.known.values():
        for text in (cls.say, cls.step):
            assert text.zh.strip()
            assert text.en.strip()
        for fact, table in cls.words.items():
            assert f"{{{fact}}}" in cls.say.zh + cls.step.zh, f"{cls.code} never says {fact}"
            assert all(text.zh.strip() and text.en.strip() for text in table.values()), cls.code
        assert re.search(r"[\u4e00-\u9fff]", cls.say.zh), cls.code
        assert 400 <= cls.status < 600, cls.code


@pytest.mark.parametrize("path", TESTS, ids=names(TESTS))
def test_no_mocks_without_a_reason(path: Path):
    """Ports have working twins; a patched test tests the patch."""
    if path == Path(__file__):
        return
    for number, line in enumerate(source(path).splitlines(), 1):
        if re.search(r"\b(mock|monkeypatch|MagicMock|patch\()", line):
            before = source(path).splitlines()[max(0, number - 3) : number]
            assert any("#" in other for other in before), f"line {number}: say why nothing real would do"


@pytest.mark.parametrize("path", FILES, ids=names(FILES))
def test_public_operations_are_keyword_only_and_explained(path: Path):
    """A call that reads as a sentence cannot swap two ids; a docstring names what comes out."""
    if package(path) not in DOMAIN or not ("operations" in path.parts or path.name == "operations.py"):
        return
    for node in tree(path).body:
        if isinstance(node, ast.AsyncFunctionDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{node.name} says nothing"
            assert len(node.args.args) <= 2, f"{node.name}: only tx and the list come by position"


SQL_FILES = sorted(SRC.rglob("*.sql"))


def statements() -> list[tuple[str, str]]:
    found = [(str(p.relative_to(SRC)), source(p)) for p in SQL_FILES if p.name != "audit.sql"]
    for path in FILES:
        if package(path) in FACES:
            continue
        for node in ast.walk(tree(path)):
            words = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            if re.match(r"\s*(with|select|insert|update|delete)\s", words):
                found.append((f"{path.relative_to(SRC)}:{node.lineno}", words))
    return found


STATEMENTS = statements()


@pytest.mark.parametrize(("where", "sql"), STATEMENTS, ids=[where for where, _ in STATEMENTS])
def test_every_statement_names_its_city(where: str, sql: str):
    """City first (scale-out rules 8 and 9): a statement that forgets the city would ask every shard."""
    lowered = re.sub(r"--[^\n]*", "", sql.lower())
    tables = {
        name for name, kind in PLACEMENT.items() if kind == "city" and re.search(rf"\b{re.escape(name)}\b", lowered)
    }
    if tables:
        assert "city_id" in lowered, f"{where} touches {sorted(tables)} without a city"
    writes = re.search(r"\b(insert|update)\b", lowered)
    if writes:
        assert not re.search(r"\b(now|gen_random_uuid|uuidv7|clock_timestamp)\(\)", lowered), where
    assert not re.search(r"\b(notify|merge into|serializable)\b", lowered), where
