"""Long statements live in `.sql` files beside the module that runs them."""

from functools import cache
from importlib.resources import files


@cache
def load(package: str, name: str) -> str:
    """The text of `<name>.sql` in `package` (pass __package__). Read once per process."""
    return files(package).joinpath(f"{name}.sql").read_text(encoding="utf-8")
