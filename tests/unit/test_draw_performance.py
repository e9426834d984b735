"""The pictures of the figures: sound SVG, with a line for each bench, and none without figures."""

import json
from pathlib import Path
from xml.etree import ElementTree

from tools.draw_performance import Scale, draw, said

SVG = "{http://www.w3.org/2000/svg}"


def test_what_was_kept_is_drawn(tmp_path: Path):
    seconds = [[900, 0, 0], [1_100, 0, 0], [1_000, 5, 0], [1_050, 0, 0], [40, 0, 0]]
    flash = {"name": "flash", "timeline": seconds, "histogram": [[8.0, 10], [16.0, 80], [32.0, 10]], "p50_ms": 14}
    (tmp_path / "flash.json").write_text(json.dumps(flash))
    for offers, ms in ((100_000, 8.5), (1_000_000, 11.0)):
        near = {"name": "nearby", "checked": {"offers": offers}, "p50_ms": ms, "timeline": [], "histogram": []}
        (tmp_path / f"nearby-{offers}.json").write_text(json.dumps(near))
    (tmp_path / "growth.json").write_text(json.dumps({"series": [{"name": "<orders>", "points": [[10, 1], [100, 2]]}]}))
    drawn = draw(tmp_path, tmp_path / "out")
    assert [path.name for path in drawn] == ["rate.svg", "latency.svg", "growth.svg"]
    lines = [ElementTree.fromstring(path.read_text()).findall(f"{SVG}polyline") for path in drawn]
    assert [len(found) for found in lines] == [1, 1, 2]
    rate = lines[0][0].get("points", "").split()
    assert len(rate) == 4, "the last second is only a part of one"
    assert "&lt;orders&gt;" in drawn[2].read_text()


def test_nothing_is_drawn_of_nothing(tmp_path: Path):
    assert draw(tmp_path, tmp_path / "out") == []


def test_scales_keep_to_the_paper():
    even, powers = Scale([3, 970], 0, 100, log=False), Scale([0.5, 970], 0, 100, log=True)
    assert (even(0), even(970) <= 100, powers(0.1), powers(1000)) == (0, True, 0, 100)
    assert even.marks()[0] == 0
    assert 3 <= len(even.marks()) <= 9
    assert [said(value) for value in (0.5, 20, 2_500, 1e6)] == ["0.5", "20", "2.5k", "1M"]
