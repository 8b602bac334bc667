"""The prompt with colours, completion and editing over several lines, by prompt_toolkit."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import CompleteEvent, Completion, get_common_complete_suffix
from prompt_toolkit.completion import Completer as ToolkitCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.eventloop.inputhook import InputHookContext
from prompt_toolkit.filters import Condition, has_completions, has_focus
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import History
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.styles import Style

from tclcmd.display import terminal
from tclcmd.interpreter import Interpreter, is_complete
from tclcmd.language import syntax
from tclcmd.shell.complete import Completer
from tclcmd.shell.editor import CONTINUATION, PROMPT
from tclcmd.shell.history import HistoryFile

INDENT = 4

#: Colours that are readable on black and on white.
STYLE = Style.from_dict(
    {
        "prompt": "bold",
        "comment": "ansibrightblack italic",
        "command": "ansiblue bold",
        "option": "ansicyan",
        "number": "ansimagenta",
        "variable": "ansigreen",
        "string": "ansiyellow",
        "brace": "",
    }
)


class RichEditor:
    """Reads commands at a terminal."""

    def __init__(self, interpreter: Interpreter, edit_mode: str) -> None:
        self._interpreter = interpreter
        self._session: PromptSession[str] = PromptSession(
            [("class:prompt", PROMPT)],
            completer=_Completions(interpreter),
            lexer=_Colours(),
            history=_History(),
            auto_suggest=AutoSuggestFromHistory(),
            style=STYLE,
            key_bindings=_keys(),
            multiline=True,
            prompt_continuation=[("class:prompt", CONTINUATION)],
            complete_while_typing=True,
            editing_mode=EditingMode.VI if edit_mode == "vi" else EditingMode.EMACS,
            enable_suspend=True,
            enable_open_in_editor=True,
            tempfile_suffix=".tcl",
            include_default_pygments_style=False,
            reserve_space_for_menu=terminal.MENU_LINES,
        )

    def ask(self) -> str | None:
        """One complete command; None at the end of the input. Ctrl-C discards the typed text."""
        self._begin_line()
        while True:
            try:
                return self._session.prompt(inputhook=self._serve_events)
            except KeyboardInterrupt:
                continue
            except EOFError:
                return None

    def _serve_events(self, waiting: InputHookContext) -> None:
        """Called while the prompt waits for keys; returns at the next key."""
        self._interpreter.serve_until_readable(waiting.fileno())

    def _begin_line(self) -> None:
        """Begins a new line if the output of a command has left the cursor within one.

        The position of the cursor is unknown, but one space less than the width of the terminal moves it to the next
        line unless it is in the first column.
        """
        output = self._session.output
        output.write_raw(" " * (output.get_size().columns - 1) + "\r")
        output.erase_end_of_line()
        output.flush()


# ---- Colours ---------------------------------------------------------------------------------------------------------


class _Colours(Lexer):
    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        styles = _styles(document.text)
        starts = [0]
        for line in document.lines:
            starts.append(starts[-1] + len(line) + 1)

        def get_line(number: int) -> StyleAndTextTuples:
            if number >= len(document.lines):
                return []
            start = starts[number]
            return [(styles[start + i], character) for i, character in enumerate(document.lines[number])]

        return get_line


def _styles(text: str) -> list[str]:
    """The style of each character: that of the innermost token around it."""
    styles = [""] * len(text)
    for token in syntax.tokens(text):
        styles[token.start : token.end] = [f"class:{token.kind}"] * (token.end - token.start)
    return styles


# ---- Completion ------------------------------------------------------------------------------------------------------


class _Completions(ToolkitCompleter):
    """The completions for the menu. Without Tab, it opens only for options, variables and commands of ours."""

    def __init__(self, interpreter: Interpreter) -> None:
        self._completer = Completer(interpreter)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        before = document.text_before_cursor
        if not complete_event.completion_requested and not _is_worth_a_menu(before):
            return
        for found in self._completer.candidates(before):
            yield Completion(
                found.text, -found.length, display=found.label or found.text, display_meta=found.note or None
            )


def _is_worth_a_menu(before: str) -> bool:
    word = before[max(before.rfind(mark) for mark in ' \n[{"') + 1 :]
    return word.startswith(("-", "$", "torch::", "::torch::")) and len(word) > 0


# ---- History ---------------------------------------------------------------------------------------------------------


class _History(History):
    def __init__(self) -> None:
        super().__init__()
        self._file = HistoryFile()

    def load_history_strings(self) -> Iterable[str]:
        return reversed(self._file.load())

    def store_string(self, string: str) -> None:
        self._file.append(string)


# ---- Keys ------------------------------------------------------------------------------------------------------------


def _keys() -> KeyBindings:
    keys = KeyBindings()
    keys.add("enter", filter=has_focus("DEFAULT_BUFFER"))(_enter)
    keys.add("tab")(_tab)
    keys.add("escape", "enter")(_new_line)
    keys.add("}", filter=Condition(_is_only_indented))(_closing_brace)
    keys.add("escape", filter=has_completions, eager=True)(_close_menu)
    return keys


def _enter(event: KeyPressEvent) -> None:
    """Accepts the selected completion; otherwise runs a complete command; otherwise begins a new line."""
    buffer = event.current_buffer
    if buffer.complete_state and buffer.complete_state.current_completion:
        buffer.complete_state = None
    elif is_complete(buffer.text + "\n"):
        buffer.validate_and_handle()
    else:
        _new_line(event)


def _tab(event: KeyPressEvent) -> None:
    """Selects the next completion of an open menu; else inserts the common prefix, and opens the menu.

    Completions are computed here, since the menu that opens during typing may be late for a quick Tab.
    """
    buffer = event.current_buffer
    if buffer.complete_state and len(buffer.complete_state.completions) > 1:
        buffer.complete_next()
        return
    found = list(buffer.completer.get_completions(buffer.document, CompleteEvent(completion_requested=True)))
    if len(found) == 1:
        buffer.apply_completion(found[0])
        return
    buffer.insert_text(get_common_complete_suffix(buffer.document, found))
    buffer.start_completion()


def _new_line(event: KeyPressEvent) -> None:
    buffer = event.current_buffer
    buffer.insert_text("\n" + " " * syntax.depth(buffer.document.text_before_cursor) * INDENT)


def _is_only_indented() -> bool:
    from prompt_toolkit.application import get_app

    before = get_app().current_buffer.document.current_line_before_cursor
    return bool(before) and before.isspace()


def _closing_brace(event: KeyPressEvent) -> None:
    """Inserts a brace at the indentation of the command that it closes."""
    buffer = event.current_buffer
    buffer.delete_before_cursor(min(INDENT, len(buffer.document.current_line_before_cursor)))
    buffer.insert_text("}")


def _close_menu(event: KeyPressEvent) -> None:
    event.current_buffer.cancel_completion()
