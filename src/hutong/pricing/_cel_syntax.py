"""The part of CEL that staff may write: text -> tree. Every limit of size and depth is here, before anything is run.

A subset on purpose: no escapes, no comments, no bytes, no floating point, no maps, no `matches`. What this parser does
not understand is refused, and only what it has understood is written out again and given to the CEL library.
"""

import re
from dataclasses import dataclass

from hutong.kit.refusals import Refusal
from hutong.kit.text import Text

MOST_SOURCE = 500  # characters
MOST_TOKENS = 200
MOST_DEPTH = 12
MOST_LITERAL = 50  # elements of a list
MOST_STRING = 64  # characters of a string
MOST_MACROS = 3
MACROS = ("exists", "all", "exists_one", "filter")


class ExpressionRefused(Refusal):
    """The expression is not within what staff may write."""

    code = "expression_refused"
    status = 422
    say = Text(
        zh="条件表达式有误（第 {at} 个字符附近）：{why_zh}。", en="The expression cannot be used, near {at}: {why_en}."
    )
    step = Text(zh="请修改表达式，写法见「编写促销」。", en="Change it; see “Write a promotion”.")


def refused(at: int, zh: str, en: str) -> ExpressionRefused:
    """`at` counts characters from 1."""
    return ExpressionRefused(at=at + 1, why_zh=zh, why_en=en)


@dataclass(frozen=True, slots=True)
class Node:
    """`kind` is int, str, bool, list, field, var, call, not, neg, op or if; `name` an operator, field or function."""

    kind: str
    at: int
    name: str = ""
    value: int | str | bool = 0
    parts: tuple["Node", ...] = ()


_TOKEN = re.compile(
    r"\s*(?:(?P<int>[0-9]{1,15}(?![0-9A-Za-z_.]))|(?P<name>[A-Za-z_][A-Za-z0-9_]{0,30}(?![A-Za-z0-9_'\"]))"
    r"|(?P<str>'[^'\\]*'|\"[^\"\\]*\")|(?P<op>&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()\[\]]))",
    re.ASCII,
)
_COMPARES = ("==", "!=", "<", "<=", ">", ">=", "in")


def parse(source: str) -> Node:
    """The tree of the expression; raises ExpressionRefused."""
    if len(source) > MOST_SOURCE:
        raise refused(MOST_SOURCE, f"最多 {MOST_SOURCE} 个字符", f"at most {MOST_SOURCE} characters")
    parser = _Parser(_tokens(source), len(source))
    node = parser.ternary(0)
    parser.end()
    return node


_Token = tuple[str, str, int]


def _tokens(source: str) -> list[_Token]:
    found: list[_Token] = []
    at, end = 0, len(source.rstrip())
    while at < end:
        match = _TOKEN.match(source, at)
        if match is None or match.lastgroup is None:
            raise refused(at, "看不懂这里", "this is not understood")
        kind, words = match.lastgroup, match.group(match.lastgroup)
        start = match.start(kind)
        if kind == "str" and (len(words) > MOST_STRING + 2 or not words[1:-1].isprintable()):
            raise refused(start, f"文字最多 {MOST_STRING} 个可见字符", f"at most {MOST_STRING} printable characters")
        found.append((kind, words, start))
        if len(found) > MOST_TOKENS:
            raise refused(start, "太长了", "it is too long")
        at = match.end()
    return found


