"""Words for searching: what is indexed and what is asked follow from the text alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.catalog.words import Lexemes, all_of, any_of, chunks, in_index, plain, sounds, spelled, spellings


def test_full_width_accents_case_and_signs_do_not_matter():
    assert plain("Ｃａｆé　Bleu!") == plain("CAFE-bleu") == "cafebleu"
    assert chunks("海底捞(望京店) KTV3") == [("han", "海底捞"), ("han", "望京店"), ("word", "ktv3")]


def test_a_name_is_spelt_from_each_of_its_words_to_the_end():
    assert {"chongqingxiaomian", "xiaomian", "cqxm", "xm"} <= set(spellings("重庆小面"))
    assert spellings("Noodle Bar") == ["noodlebar", "bar"]
    assert spelled("重庆 Bar") == "chongqing bar"
    assert sounds("海底劳") == sounds("海底捞") == "haidilao"


def test_characters_keep_their_places_and_stand_two_by_two():
    lexemes = Lexemes(7)
    lexemes.add("火锅", "A")
    lexemes.add("小面", "D")
    words = str(lexemes).split(" ")
    assert "'7.火锅':1A" in words
    assert {"'7.火':1A", "'7.锅':2A", "'7.小':4D", "'7.面':5D", "'7.小面':4D"} <= set(words)
    assert "'7.锅小'" not in str(lexemes), "a gap lies between two fields"


@pytest.mark.parametrize(
    ("typed", "query"),
    [
        ("ktv", "'1.ktv':*"),
        ("k", "'1.k'"),
        ("hai lao", "('1.hai':* & '1.lao':*) | '1.hailao':*"),
        ("火锅 ktv", "'1.火锅' & '1.ktv':*"),
        ("渝是乎", "('1.渝' & '1.是' & '1.乎' | ('1.渝是' & '1.是乎'))"),
        ("?!", ""),
    ],
)
def test_queries(typed, query):
    assert all_of(1, typed) == query


def test_some_of_it_or_what_sounds_alike():
    assert any_of(1, "海底劳火锅").endswith("'1.haidilaohuoguo':*")
    assert "'1.火锅'" in any_of(1, "海底劳火锅")
    assert any_of(1, "x") == ""


@given(st.text(max_size=60))
def test_whatever_is_typed_is_never_syntax(text):
    lexemes = Lexemes(1)
    lexemes.add(text, "A")
    lexemes.add_spellings(text, "B")
    for built in (str(lexemes), all_of(1, text), any_of(1, text)):
        bare = built
        for sign in ("'", ":*", " & ", " | ", " <-> ", "(", ")", ":", ",", " ", "."):
            bare = bare.replace(sign, "")
        assert all(char.isalnum() for char in bare), built
        assert built.count("'") % 2 == 0


def test_a_beginning_of_up_to_eight_letters_is_a_word_of_the_index():
    """What a prefix would find, the marks hold as a word: typed whole, begun, or one letter short."""
    lexemes = Lexemes(7)
    lexemes.add("Noodle 酸菜鱼 restaurant", "A")
    marks = set(lexemes.marks(["7.@8:1:2"]).split())
    assert {"'7.noodle'", "'7.^no'", "'7.^noodl'", "'7.酸菜鱼'", "'7.^restaura'", "'7.@8:1:2'"} <= marks
    assert not {"'7.^n'", "'7.^noodle'", "'7.^restauran'", "'7.^酸菜'"} & marks
    assert in_index("'7.noo':* & '7.鱼'") == "('7.noo' | '7.^noo') & '7.鱼'"
    assert in_index("'7.restaurant':*") == "'7.restaurant':*", "few documents begin so: the index may walk them"
    for n in range(2, 9):
        typed = all_of(7, "restaurant"[:n])
        assert any(one in marks for one in in_index(typed).strip("()").split(" | ")), typed
