"""`.ci/wording`, which looks for phrases that are not used in documents and sources."""

from __future__ import annotations

import pathlib
import runpy
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROGRAM = ROOT / ".ci" / "wording"
WORDING = runpy.run_path(str(PROGRAM))


def found(text):
    """(line, message) of all complaints about a text, where one phrase is not used."""
    return list(WORDING["complaints"](text, WORDING["phrases"]("old words = new words\n")))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("These are old words.", 1),
        ("\nOld Words.", 2),
        ("These are old\n    words.", 1),
        ("/* These are old\n * words. */", 1),
        ("# These are old\n# words.", 1),
        ("// These are old\n// words.", 1),
        ("> These are old\n> words.", 1),
    ],
)
def test_a_phrase_is_found(text, line):
    """In any case, and across the line breaks of paragraphs and comments."""
    assert [(where, message.lower()) for where, message in found(text)] == [(line, '"old words": write new words')]


@pytest.mark.parametrize("text", ["Bold words.", "Old wordsmiths.", "old-words", "age-old words", "old and new words"])
def test_parts_of_words_are_not_phrases(text):
    assert not found(text)


def test_examples_of_contributing_may_have_phrases():
    """Its section on words shows what not to write; the lines behind it keep their numbers."""
    assert found("# A\n\n## Words\n\nThese are old words.\n\n## Style\n\nold words\n") == [
        (9, '"old words": write new words')
    ]


@pytest.mark.parametrize("line", ["old words", "old words = ", "old words: new words"])
def test_a_line_without_replacement(line):
    with pytest.raises(ValueError, match='expected "phrase = replacement"'):
        WORDING["phrases"](line)


def test_the_list_is_in_order_and_without_repetitions():
    """It is easy to see whether a phrase is listed."""
    lines = [line for line in WORDING["LIST"].read_text("utf-8").splitlines() if line and not line.startswith("#")]
    assert lines == sorted(set(lines))


def test_program(tmp_path):
    """It names file, line and replacement, and its status says whether it has found anything."""
    page, phrase = tmp_path / "page.md", "t" + "hereof"  # in two parts, since this file is read as well
    page.write_text(f"Fine.\nThe end {phrase}.\n")
    done = subprocess.run([sys.executable, PROGRAM, page], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, f'{page}:2: "{phrase}": write of it\n')
    page.write_text("Fine.\n")
    assert subprocess.run([sys.executable, PROGRAM, page]).returncode == 0


def test_tree():
    """Documents and sources have none of the phrases, and are among what is read."""
    names = {str(path.relative_to(ROOT)) for path in WORDING["files"]()}
    assert {"README.md", "docs/numerics.md", "libroi/include/roi.h", "pyroi/nms.py", "tests/test_docs.py"} <= names
    done = subprocess.run([sys.executable, PROGRAM], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
