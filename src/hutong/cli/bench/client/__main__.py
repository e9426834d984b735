"""`python -m hutong.cli.bench.client PLAN KEPT`: warm up, say so, wait for a line, load, say what became of it.

Standard output has two JSON objects, a line each. What answers were asked to be kept goes to the file KEPT.
"""

import gc
import json
import sys
from pathlib import Path

from hutong.cli.bench.client.load import Load
from hutong.cli.bench.client.plan import Plan


def main(plan_file: Path, kept_file: Path) -> None:
    plan = Plan.read(plan_file)
    load = Load(plan)
    gc.freeze()
    gc.disable()
    warm, shown = load.run(plan.warm_s)
    _say({"warm": shown["requests"], "errors": shown["errors"]})
    if not sys.stdin.readline():
        return
    tally, shown = load.run(plan.seconds, plan.most)
    kept_file.write_bytes(b"\n".join([*warm.kept, *tally.kept]))
    load.close()
    _say(shown)


def _say(found: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
