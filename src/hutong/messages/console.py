"""ConsoleSms: the working twin of a provider. Messages go to the terminal, and to whoever runs the demo."""

import json
import sys
from collections import deque
from pathlib import Path
from typing import TextIO
from uuid import UUID

from hutong.kit.ids import to_crockford
from hutong.kit.masks import mask_phone
from hutong.messages.model import Accepted, OutgoingSms, Rejected

REMEMBERED = 10_000  # answers that are kept to send a repeated message once


class ConsoleSms:
    """Prints each message with a masked number. Secrets are starred out, but for the demo, where one needs the code.

    Keeps the last `keep` messages of each number in memory; with `file` (demo only) also as lines of JSON, so that
    another process can read the code.
    """

    name = "console"

    def __init__(
        self, *, demo: bool = False, file: Path | None = None, keep: int = 20, out: TextIO | None = None
    ) -> None:
        if file is not None and not demo:
            raise ValueError("only the demo writes codes to a file")
        self._demo, self._file, self._keep, self._out = demo, file, keep, out
        self._kept: dict[str, deque[OutgoingSms]] = {}
        self._answers: dict[UUID, Accepted | Rejected] = {}

    async def send(self, message: OutgoingSms) -> Accepted | Rejected:
        if message.message_id in self._answers:
            return self._answers[message.message_id]
        answer: Accepted | Rejected
        if not (message.phone.startswith("+") and message.phone[1:].isdigit() and 7 <= len(message.phone) <= 16):
            answer = Rejected("not a number in international form")
        else:
            answer = Accepted(f"console-{to_crockford(message.message_id.bytes)}")
            self._kept.setdefault(message.phone, deque(maxlen=self._keep)).append(message)
            self._print(message)
        self._answers[message.message_id] = answer
        if len(self._answers) > REMEMBERED:
            del self._answers[next(iter(self._answers))]
        return answer

    def _print(self, message: OutgoingSms) -> None:
        words = message.text if self._demo else message.masked
        print(f"sms {mask_phone(message.phone)} {words}", file=self._out or sys.stderr, flush=True)
        if self._file is not None:
            line = {"phone": message.phone, "template": message.template, "facts": message.facts, "text": message.text}
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def kept(self, phone: str) -> list[OutgoingSms]:
        """The last messages to a number, oldest first."""
        return list(self._kept.get(phone, ()))

    def last_code(self, phone: str) -> str | None:
        """The newest code that went to a number: for tests and the demo."""
        codes = [str(m.facts["code"]) for m in self.kept(phone) if "code" in m.facts]
        return codes[-1] if codes else None


def last_code_in(file: Path, phone: str) -> str | None:
    """The newest code in the file of a demo that runs in another process."""
    found = None
    if file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            message = json.loads(line)
            if message["phone"] == phone and "code" in message["facts"]:
                found = str(message["facts"]["code"])
    return found
