"""The C preprocessor as far as patches to QEMU's boards use it: macros and conditions.

Macros that a patch does not show come from upstream.py. QEMU overloads its
macros by the number of their arguments, and has given a name another number
of them over the years, so several macros of a name are told apart by that.
"""

from __future__ import annotations

from typing import Callable, Iterable, Iterator, NamedTuple, Optional, Sequence

from ...diagnostics import Finding, Mark
from .diffs import TAG
from .tokens import Directive, Item, Token

# What is read by its name further on, and must stay: its definition tells nothing.
KEPT = frozenset(
    "SET_MACHINE_COMPAT compat_props_add MACHINE_VER_DEPRECATION MACHINE_VER_DELETION type_init MACHINE_CLASS "
    "PC_MACHINE_CLASS SPAPR_MACHINE_CLASS S390_CCW_MACHINE_CLASS G_N_ELEMENTS ARRAY_SIZE TYPE_X86_CPU".split()
)
# Real files need some 20,000; what needs more is made to.
BUDGET = 400_000
_DEPTH = 60
# Tokens of the arguments of one use.
_ARGUMENTS = 3000
_CONDITIONS = ("if", "ifdef", "ifndef", "elif", "else", "endif")


class Macro(NamedTuple):
    """A macro; ``parameters`` None for one without. ``cut`` if its end is not known."""

    name: str
    parameters: Optional[tuple[str, ...]]
    body: tuple[Token, ...]
    mark: Mark
    cut: bool = False

    def takes(self, count: int) -> bool:
        if self.parameters is None:
            return False
        if self.parameters[-1:] == ("...",):
            return count >= len(self.parameters) - 1
        return count == len(self.parameters) or (count == 1 and not self.parameters)


# Upstream's part of a macro whose end no patch shows.
Complete = Callable[[Macro, "dict[str, list[Macro]]"], Optional[Macro]]


class Exhausted(Exception):
    """The macros of a file expand to more than any real one."""


def macro_of(directive: Directive) -> Optional[Macro]:
    """The macro that a #define makes."""
    if not directive.tokens or directive.tokens[0].kind != "name":
        return None
    name, rest = directive.tokens[0], directive.tokens[1:]
    end = name.mark.column + name.mark.width
    opens = rest and rest[0].text == "(" and rest[0].mark.line == name.mark.line and rest[0].mark.column == end
    if not opens:
        return Macro(name.text, None, rest, name.mark, directive.cut)
    close = next((number for number, token in enumerate(rest) if token.text == ")"), None)
    if close is None:
        return None
    parameters = tuple(token.text for token in rest[1:close] if token.text != ",")
    return Macro(name.text, parameters, rest[close + 1 :], name.mark, directive.cut)


