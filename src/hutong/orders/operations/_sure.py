"""What must not be refused: the rules of orders have made sure of it."""

from collections.abc import Sequence

from hutong.kit.refusals import Refusal


class Broken(Exception):
    """A lower package refused what the rules of orders had made sure of: a defect, nothing is committed."""


def must(results: Sequence[object], what: str) -> None:
    """Stop the transaction when one of the results is a refusal."""
    for result in results:
        if isinstance(result, Refusal):
            raise Broken(f"{what}: {result!r}")
