"""The pages of the project as every test that holds them to their word finds them.

It reads Markdown as far as our pages use it: headings, links, fenced blocks. A new page is found by
itself.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
DOCS: Final = ROOT / "docs"
PAGES: Final = (
    *sorted(ROOT.glob("*.md")),
    *sorted(DOCS.rglob("*.md")),
    ROOT / "charts" / "goaround" / "README.md",
    ROOT / "examples" / "demo" / "README.md",
)
FENCE: Final = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```\s*$", re.DOTALL | re.MULTILINE)
HEADING: Final = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
LINK: Final = re.compile(r"\]\(([^()\s]+)\)")
HEREDOC: Final = re.compile(r"<<'?(\w+)'?")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: where it stands, its language, its text."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True, slots=True)
class Command:
    """One command line of a block, without its prompt, continuation lines joined."""

    block: Block
    line: str

    @property
    def words(self) -> list[str]:
        """As a shell splits them; a comment behind it, what it is piped into, and what follows
        `&&`, left out."""
        found = shlex.split(HEREDOC.sub(" ", self.line), comments=True)
        ends = [n for n, word in enumerate(found) if word in {"|", "&&", ">", ";", "&"}]
        return found[: min(ends, default=len(found))]

    def __str__(self) -> str:
        return f"{self.block}: {self.line}"


@cache
def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    """The page without code: blocks and words between backticks."""
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", text(page)))


@cache
def anchors(page: Path) -> frozenset[str]:
    """What headings can be linked by, as forges make it: repeated ones get a number."""
    found: list[str] = []
    for heading in HEADING.findall(FENCE.sub("", text(page))):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        name = "".join(c for c in plain.replace(" ", "-") if c.isalnum() or c in "-_")
        times = sum(1 for known in found if re.fullmatch(re.escape(name) + r"(-\d+)?", known))
        found.append(f"{name}-{times}" if name in found else name)
    return frozenset(found)


def links(page: Path) -> Iterator[str]:
    """Every relative target; addresses of others are not followed."""
    for target in LINK.findall(re.sub(r"(?<!\[)`[^`\n]*`(?!\])", "", FENCE.sub("", text(page)))):
        if "://" not in target and not target.startswith("mailto:"):
            yield target


def blocks(*languages: str) -> Iterator[Block]:
    for page in PAGES:
        for found in FENCE.finditer(text(page)):
            if found[1] in languages:
                line = text(page).count("\n", 0, found.start()) + 1
                yield Block(page, line, found[1], found[2])


@cache
def commands(program: str) -> tuple[Command, ...]:
    """Every command line in fenced blocks that runs `program`, whatever path it has before it."""
    found = (Command(block, line) for block in blocks("console", "sh") for line in _lines(block))
    return tuple(c for c in found if c.words and c.words[0].rpartition("/")[2] == program)


def inline(*beginnings: str) -> Iterator[tuple[Path, list[str]]]:
    """Commands between backticks that begin so, by page, without what is left out by `…`."""
    for page in PAGES:
        for found in re.findall(r"`([^`]+)`", FENCE.sub("", text(page))):
            if found.startswith(beginnings) and "…" not in found:
                yield page, shlex.split(found)


def _lines(block: Block) -> Iterator[str]:
    """Command lines; output of commands, here-documents and comments are none."""
    joined = re.sub(r" *\\\n *", " ", block.text).splitlines()
    until = None
    for line in joined:
        if until is not None:
            until = None if line.strip() == until else until
            continue
        prompted = line.startswith("$ ")
        if prompted != (block.language == "console") or not line.removeprefix("$ ").strip():
            continue
        if (found := HEREDOC.search(line)) is not None:
            until = found[1]
        yield line.removeprefix("$ ")