class Preprocessor:
    """Takes items, gives tokens with macros expanded. ``findings`` grow along the way.

    ``used`` has the lines of the macros that were expanded.
    """

    def __init__(self, macros: "dict[str, list[Macro]]", complete: Complete) -> None:
        self.complete = complete
        self.macros = {name: list(several) for name, several in macros.items()}
        self.findings: list[Finding] = []
        self.used: set[tuple[str, int]] = set()
        self.left = BUDGET
        self.depth = 0
        # One entry for each open condition: whether its lines count, and whether some branch did.
        self.conditions: list[tuple[bool, bool]] = []

    def define(self, macro: Macro) -> None:
        """Takes the place of one with as many parameters, except a cut one, which upstream's completes."""
        several = self.macros.setdefault(macro.name, [])
        count = len(macro.parameters) if macro.parameters is not None else -1
        same = [one for one in several if (len(one.parameters) if one.parameters is not None else -1) == count]
        for one in same:
            several.remove(one)
        several.insert(0, macro)

    def process(self, items: Iterable[Item]) -> Iterator[Token]:
        """The tokens that the compiler would see."""
        pending: list[Token] = []
        for item in items:
            if isinstance(item, Token):
                if item.kind == "gap":
                    self.conditions.clear()
                if all(holds for holds, _ in self.conditions):
                    pending.append(item)
                continue
            # A use does not reach over a directive.
            yield from self.expand(pending)
            pending = []
            self._directive(item)
        yield from self.expand(pending)

    def _directive(self, directive: Directive) -> None:
        if directive.word in _CONDITIONS:
            self._condition(directive)
        elif not all(holds for holds, _ in self.conditions):
            return
        elif directive.word == "define":
            macro = macro_of(directive)
            if macro and macro.cut:
                macro = self._completed(macro)
            if macro:
                self.define(macro)
        elif directive.word == "undef" and directive.tokens:
            self.macros.pop(directive.tokens[0].text, None)

    def _completed(self, macro: Macro) -> Optional[Macro]:
        whole = self.complete(macro, self.macros)
        if whole is None and any(token.added for token in macro.body):
            message = f"the patches show only the beginning of the macro {macro.name}, and its rest is not known"
            self.findings.append(Finding(TAG, "warning", macro.mark, message))
        return whole

    def _condition(self, directive: Directive) -> None:
        word = directive.word
        if word == "endif":
            if self.conditions:
                self.conditions.pop()
        elif word == "else":
            if self.conditions:
                _, done = self.conditions.pop()
                self.conditions.append((not done, True))
        elif word == "elif":
            if self.conditions:
                _, done = self.conditions.pop()
                holds = not done and self._holds("if", directive)
                self.conditions.append((holds, done or holds))
        elif len(self.conditions) < 100:
            holds = self._holds(word, directive)
            self.conditions.append((holds, holds))

    def _holds(self, word: str, directive: Directive) -> bool:
        """Whether a condition holds in the builds that have the distribution's types.

        The microvm binary is built with CONFIG_MICROVM_DEFAULT and has other
        defaults; what else QEMU's boards depend on (CONFIG_XEN, …) is built.
        """
        texts = [token.text for token in directive.tokens if token.text not in ("(", ")")]
        negated = word == "ifndef"
        if word == "if":
            while texts[:1] == ["!"]:
                negated, texts = not negated, texts[1:]
            if texts[:1] == ["defined"]:
                word, texts = "ifdef", texts[1:]
        if len(texts) == 1:
            name = texts[0]
            held = name not in ("0", "false", "CONFIG_MICROVM_DEFAULT")
            if word != "if" and name not in self.macros and not name.startswith("CONFIG_"):
                held = False
            return held != negated
        if "CONFIG_MICROVM_DEFAULT" not in texts:
            message = f"this condition is not evaluated, but taken to hold: {' '.join(texts)[:60]}"
            if any(token.added for token in directive.tokens):
                self.findings.append(Finding(TAG, "warning", directive.mark, message))
        return True

    def expand(self, tokens: Sequence[Token]) -> "list[Token]":
        """All macros expanded; what stands at a use takes its place in messages."""
        out: list[Token] = []
        # A stack of what is still to be read, the next token last.
        rest = list(tokens[::-1])
        while rest:
            token = rest.pop()
            if token.kind == "name" and token.text in self.macros and token.text not in token.hidden:
                replaced = self._replaced(token, rest)
                if replaced is not None:
                    self.left -= len(replaced) + 1
                    if self.left < 0:
                        raise Exhausted
                    rest.extend(reversed(replaced))
                    continue
            out.append(token)
        return out

    def _replaced(self, token: Token, rest: "list[Token]") -> "Optional[list[Token]]":
        """What a macro's use stands for; None if it is no use. Takes the arguments off ``rest``."""
        if token.text in KEPT:
            return None
        several = self.macros[token.text]
        plain = next((one for one in several if one.parameters is None), None)
        if plain and not any(one.parameters is not None for one in several):
            self._use(plain)
            hidden = token.hidden | {plain.name}
            return [one._replace(mark=token.mark, first=False, added=token.added, hidden=hidden) for one in plain.body]
        arguments = _arguments(rest)
        if arguments is None:
            return None
        found, length = arguments
        macro = next((one for one in several if one.takes(len(found))), None)
        if macro is None:
            known = " or ".join(str(len(one.parameters or ())) for one in several)
            message = f"{token.text} is used with {len(found)} arguments, but takes {known}"
            self.findings.append(Finding(TAG, "warning", token.mark, message))
            return None
        del rest[len(rest) - length :]
        self._use(macro)
        return self._substituted(macro, token, found)

    def _use(self, macro: Macro) -> None:
        self.used.add((macro.mark.file, macro.mark.line))
        self.used.update((token.mark.file, token.mark.line) for token in macro.body)

    def _substituted(self, macro: Macro, use: Token, arguments: "list[list[Token]]") -> "list[Token]":
        values = _bound(macro, arguments)
        hidden = use.hidden | {macro.name}
        out: list[Token] = []
        body = macro.body
        paste = False
        for number, token in enumerate(body):
            following = body[number + 1].text if number + 1 < len(body) else ""
            if token.text == "##" and out:
                paste = True
                continue
            if token.text == "#" and following in values:
                continue
            if number and body[number - 1].text == "#" and token.text in values and token.kind == "name":
                text = " ".join(one.text for one in values[token.text]).replace("\\", "\\\\").replace('"', '\\"')
                piece = [Token("string", f'"{text}"', use.mark, use.added)]
            elif token.kind == "name" and token.text in values:
                given = values[token.text]
                # Only what is not pasted is expanded first.
                piece = list(given) if paste or following == "##" else self._expanded(given)
            else:
                piece = [token._replace(mark=use.mark, first=False, added=use.added, hidden=hidden | token.hidden)]
            if paste and out and piece:
                glued = out[-1].text + piece[0].text
                kind = "name" if glued[:1].isalpha() or glued[:1] == "_" else "number"
                out[-1] = Token(kind, glued, use.mark, use.added, False, hidden)
                piece = piece[1:]
            elif paste and not piece and token.text in values and out and out[-1].text == ",":
                out.pop()
            paste = False
            out += piece
            if len(out) > self.left:
                raise Exhausted
        return out

    def _expanded(self, tokens: "list[Token]") -> "list[Token]":
        if not any(one.text in self.macros for one in tokens):
            return list(tokens)
        self.depth += 1
        if self.depth > _DEPTH:
            raise Exhausted
        found = self.expand(tokens)
        self.depth -= 1
        return found


