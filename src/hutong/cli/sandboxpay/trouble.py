"""What the provider refuses, with a code that a machine can read and the HTTP status of it."""


class Trouble(Exception):
    """An answer other than yes."""

    def __init__(self, status: int, code: str, words: str) -> None:
        super().__init__(words)
        self.status, self.code, self.words = status, code, words


def unknown_number(number: str) -> Trouble:
    return Trouble(404, "unknown_number", f"{number} is not known here")


def number_reused(number: str) -> Trouble:
    return Trouble(409, "number_reused", f"{number} was used before for something else")


def bad_input(words: str) -> Trouble:
    return Trouble(422, "bad_input", words)
