"""A fact is what may stand at one place, and how it is written: `key type`, children two spaces further in."""

import json
import re
from dataclasses import dataclass, field, replace

ORDER = ["boolean", "integer", "number", "string", "list", "map"]
SCALARS = {"boolean", "integer", "number", "string"}
# Together they are written as `scalar`.
SCALAR = {"boolean", "number", "string"}


@dataclass(frozen=True)
class Fact:
    """`kinds` None is anything. `fields` are known keys, `rest` what other keys hold (None: there are none)."""

    kinds: frozenset | None = None
    fields: tuple = ()
    rest: "Fact | None" = None
    items: "Fact | None" = None
    needed: frozenset = frozenset()
    enum: tuple = ()
    pattern: str | None = None
    low: float | int | None = None
    high: float | int | None = None

    def is_any(self):
        return self.kinds is None

    def field(self, key):
        return dict(self.fields).get(key)

    def with_field(self, key, fact):
        fields = dict(self.fields)
        fields[key] = fact
        return replace(self, fields=sort(fields))


ANY = Fact()


def sort(fields):
    return tuple(sorted(fields.items()))


def scalar(*kinds, **more):
    return Fact(kinds=frozenset(kinds), **more)


def closed(fields, rest=None, needed=()):
    return Fact(kinds=frozenset(["map"]), fields=sort(fields), rest=rest, needed=frozenset(needed))


FREE_MAP = closed({}, rest=ANY)


def listed(items):
    return Fact(kinds=frozenset(["list"]), items=items)


FREE_LIST = listed(ANY)


def both(a, b):
    """What is legal by either."""
    if a == b:
        return a
    if a.is_any() or b.is_any():
        return ANY
    fields = dict(a.fields)
    for key, fact in b.fields:
        fields[key] = both(fields[key], fact) if key in fields else fact
    side = lambda one, two: two if one is None else one if two is None else both(one, two)  # noqa: E731
    scalars = [fact for fact in (a, b) if fact.kinds & SCALARS]
    same = len(scalars) == 1
    only = scalars[0] if same else ANY
    has_map = [fact for fact in (a, b) if "map" in fact.kinds]
    needed = frozenset.intersection(*[fact.needed for fact in has_map]) if has_map else frozenset()
    return Fact(
        kinds=a.kinds | b.kinds,
        fields=sort(fields),
        rest=side(a.rest, b.rest),
        items=side(a.items, b.items),
        needed=needed,
        enum=only.enum if same else tuple(sorted(set(a.enum) | set(b.enum), key=str)) if a.enum and b.enum else (),
        pattern=only.pattern,
        low=only.low,
        high=only.high,
    )


def plain(text):
    return re.fullmatch(r"[A-Za-z0-9_./:+$-]+", text) is not None


def word(text):
    return text if plain(text) else json.dumps(text, ensure_ascii=False)


class Writer:
    """Writes trees of facts; what stands in several places is written once, as a `shape`."""

    # A shape is worth its name from this many lines.
    WORTH = 5

    def __init__(self, roots):
        self.sizes = {}
        self.seen = {}
        for name, fact in roots:
            self.count(name, fact)
        self.names = {}
        taken = {}
        for fact, (name, times) in self.seen.items():
            if times > 1 and self.sizes[fact] >= self.WORTH:
                name = re.sub(r"[^A-Za-z0-9_-]", "-", name)
                taken[name] = taken.get(name, 0) + 1
                self.names[fact] = name if taken[name] == 1 else f"{name}-{taken[name]}"

    def count(self, name, fact):
        """How many lines a fact's children take, and how often the same children stand somewhere."""
        key = shape(fact)
        if key in self.seen:
            first, times = self.seen[key]
            self.seen[key] = (first, times + 1)
            return self.sizes[key]
        total = 0
        if "map" in (fact.kinds or ()):
            self.seen[key] = (name, 1)
            for child, below in fact.fields:
                total += 1 + self.count(child, below)
            if fact.rest is not None:
                total += 1 + self.count(name, fact.rest)
            self.sizes[key] = total
        if fact.items is not None:
            total += self.count(name, fact.items)
        return total

    def lines(self, fact, indent):
        """The children of a fact."""
        out = []
        for key, below in fact.fields:
            mark = "!" if key in fact.needed else ""
            out += self.line(word(key) + mark, below, indent)
        if fact.rest is not None and fact.fields:
            out += self.line("*", fact.rest, indent)
        return out

    def line(self, key, fact, indent):
        words, bounds, inner = self.type_of(fact)
        return [f"{'  ' * indent}{key} {words}{bounds}"] + (self.lines(inner, indent + 1) if inner else [])

    def type_of(self, fact):
        """The type in words, the bounds of its innermost part, and the fact whose children follow."""
        if fact.is_any():
            return "any", "", None
        words, bounds, inner, kinds = [], "", None, fact.kinds
        if "number" in kinds:
            kinds = kinds - {"integer"}
        if kinds >= SCALAR:
            words, kinds = ["scalar"], kinds - SCALAR
        for kind in ORDER:
            if kind not in kinds:
                continue
            if kind == "list":
                # Only one part of a type has bounds or children: of a list and a map it is the map.
                below, bounds, inner = self.type_of(ANY if "map" in kinds else fact.items or ANY)
                words.append("[]" if below == "any" else f"[{below}]")
            elif kind == "map":
                named = self.names.get(shape(fact))
                if named:
                    words.append(f"@{named}")
                elif fact.fields:
                    words.append("map")
                    inner = fact
                elif fact.rest is None:
                    words.append("map")
                else:
                    below, bounds, inner = self.type_of(fact.rest)
                    words.append("{}" if below == "any" else f"{{{below}}}")
            else:
                words.append(kind)
        if fact.kinds <= SCALARS:
            bounds = "".join(f" ={word(one if isinstance(one, str) else json.dumps(one))}" for one in fact.enum)
            if fact.low is not None:
                bounds += f" >={fact.low}"
            if fact.high is not None:
                bounds += f" <={fact.high}"
            if fact.pattern is not None:
                bounds += f" ~{json.dumps(fact.pattern, ensure_ascii=False)}"
        elif len(words) > 1 and fact.kinds & SCALARS:
            bounds = ""
        return "|".join(words), bounds, inner

    def shapes(self):
        out = []
        for fact, name in sorted(self.names.items(), key=lambda item: item[1]):
            out += [f"shape {name}"] + self.shape_lines(fact)
        return out

    def shape_lines(self, fact):
        lines = self.lines(fact, 1)
        if fact.rest is not None and not fact.fields:
            lines += self.line("*", fact.rest, 1)
        return lines


def shape(fact):
    """The part of a fact that a shape stands for: a map's children."""
    return Fact(kinds=frozenset(["map"]), fields=fact.fields, rest=fact.rest, needed=fact.needed)