def _arguments(rest: "list[Token]") -> "Optional[tuple[list[list[Token]], int]]":
    """The arguments of a use, and how many tokens of ``rest`` (next one last) they take."""
    if not rest or rest[-1].text != "(":
        return None
    found: list[list[Token]] = [[]]
    depth = 0
    for number in range(len(rest) - 1, max(-1, len(rest) - 1 - _ARGUMENTS), -1):
        token = rest[number]
        if token.kind == "gap":
            return None
        if token.text in "([{" and token.kind == "mark":
            depth += 1
            if depth == 1:
                continue
        elif token.text in ")]}" and token.kind == "mark":
            depth -= 1
            if depth == 0:
                return found, len(rest) - number
        elif token.text == "," and depth == 1:
            found.append([])
            continue
        found[-1].append(token)
    return None


def _bound(macro: Macro, arguments: "list[list[Token]]") -> "dict[str, list[Token]]":
    parameters = macro.parameters or ()
    if parameters[-1:] != ("...",):
        return dict(zip(parameters, arguments))
    named = len(parameters) - 1
    values = dict(zip(parameters[:named], arguments))
    rest: list[Token] = []
    for number, argument in enumerate(arguments[named:]):
        if number:
            rest.append(Token("mark", ",", argument[0].mark if argument else macro.mark))
        rest += argument
    values["__VA_ARGS__"] = rest
    return values
