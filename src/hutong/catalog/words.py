"""Words for searching: Chinese by rjieba and by character, names in pinyin and initials, Latin words.

Everything that is indexed follows from the text alone, never from a dictionary that one process has learned:
names of merchants that no dictionary knows are found by their characters two by two (a phrase of single ones would
have to be checked in every document that has them all). So every process, restarted or not, asks with the same words
that another has written.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache

import rjieba
from pypinyin import Style, lazy_pinyin

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_CHUNK = re.compile(f"(?P<han>[{_HAN}]+)|(?P<word>[^\\W_{_HAN}]+)")
_HAN_FIRST = re.compile(f"[{_HAN}]")
_MOST_CHARS = 400  # of one field: a summary is an advertisement, its end does not need to be found
_MOST_TOKENS = 12  # of a name whose spellings are indexed from every token on
_LONGEST = 8  # letters of a beginning that is a word of the index; few documents have a longer one
_BEGINNING = re.compile(rf"'(\d+)\.([^':]{{2,{_LONGEST}}})':\*")

Chunk = tuple[str, str]  # ("han" | "word", text)


@cache
def _jieba() -> rjieba.Jieba:
    return rjieba.Jieba()


def chunks(text: str) -> list[Chunk]:
    """Runs of Chinese characters and words of other scripts: full width made half, lower case, no accents."""
    plain = unicodedata.normalize("NFKC", text[:_MOST_CHARS]).casefold()
    plain = "".join(c for c in unicodedata.normalize("NFD", plain) if unicodedata.category(c) != "Mn")
    return [(match.lastgroup or "word", match.group()) for match in _CHUNK.finditer(plain)]


def plain(text: str) -> str:
    """The text as one string of what can be searched: equal for "Noodle Bar" and "noodle-bar"."""
    return "".join(words for _, words in chunks(text))


def tokens(text: str) -> list[str]:
    """The words of a text, in order."""
    found: list[str] = []
    for kind, words in chunks(text):
        found += _jieba().cut(words) if kind == "han" else [words]
    return found


@lru_cache(maxsize=20_000)
def _sound(word: str) -> tuple[str, str]:
    """(full, initials) of one word; a Latin word is both."""
    if word.isascii():
        return word, word
    return "".join(lazy_pinyin(word)), "".join(lazy_pinyin(word, style=Style.FIRST_LETTER))


def spellings(text: str) -> list[str]:
    """How a name can be typed without a Chinese keyboard, from each of its words to its end.

    海底捞火锅 gives haidilaohuoguo, huoguo, hdlhg and hg: asked as prefixes they answer every beginning.
    """
    sounds_of = [_sound(name) for name in tokens(text)[:_MOST_TOKENS]]
    parts = ([full for full, _ in sounds_of], [short for _, short in sounds_of])
    return list(dict.fromkeys("".join(part[i:]) for part in parts for i in range(len(part))))


def spelled(text: str) -> str:
    """The name in Latin letters word by word, for misspelt searches."""
    return " ".join(_sound(name)[0] for name in tokens(text))


def pairs(han: str) -> list[str]:
    """Each two characters that stand beside each other; nothing for a single one."""
    return [han[i : i + 2] for i in range(len(han) - 1)]


class Lexemes:
    """Builds a tsvector. Positions count characters; they weigh in the rank."""

    def __init__(self, city_id: int) -> None:
        self._city_id = city_id
        self._position = 1
        self._places: dict[str, list[str]] = {}

    def _put(self, word: str, position: int, weight: str) -> None:
        places = self._places.setdefault(lexeme(self._city_id, word), [])
        place = f"{min(position, 16_383)}{weight}"
        if len(places) < 255 and place not in places:
            places.append(place)

    def add(self, text: str, weight: str) -> None:
        """The words of a field with the weight A (most) to D."""
        for kind, words in chunks(text):
            if kind == "word":
                self._put(words, self._position, weight)
                self._position += 2
                continue
            for i, char in enumerate(words):
                self._put(char, self._position + i, weight)
            for i, pair in enumerate(pairs(words)):
                self._put(pair, self._position + i, weight)
            for word, start, end in _jieba().tokenize(words, mode="search"):
                if end - start > 1:
                    self._put(word, self._position + start, weight)
            self._position += len(words) + 1  # the gap keeps a phrase from running over the edge of a chunk

    def add_spellings(self, text: str, weight: str) -> None:
        """The spellings of a name."""
        for spelling in spellings(text):
            self._put(spelling[:80], self._position, weight)
        self._position += 1

    def marks(self, more: Sequence[str]) -> str:
        """All words and spellings without their places, their beginnings, and `more` whole lexemes (squares of the map,
        exact names): what the index holds.

        An index that is asked for a beginning walks everything that begins so, however little is wanted; a whole word
        it finds where the reader is.
        """
        starts = {
            word[:n]
            for word in (one.partition(".")[2] for one in self._places)
            if not _HAN_FIRST.match(word)
            for n in range(2, min(len(word) - 1, _LONGEST) + 1)
        }
        begun = [lexeme(self._city_id, f"^{start}") for start in sorted(starts)]
        return " ".join(f"'{one}'" for one in dict.fromkeys([*self._places, *begun, *more]))

    def __str__(self) -> str:
        return " ".join(f"'{word}':{','.join(places)}" for word, places in self._places.items())


def lexeme(city_id: int, word: str, *, cell: str | None = None) -> str:
    """A word of one city, or of one square of it. The index has no column for the city, so the word carries it."""
    return f"{city_id}.{word}" if cell is None else f"{city_id}~{cell}.{word}"


def _lex(city_id: int, word: str, *, prefix: bool = False) -> str:
    return f"'{lexeme(city_id, word)}'" + (":*" if prefix else "")


def all_of(city_id: int, text: str) -> str:
    """A tsquery for rows that contain everything that was typed; "" when nothing can be searched.

    Chinese: its words, or its characters two by two. Other scripts: words that begin so, or all of it written as one
    (hai di lao). Two letters or more may be the beginning of a spelling; one letter must be a word.
    """
    parts = []
    for kind, words in chunks(text):
        if kind == "word":
            parts.append(_lex(city_id, words, prefix=len(words) > 1))
            continue
        by_words = " & ".join(_lex(city_id, word) for word in _jieba().cut(words))
        in_a_row = " & ".join(_lex(city_id, pair) for pair in pairs(words) or [words])
        parts.append(f"({by_words} | ({in_a_row}))" if by_words != in_a_row else by_words)
    together = plain(text)
    whole = " & ".join(parts)
    if len(parts) > 1 and all(kind == "word" for kind, _ in chunks(text)):
        return f"({whole}) | {_lex(city_id, together, prefix=True)}"
    return whole


def any_of(city_id: int, text: str) -> str:
    """A wider tsquery: some of the words, or something that sounds the same (海底劳 for 海底捞)."""
    parts = []
    for kind, words in chunks(text):
        found: Sequence[str] = _jieba().cut_for_search(words) if kind == "han" else [words]
        parts += [_lex(city_id, word) for word in found if len(word) > 1]
    sound = sounds(text)
    if len(sound) > 3:
        parts.append(_lex(city_id, sound, prefix=True))
    return " | ".join(dict.fromkeys(parts))


def in_index(query: str) -> str:
    """The same query without beginnings of up to eight letters: words that are so, or that were written to begin so."""
    return _BEGINNING.sub(r"('\1.\2' | '\1.^\2')", query)


def sounds(text: str) -> str:
    """The whole text in Latin letters, as one word."""
    return "".join(_sound(word)[0] for word in tokens(text[:80]))[:80]
