"""What docs/how-to/open-a-city.md tells people to type: run as it stands there, in order, over an empty database."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hutong.app import Wiring
from hutong.cli.group import group

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "open-a-city.md"


def commands() -> list[str]:
    """The lines of the blocks that are to be typed, in their order."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


@pytest.fixture
def run(
    # the folder and the variable that somebody at a shell has
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str], Result]:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUTONG_DATABASE_URL", database_url)
    runner = CliRunner()

    def typed(line: str) -> Result:
        said, _, file = line.partition(" > ")
        words = shlex.split(said)
        assert words[0] == "hutong", line
        done = runner.invoke(group, words[1:], obj=Wiring())
        if file:
            (tmp_path / file).write_text(done.stdout, encoding="utf-8")
        return done

    return typed


def test_every_command_of_the_page_does_what_it_says(run, tmp_path: Path):
    lines = commands()
    [exported, *hutong] = lines
    assert exported.startswith("export HUTONG_DATA=")
    assert len(hutong) >= 6
    for line in hutong:
        done = run(line)
        assert done.exit_code == 0, (line, done.output)
    assert {one["city"]: one["stores"] for one in said(run("hutong city list --json"))["cities"]} == {"yunshui": 0}
    assert [one["name"] for one in said(run("hutong admin list --json"))["admins"]] == ["Pat"]
    assert said(run("hutong city open city.toml --json"))["added"] == 0
    again = run("hutong admin add 13800000002")
    assert (again.exit_code, "admins_there" in again.output, "--again" in again.output) == (1, True, True)
    text = (tmp_path / "city.toml").read_text(encoding="utf-8")
    (tmp_path / "city.toml").write_text(text.replace("Asia/Shanghai", "Asia/Nowhere"), encoding="utf-8")
    wrong = run("hutong city open city.toml")
    assert (wrong.exit_code, "bad_input: “city.zone” cannot be used: Asia/Nowhere." in wrong.output) == (1, True)


def said(done: Result) -> dict:
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)