class _Parser:
    """Recursive descent; `depth` is how deep in brackets and operators of one operand we are."""

    def __init__(self, tokens: list[_Token], end: int) -> None:
        self.tokens, self.place, self.length = tokens, 0, end
        self.macros, self.inside = 0, False

    def peek(self) -> str:
        """The operator or word that comes; empty for a literal text and at the end."""
        if self.place >= len(self.tokens) or self.tokens[self.place][0] == "str":
            return ""
        return self.tokens[self.place][1]

    def at(self) -> int:
        return self.tokens[self.place][2] if self.place < len(self.tokens) else self.length

    def next(self) -> _Token:
        if self.place >= len(self.tokens):
            raise refused(self.length, "没有写完", "it ends too early")
        self.place += 1
        return self.tokens[self.place - 1]

    def expect(self, words: str) -> None:
        if self.peek() != words:
            raise refused(self.at(), f"这里应为 {words}", f"“{words}” is expected here")
        self.place += 1

    def end(self) -> None:
        if self.place < len(self.tokens):
            raise refused(self.at(), "多余的内容", "nothing more is expected here")

    def ternary(self, depth: int) -> Node:
        if depth > MOST_DEPTH:
            raise refused(self.at(), "嵌套太深", "it is nested too deeply")
        test = self.chain(("||",), depth)
        if self.peek() != "?":
            return test
        at = self.next()[2]
        yes = self.chain(("||",), depth + 1)
        self.expect(":")
        return Node("if", at, parts=(test, yes, self.ternary(depth + 1)))

    def chain(self, ops: tuple[str, ...], depth: int) -> Node:
        """One level of left-associative operators."""
        below = {"||": ("&&",), "&&": _COMPARES, "+": ("*", "/", "%")}
        if ops is _COMPARES:
            return self.compare(depth)
        left = self.unary(depth) if ops[0] == "*" else self.chain(below[ops[0]], depth)
        while self.peek() in ops:
            _, op, at = self.next()
            right = self.unary(depth) if ops[0] == "*" else self.chain(below[ops[0]], depth)
            left = Node("op", at, op, parts=(left, right))
        return left

    def compare(self, depth: int) -> Node:
        left = self.chain(("+", "-"), depth)
        if self.peek() not in _COMPARES:
            return left
        _, op, at = self.next()
        right = self.chain(("+", "-"), depth)
        if self.peek() in _COMPARES:
            raise refused(self.at(), "一次只比较两项", "compare two things at a time")
        return Node("op", at, op, parts=(left, right))

    def unary(self, depth: int) -> Node:
        if depth > MOST_DEPTH:
            raise refused(self.at(), "嵌套太深", "it is nested too deeply")
        if self.peek() in ("!", "-"):
            _, op, at = self.next()
            return Node("not" if op == "!" else "neg", at, parts=(self.unary(depth + 1),))
        return self.postfix(depth)

    def postfix(self, depth: int) -> Node:
        node = self.primary(depth)
        while self.peek() == ".":
            self.next()
            kind, name, at = self.next()
            if kind != "name":
                raise refused(at, "点号后应为名称", "a name is expected after the dot")
            if node.kind == "var" and self.peek() != "(":
                node = Node("field", node.at, f"{node.name}.{name}")
            elif self.peek() == "(":
                node = self.macro(node, name, at, depth) if name in MACROS else self.call(node, name, at, depth)
            else:
                raise refused(at, "这里没有字段", "there is no field here")
        return node

    def macro(self, receiver: Node, name: str, at: int, depth: int) -> Node:
        self.macros += 1
        if self.inside:
            raise refused(at, f"{name} 里面不能再用 exists、all、filter", f"no macro inside a macro ({name})")
        if self.macros > MOST_MACROS:
            raise refused(at, f"exists、all、filter 最多 {MOST_MACROS} 次", f"at most {MOST_MACROS} macros")
        self.expect("(")
        kind, variable, where = self.next()
        if kind != "name":
            raise refused(where, "这里应为变量名", "a variable is expected here")
        self.expect(",")
        self.inside = True
        body = self.ternary(depth + 1)
        self.inside = False
        self.expect(")")
        return Node("call", at, name, value=variable, parts=(receiver, body))

    def call(self, receiver: Node, name: str, at: int, depth: int) -> Node:
        return Node("call", at, name, parts=(receiver, *self.several(")", depth)))

    def several(self, close: str, depth: int) -> list[Node]:
        """Expressions between brackets, separated by commas."""
        self.next()
        found: list[Node] = []
        while self.peek() != close:
            if found:
                self.expect(",")
            found.append(self.ternary(depth + 1))
            if len(found) > MOST_LITERAL:
                raise refused(self.at(), f"列表最多 {MOST_LITERAL} 项", f"a list has at most {MOST_LITERAL} elements")
        self.expect(close)
        return found

    def primary(self, depth: int) -> Node:
        if self.peek() == "[":
            at = self.at()
            return Node("list", at, parts=tuple(self.several("]", depth)))
        if self.peek() == "(":
            self.next()
            node = self.ternary(depth + 1)
            self.expect(")")
            return node
        kind, words, at = self.next()
        if kind == "int":
            return Node("int", at, value=int(words))
        if kind == "str":
            return Node("str", at, value=words[1:-1])
        if kind == "name" and words in ("true", "false"):
            return Node("bool", at, value=words == "true")
        if kind == "name" and self.peek() == "(" and words not in MACROS:
            return Node("call", at, words, parts=tuple(self.several(")", depth)))
        if kind == "name" and words != "in":
            return Node("var", at, words)
        raise refused(at, f"这里不能写 {words}", f"“{words}” is not expected here")
