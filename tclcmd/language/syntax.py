"""The words of a Tcl script, as far as they can be found without running it: for colours, completion, error reports.

Tcl has no grammar beyond words; each command decides which of its words are scripts. The commands of Tcl that take
scripts are listed here; words in braces of all other commands are data.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

OPTION = re.compile(r"-[A-Za-z]\w*")
NUMBER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)")
VARIABLE = re.compile(r"\$(?:\{[^}]*\}?|(?:\w|::)+)")
IN_DATA = re.compile(rf"\\.|[{{}}]|(?<![\w.]){NUMBER.pattern}(?![\w.])", re.DOTALL)
IN_EXPRESSION = re.compile(rf"\\.|[{{}}()]|(?<![\w.$]){NUMBER.pattern}", re.DOTALL)
SPACES = re.compile(r"(?:[ \t\v\f\r]|\\\n)+")

#: Command -> the indices of its words that are scripts; the command itself is word 0.
SCRIPTS = {
    "after": range(2, 99),
    "catch": range(1, 2),
    "eval": range(1, 99),
    "for": (1, 3, 4),
    "foreach": range(3, 99, 2),
    "lmap": range(3, 99, 2),
    "namespace": range(3, 99),
    "proc": range(3, 4),
    "time": range(1, 2),
    "try": range(1, 2),
    "uplevel": range(1, 99),
    "while": (2,),
}

#: Command -> the indices of its words that are expressions.
EXPRESSIONS = {"expr": range(1, 99), "for": (2,), "while": (1,)}


@dataclass
class Word:
    """A word of the source, text[start:end]."""

    start: int
    end: int
    text: str


@dataclass
class Written:
    """A command of the source."""

    start: int
    words: list[Word] = field(default_factory=list)
    end: int = 0


@dataclass(frozen=True)
class Token:
    """A piece of text to be coloured: comment, command, option, number, variable, string, brace."""

    start: int
    end: int
    kind: str


def tokens(text: str) -> list[Token]:
    """All tokens, in the order of the text; a string precedes the tokens within it."""
    return sorted(_Scanner(text).scan().tokens, key=lambda token: (token.start, -token.end))


def commands(text: str) -> list[Written]:
    """All commands of a script, also those in brackets and bodies, in the order of their beginnings."""
    return _Scanner(text).scan().commands


def unfinished(text: str) -> Written | None:
    """The innermost command that is being typed at the end of the text; None in a comment.

    Its last word is incomplete if it ends where the text does.
    """
    return _Scanner(text).scan().innermost


def depth(text: str) -> int:
    """The number of braces and brackets that are open at the end of the text; 0 within a quoted word.

    Spaces within quotes belong to the word, so that nothing is indented there.
    """
    return _Scanner(text).scan().depth


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.end = len(text)  # of the current region: a script in braces ends with them
        self.tokens: list[Token] = []
        self.commands: list[Written] = []
        self.innermost: Written | None = None
        self.depth = 0  # the number of braces and brackets that are open
        self._is_comment_open = False

    def scan(self) -> _Scanner:
        self._script("")
        return self

    def _mark(self, start: int, kind: str) -> None:
        self.tokens.append(Token(start, self.at, kind))

    def _peek(self) -> str:
        return self.text[self.at] if self.at < self.end else ""

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        found = pattern.match(self.text, self.at, self.end)
        if found:
            self.at = found.end()
        return bool(found)

    # ---- Commands ----

    def _script(self, closer: str) -> None:
        """Scans up to the closer, which is not consumed, or to the end."""
        last = None
        while self.at < self.end and self._peek() != closer:
            if self._peek() in "\n;":
                last = None
                self.at += 1
            elif self._peek() == "#":
                self._comment()
            elif not self._skip(SPACES):
                last = self._command(closer)
        if self.at == len(self.text) and self.innermost is None and not self._is_comment_open:
            self.innermost = last or Written(self.at, [], self.at)

    def _comment(self) -> None:
        start = self.at
        while self.at < self.end and self._peek() != "\n":
            self.at += 2 if self._peek() == "\\" else 1
        self.at = min(self.at, self.end)
        self._is_comment_open = self.at == len(self.text)
        self._mark(start, "comment")

    def _command(self, closer: str) -> Written:
        command = Written(self.at)
        self.commands.append(command)
        while self.at < self.end and self._peek() not in ("\n", ";", closer):
            if not self._skip(SPACES):
                self._word(command, closer)
        command.end = self.at
        return command

    # ---- Words ----

    def _word(self, command: Written, closer: str) -> None:
        start = self.at
        if self.text.startswith("{*}", self.at) and not self.text[self.at + 3 : self.at + 4].isspace():
            self.at = min(self.at + 3, self.end)
            self._mark(start, "brace")
        if self._peek() == "{":
            self._braced(_role([word.text for word in command.words]))
        elif self._peek() == '"':
            self._quoted()
        self._bare(closer, start)
        word = Word(start, self.at, self.text[start : self.at])
        if not command.words:
            self._mark(start, "command")
        elif OPTION.fullmatch(word.text):
            self._mark(start, "option")
        elif NUMBER.fullmatch(word.text):
            self._mark(start, "number")
        command.words.append(word)

    def _bare(self, closer: str, start: int) -> None:
        while self.at < self.end and self._peek() not in (*" \t\v\f\r\n;", closer):
            if self.text.startswith("\\\n", self.at):
                break
            self._character()
        self.at = max(self.at, min(start + 1, self.end))

    def _character(self) -> None:
        """One character, or the substitution that it begins."""
        start = self.at
        if self._peek() == "\\":
            self.at = min(self.at + 2, self.end)
        elif self._peek() == "[":
            self._bracket()
        elif self._skip(VARIABLE):
            self._mark(start, "variable")
        else:
            self.at += 1

    def _bracket(self) -> None:
        around = self.depth
        self.at += 1
        self.depth += 1
        self._mark(self.at - 1, "brace")
        self._script("]")
        if self._peek() == "]":
            self.at += 1
            self.depth = around
            self._mark(self.at - 1, "brace")

    def _quoted(self) -> None:
        start, around = self.at, self.depth
        self.at += 1
        while self.at < self.end and self._peek() != '"':
            self._character()
        if self.at == len(self.text) and self.depth == around:
            self.depth = 0
        self.at = min(self.at + 1, self.end)
        self._mark(start, "string")

    # ---- Braces ----

    def _braced(self, role: str) -> None:
        whole, self.end = self.end, self._closing_brace()
        is_closed, around = self.end < whole, self.depth
        self.at += 1
        self.depth += 1
        self._mark(self.at - 1, "brace")
        if role == "script":
            self._script("")
        else:
            self._expression() if role == "expression" else self._data()
        self.at, self.end = self.end, whole
        if is_closed:
            self.at += 1
            self.depth = around
            self._mark(self.at - 1, "brace")

    def _closing_brace(self) -> int:
        """The position of the matching brace; the end if there is none."""
        depth, at = 0, self.at
        while at < self.end:
            depth += {"{": 1, "}": -1}.get(self.text[at], 0)
            if depth == 0:
                return at
            at += 2 if self.text[at] == "\\" else 1
        return self.end

    def _data(self) -> None:
        for found in IN_DATA.finditer(self.text, self.at, self.end):
            if found.group().startswith("\\"):
                continue
            kind = "brace" if found.group() in "{}" else "number"
            self.depth += {"{": 1, "}": -1}.get(found.group(), 0)
            self.tokens.append(Token(found.start(), found.end(), kind))

    def _expression(self) -> None:
        while self.at < self.end:
            start = self.at
            if self._peek() == '"':
                self._quoted()
            elif self._skip(IN_EXPRESSION):
                self.depth += {"{": 1, "}": -1}.get(self.text[start], 0)
                self._mark(start, "brace" if self.text[start] in "{}()" else "number")
            else:
                self._character()


def _role(before: list[str]) -> str:
    """The role of a braced word, by the words before it: script, expression or data."""
    if not before:
        return "data"
    name, index = before[0].removeprefix("::"), len(before)
    if name == "if":
        return "expression" if index == 1 or before[-1] == "elseif" else "script"
    if name == "try" and (before[-1] == "finally" or before[-3:-2] in (["on"], ["trap"])):
        return "script"
    if name == "dict":
        return "script" if before[1:2] in (["for"], ["map"]) and index == 4 else "data"
    if index in EXPRESSIONS.get(name, ()):
        return "expression"
    return "script" if index in SCRIPTS.get(name, ()) else "data"
