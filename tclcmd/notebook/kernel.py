"""The kernel: cells are scripts, and what they give is shown as at the prompt."""

from __future__ import annotations

import base64
import re
from typing import Any

from ipykernel.kernelbase import Kernel

import pyroi
from tclcmd.display import summary
from tclcmd.interpreter import Interpreter, Outcome, is_complete
from tclcmd.language import help, lookup, syntax
from tclcmd.notebook.output import Capture
from tclcmd.shell import prompt
from tclcmd.shell.complete import Candidate, Completer
from tclcmd.shell.source import Source

#: A name at the cursor: what is left of it, and what is right of it.
BEFORE, AFTER = re.compile(r"\$?[\w:]*$"), re.compile(r"[\w:]*")

INDENT = "    "


class RoishKernel(Kernel):
    """An interpreter of Tcl with the commands, behind Jupyter's protocol."""

    implementation = "roish"
    implementation_version = pyroi.__version__
    banner = f"roish {pyroi.__version__}: Tcl with the commands of torch::"

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._interpreter = Interpreter()
        self._interpreter.set_at_prompt()
        self._interpreter.set_global("tcl_interactive", "1")
        for name, value in (("argv0", "roish"), ("argc", "0"), ("argv", "")):
            self._interpreter.set_global(name, value)
        for channel in ("stdout", "stderr"):  # lines are seen when they are written, not when the cell ends
            self._interpreter.eval(f"fconfigure {channel} -buffering line")
        self._interpreter.session.display = self._display
        self._completer = Completer(self._interpreter)
        self._source = Source("cell")
        self._capture = Capture(self._write)
        self._parent: Any = None  # the request that the messages now belong to
        self.language_info = {
            "name": "tcl",
            "version": self._interpreter.get_global("tcl_patchLevel"),
            "mimetype": "text/x-tcl",
            "file_extension": ".tcl",
            "pygments_lexer": "tcl",
            "codemirror_mode": "tcl",
        }

    # ---- Running ----

    def do_execute(self, code: str, silent: bool, *_: Any, **__: Any) -> dict[str, Any]:
        """Runs a cell."""
        self._parent = self.get_parent()
        self._source.begin(1, code)
        try:
            with self._capture:
                answer = prompt.answer(self._interpreter, code, self._source)
                self._interpreter.write("")  # Tcl's buffered output
        except KeyboardInterrupt:  # between two evaluations
            answer = prompt.Answer(Outcome(False, True), prompt.INTERRUPTED, "")
        if not answer.outcome.is_complete:
            return self._fail(answer)
        if not silent:
            self._show(answer)
        return {"status": "ok", "execution_count": self.execution_count, "payload": [], "user_expressions": {}}

    def _show(self, answer: prompt.Answer) -> None:
        if answer.text:
            content = {
                "execution_count": self.execution_count,
                "data": {"text/plain": answer.text.removesuffix("\n")},
                "metadata": {},
            }
            self._send("execute_result", content)
        if answer.timing:
            self._write("stdout", answer.timing)

    def _fail(self, answer: prompt.Answer) -> dict[str, Any]:
        code = "INTERRUPTED" if answer.outcome.was_interrupted else self._interpreter.get_global("errorCode") or ""
        lines = answer.text.removesuffix("\n").split("\n")
        content = {"ename": code, "evalue": lines[0], "traceback": lines}
        self._send("error", content)
        return {"status": "error", "execution_count": self.execution_count, **content}

    # ---- Showing ----

    def _send(self, kind: str, content: dict[str, Any]) -> None:
        """Sends a message that belongs to the running cell, from any thread."""
        self.session.send(self.iopub_socket, kind, content, parent=self._parent, ident=self._topic(kind))

    def _write(self, stream: str, text: str) -> None:
        self._send("stream", {"name": stream, "text": text})

    def _display(self, png: bytes) -> None:
        """Shows a picture below the earlier output."""
        self._interpreter.write("")
        self._capture.catch_up()
        data = {"image/png": base64.b64encode(png).decode(), "text/plain": "a picture"}
        self._send("display_data", {"data": data, "metadata": {}})

    # ---- Editing ----

    def do_complete(self, code: str, cursor_pos: int) -> dict[str, Any]:
        """What can stand at the cursor, as at the prompt."""
        found = self._completer.candidates(code[:cursor_pos])
        length = found[0].length if found else 0
        alike = [candidate for candidate in found if candidate.length == length]
        start = cursor_pos - length
        return {
            "status": "ok",
            "matches": [candidate.text for candidate in alike],
            "cursor_start": start,
            "cursor_end": cursor_pos,
            "metadata": {"_jupyter_types_experimental": [_described(each, start, cursor_pos) for each in alike]},
        }

    def do_inspect(self, code: str, cursor_pos: int, *_: Any, **__: Any) -> dict[str, Any]:
        """The help of the command around the cursor, or the tensor that the variable at the cursor holds."""
        end = cursor_pos + len(AFTER.match(code, cursor_pos).group())  # type: ignore[union-attr]
        text = self._about(code[:end])
        return {"status": "ok", "found": bool(text), "data": {"text/plain": text} if text else {}, "metadata": {}}

    def _about(self, before: str) -> str:
        name = BEFORE.search(before).group()  # type: ignore[union-attr]
        if name.startswith("$"):
            array = self._interpreter.tensor_in(name[1:])
            return f"{name}: {summary.described(array)}" if array is not None else ""
        written = syntax.unfinished(before)
        called = written.words[0].text if written and written.words else ""
        row = lookup.find(called) if called else None
        return help.help_text(row) if row else ""

    def do_is_complete(self, code: str) -> dict[str, Any]:
        """Whether all braces, brackets and quotes are closed, for consoles."""
        if is_complete(code):
            return {"status": "complete"}
        return {"status": "incomplete", "indent": INDENT * syntax.depth(code)}


def _described(candidate: Candidate, start: int, end: int) -> dict[str, Any]:
    """A completion as JupyterLab shows it, with its note."""
    return {"start": start, "end": end, "text": candidate.text, "type": "", "signature": candidate.note}
