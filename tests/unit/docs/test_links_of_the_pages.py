"""Every link and every file that a page names is there; every page is reached from the README."""

import re
from pathlib import Path

import pytest

from tests.pages import DOCS, PAGES, ROOT, anchors, links, text

NAMED = re.compile(r"`((?:docs|examples|hack|charts|crds|tests|operator)/[\w./-]+)`")


def test_every_relative_link_and_its_anchor_is_there() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in PAGES
        for target in links(page)
        if not is_there(page, target)
    ]
    assert broken == []


def is_there(page: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    found = (page.parent / path).resolve() if path else page
    if not found.exists():
        return False
    return not anchor or found.suffix != ".md" or anchor in anchors(found)


def test_every_file_of_ours_that_is_named_in_words_is_there() -> None:
    named = {(page.name, found) for page in PAGES for found in NAMED.findall(text(page))}
    assert {(page, name) for page, name in named if not (ROOT / name).exists()} == set()


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    ahead = [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        ahead += [
            found
            for target in links(page)
            if (found := (page.parent / target.partition("#")[0]).resolve()).is_file()
        ]
    lost = {str(p.relative_to(ROOT)) for p in DOCS.rglob("*.md")} - {
        str(p.relative_to(ROOT)) for p in seen if p.is_relative_to(ROOT)
    }
    assert lost == set()


@pytest.mark.parametrize(
    "name",
    [
        *("CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md", "GOVERNANCE.md"),
        *("ROADMAP.md", "CHANGELOG.md"),
    ],
)
def test_what_a_newcomer_looks_for_is_linked_from_the_readme(name: str) -> None:
    assert name in set(links(ROOT / "README.md"))
