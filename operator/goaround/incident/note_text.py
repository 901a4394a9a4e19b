"""A note as Markdown, HTML and JSON.

Decides form only. Texts were written by people and by metrics: in HTML and Markdown none of them
can become markup, and what moves a cursor is replaced.
"""

import html
import json
import re
from collections.abc import Iterator

from goaround.api.base import Json
from goaround.incident.board import plain
from goaround.incident.note_page import Page, Section

MARKS = re.compile(r"([\\`*_\[\]<>|~#!])")
STYLE = """
body { font: 15px/1.5 sans-serif; max-width: 54em; margin: 2em auto; padding: 0 1em; }
th { text-align: left; vertical-align: top; padding-right: 1em; white-space: nowrap; }
td { vertical-align: top; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; }
"""


def as_markdown(page: Page) -> str:
    """Tables of two columns; readable as it is."""
    lines = [f"# {_md(page.title)}", "", f"Incident {_md(page.namespace)}/{_md(page.incident)}", ""]
    for section in page.sections:
        lines += [f"## {_md(section.title)}", "", *_section(section)]
    return "\n".join(lines).rstrip() + "\n"


def _section(section: Section) -> Iterator[str]:
    for text in section.paragraphs:
        yield from (_md(text), "")
    if section.rows:
        yield from ("| | |", "|---|---|")
        yield from (f"| {_md(name)} | {_md(text)} |" for name, text in section.rows)
        yield ""
    if section.lines:
        yield from (f"- {_md(line)}" for line in section.lines)
        yield ""


def _md(text: str) -> str:
    return MARKS.sub(r"\\\1", plain(text))


def as_html(page: Page) -> str:
    """One document: no script, no address, nothing to load."""
    title = html.escape(plain(page.title))
    where = html.escape(plain(f"{page.namespace}/{page.incident}"))
    body = "\n".join(line for section in page.sections for line in _block(section))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        f"<style>{STYLE}</style></head>\n<body><h1>{title}</h1>\n<p>Incident {where}</p>\n"
        f"{body}\n</body></html>\n"
    )


def _block(section: Section) -> Iterator[str]:
    yield f"<h2>{_safe(section.title)}</h2>"
    yield from (f"<p>{_safe(text)}</p>" for text in section.paragraphs)
    if section.rows:
        yield "<table>"
        for name, text in section.rows:
            yield f"<tr><th>{_safe(name)}</th><td>{_safe(text)}</td></tr>"
        yield "</table>"
    if section.lines:
        yield "<pre>" + "\n".join(map(_safe, section.lines)) + "</pre>"


def _safe(text: str) -> str:
    return html.escape(plain(text))


def as_json(page: Page) -> str:
    """Every section under its key; texts as they were said."""
    told: Json = {"incident": page.incident, "namespace": page.namespace, "title": page.title}
    for section in page.sections:
        told[section.key] = _plain(section)
    return json.dumps(told | {"aiid": dict(page.aiid)}, indent=2, ensure_ascii=False) + "\n"


def _plain(section: Section) -> object:
    if section.lines:
        return {"about": list(section.paragraphs), "entries": list(section.lines)}
    if section.rows:
        return dict(section.rows)
    return " ".join(section.paragraphs)
