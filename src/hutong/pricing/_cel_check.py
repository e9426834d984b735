"""Types, cost and the text that is run: what a tree may ask, what asking costs at most, and how CEL writes it."""

from collections.abc import Mapping
from dataclasses import dataclass

from hutong.pricing._cel_syntax import MACROS, MOST_STRING, ExpressionRefused, Node, refused

MOST_ELEMENTS = 100  # of a field that is a list; a longer one has no answer
MOST_COST = 20_000  # steps in the worst case: a step is about a tenth of a microsecond

INT, STR, BOOL, INTS, STRS = "a number", "a text", "yes or no", "a list of numbers", "a list of texts"
_ZH = {INT: "数字", STR: "文字", BOOL: "是或否", INTS: "数字列表", STRS: "文字列表"}
_LIST_OF = {INT: INTS, STR: STRS}
_ELEMENT = {INTS: INT, STRS: STR}
_ON_TEXTS = ("startsWith", "endsWith", "contains")
FIELDS: Mapping[str, str] = {
    "member.tags": STRS, "member.orders": INT, "member.orders_here": INT, "member.spend_here": INT,
    "order.channel": STR, "order.city": INT,
    "basket.units": INT, "basket.quantity": INT, "basket.lines": INT, "basket.offers": STRS,
    "basket.categories": STRS, "basket.schemes": STRS,
    "now.hour": INT, "now.minute": INT, "now.weekday": INT, "now.day": INT, "now.month": INT, "now.date": STR,
}  # fmt: skip
_ROOTS = {name.split(".")[0] for name in FIELDS}
_RESERVED = _ROOTS | {
    "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import",
    "let", "loop", "package", "namespace", "return", "var", "void", "while", "size", "has", "map",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Checked:
    """`type` of the value, the CEL that is run, its cost at most, and how many elements it has at most (a list)."""

    type: str
    text: str
    cost: int
    size: int = 0


class Checker:
    """Walks a tree once; `asked` are the fields that it needs."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.variables: dict[str, str] = {}

    def whole(self, tree: Node) -> Checked:
        """The expression: yes or no, within the cost. Raises ExpressionRefused."""
        found = self.check(tree)
        self.must(tree, found, BOOL)
        if found.cost > MOST_COST:
            raise refused(tree.at, "计算量太大", "it would take too long")
        return found

    def check(self, node: Node) -> Checked:
        match node.kind:
            case "int":
                return Checked(INT, str(node.value), 1)
            case "str":
                quote = "'" if '"' in str(node.value) else '"'
                return Checked(STR, f"{quote}{node.value}{quote}", 1)
            case "bool":
                return Checked(BOOL, "true" if node.value else "false", 1)
            case "list":
                return self.literal(node)
            case "field" | "var":
                return self.field(node)
            case "not" | "neg":
                part = self.check(node.parts[0])
                self.must(node.parts[0], part, BOOL if node.kind == "not" else INT)
                return Checked(part.type, f"{'!' if node.kind == 'not' else '-'}({part.text})", part.cost + 1)
            case "if":
                return self.choice(node)
            case "op":
                return self.operator(node)
            case _:
                return self.macro(node) if node.name in MACROS else self.call(node)

    def must(self, node: Node, found: Checked, *types: str) -> None:
        if found.type not in types:
            zh, en = "或".join(_ZH[t] for t in types), " or ".join(types)
            raise refused(node.at, f"这里应为{zh}，而不是{_ZH[found.type]}", f"this should be {en}, not {found.type}")

    def field(self, node: Node) -> Checked:
        if node.kind == "var" and node.name in self.variables:
            return Checked(self.variables[node.name], node.name, 1)
        if node.name not in FIELDS:
            known = ", ".join(FIELDS)
            raise refused(node.at, f"没有 {node.name}；可用：{known}", f"there is no {node.name}; there are {known}")
        self.asked.add(node.name)
        kind = FIELDS[node.name]
        return Checked(kind, node.name, 2, MOST_ELEMENTS if kind in _ELEMENT else 0)

    def literal(self, node: Node) -> Checked:
        parts = [self.check(part) for part in node.parts]
        if not parts:
            raise refused(node.at, "列表是空的", "the list is empty")
        for part, found in zip(node.parts, parts, strict=True):
            self.must(part, found, INT if parts[0].type == INT else STR)
        text = ", ".join(part.text for part in parts)
        return Checked(_LIST_OF[parts[0].type], f"[{text}]", sum(part.cost for part in parts), len(parts))

    def choice(self, node: Node) -> Checked:
        test, yes, no = (self.check(part) for part in node.parts)
        self.must(node.parts[0], test, BOOL)
        self.must(node.parts[1], yes, INT, STR, BOOL)
        self.must(node.parts[2], no, yes.type)
        return Checked(yes.type, f"(({test.text}) ? ({yes.text}) : ({no.text}))", test.cost + yes.cost + no.cost)

    def operator(self, node: Node) -> Checked:
        left, right = (self.check(part) for part in node.parts)
        op, cost = node.name, left.cost + right.cost + 1
        if op in ("&&", "||"):
            self.must(node.parts[0], left, BOOL)
            self.must(node.parts[1], right, BOOL)
            return Checked(BOOL, self.joined(node, left, right), cost)
        if op in ("+", "-", "*", "/", "%"):
            self.must(node.parts[0], left, INT)
            self.must(node.parts[1], right, INT)
            return Checked(INT, f"({left.text} {op} {right.text})", cost)
        if op == "in":
            self.must(node.parts[0], left, INT, STR)
            self.must(node.parts[1], right, _LIST_OF[left.type])
            return Checked(BOOL, f"({left.text} in {right.text})", cost + right.size)
        self.must(node.parts[0], left, INT, STR, *((BOOL,) if op in ("==", "!=") else ()))
        self.must(node.parts[1], right, left.type)
        return Checked(BOOL, f"({left.text} {op} {right.text})", cost)

    def joined(self, node: Node, left: Checked, right: Checked) -> str:
        """A chain of one operator stays flat, so that its text is no deeper than what was written."""
        first = node.parts[0]
        flat = left.text[1:-1] if first.kind == "op" and first.name == node.name else left.text
        return f"({flat} {node.name} {right.text})"

    def macro(self, node: Node) -> Checked:
        receiver = self.check(node.parts[0])
        self.must(node.parts[0], receiver, INTS, STRS)
        variable = str(node.value)
        if variable in _RESERVED or variable in MACROS:
            raise refused(node.at, f"变量不能叫 {variable}", f"a variable cannot be called {variable}")
        self.variables[variable] = _ELEMENT[receiver.type]
        body = self.check(node.parts[1])
        del self.variables[variable]
        self.must(node.parts[1], body, BOOL)
        text = f"{receiver.text}.{node.name}({variable}, {body.text})"
        cost = receiver.cost + receiver.size * (body.cost + 1)
        if node.name == "filter":
            return Checked(receiver.type, text, cost, receiver.size)
        return Checked(BOOL, text, cost)

    def call(self, node: Node) -> Checked:
        if node.name != "size" and node.name not in _ON_TEXTS:
            raise self.unknown(node)
        parts = [self.check(part) for part in node.parts]
        cost = sum(part.cost for part in parts) + 1
        if node.name == "size" and len(parts) == 1:
            self.must(node.parts[0], parts[0], STR, INTS, STRS)
            return Checked(INT, f"size({parts[0].text})", cost)
        if node.name in _ON_TEXTS and len(parts) == 2:
            self.must(node.parts[0], parts[0], STR)
            self.must(node.parts[1], parts[1], STR)
            return Checked(BOOL, f"{parts[0].text}.{node.name}({parts[1].text})", cost + MOST_STRING)
        raise self.unknown(node)

    def unknown(self, node: Node) -> ExpressionRefused:
        known = ", ".join(("size", *_ON_TEXTS, *MACROS))
        return refused(node.at, f"没有函数 {node.name}；可用：{known}", f"there is no {node.name}(); there are {known}")
