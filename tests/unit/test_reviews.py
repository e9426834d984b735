"""Pure rules of reviews: averages, plain words, the dictionary of tags."""

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong import trades
from hutong.reviews import Rating, mood_of, tags, tags_for
from hutong.reviews.model import ROADS, Content, Photo, clean, ratings_moved, worth

ONE, TWO = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("stars", "count", "average"),
    [
        ((0, 0, 0, 0, 0), 0, 0.0), ((0, 0, 0, 0, 1), 1, 5.0), ((1, 0, 0, 0, 0), 1, 1.0), ((0, 0, 0, 1, 1), 2, 4.5),
        ((1, 1, 0, 0, 0), 2, 1.5), ((0, 0, 0, 1, 19), 20, 5.0), ((0, 0, 0, 2, 18), 20, 4.9), ((1, 0, 0, 0, 2), 3, 3.7),
    ],
)  # fmt: skip
def test_an_average_has_one_decimal_and_a_count(stars, count, average):
    assert (Rating(stars).count, Rating(stars).mean) == (count, average)


@given(st.tuples(*[st.integers(0, 10_000)] * 5))
def test_the_average_lies_between_what_was_given(stars):
    rating = Rating(stars)
    given = [n for n, how_many in enumerate(stars, 1) if how_many]
    if given:
        assert min(given) <= rating.mean <= max(given)
        assert abs(rating.mean - rating.total / rating.count) <= 0.0501


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("  好吃 ", "好吃"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\n\n\n \n\nb", "a\n\nb"),
        ("a\x00b\x07c\x1b[31md", "abc[31md"),
        ("\u202eevil\u202c \u2066x\u2069\ufeff", "evil x"),
        ("e\u0301", "\u00e9"),
        ("好\ud800吃", "好吃"),
        ("👨‍👩‍👧 很开心", "👨‍👩‍👧 很开心"),
        ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
        ("\n\t \n", ""),
    ],
)
def test_words_are_plain_text(said, kept):
    assert clean(said) == kept


@given(st.text(max_size=200))
def test_cleaning_twice_is_cleaning_once(text):
    assert clean(clean(text)) == clean(text)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e]", clean(text))


def test_what_readers_learn_from_comes_first_whatever_the_stars():
    photo = Photo("a", "b")
    short, long = Content(stars=5, words="好"), Content(stars=1, words="字" * 120)
    assert worth(short) < worth(long) < worth(Content(stars=1, words="字" * 120, photos=(photo,)))
    assert worth(Content(stars=3, words="字" * 2000, photos=(photo,) * 6)) == 9


def test_moves_add_up():
    assert ratings_moved([(ONE, 5, 1), (ONE, 5, 1), (ONE, 1, -1), (TWO, 3, 1), (TWO, 3, -1)]) == {ONE: [-1, 0, 0, 0, 2]}


def test_what_was_withdrawn_never_comes_back():
    assert ROADS["withdrawn"] == ()


def test_tags_speak_both_languages_and_name_known_trades():
    known = set(trades.load())
    for key, tag in tags().items():
        assert re.fullmatch(r"[a-z_]+", key)
        assert re.search(r"[\u4e00-\u9fff]", tag.zh)
        assert not re.search(r"[\u4e00-\u9fff]", tag.en)
        assert known >= set(tag.trades), key


def test_every_trade_is_offered_some_of_each_mood():
    for trade in trades.load():
        assert 5 <= len(tags_for(trade, "good")) <= 9
        assert 5 <= len(tags_for(trade, "bad")) <= 9
    assert "tasty" in tags_for("restaurant", "good")
    assert "tasty" not in tags_for("hair", "good")
    assert (mood_of(4), mood_of(3)) == ("good", "bad")
