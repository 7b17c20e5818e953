"""Tables in Markdown, and the places in documents that a tool writes."""

from pathlib import Path


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def fill(page: Path, tool: str, parts: dict[str, str]) -> None:
    """Writes each part between its marks, `<!-- tool: name -->` and `<!-- tool: end of name -->`."""
    text = page.read_text()
    for name, content in parts.items():
        begin, end = f"<!-- {tool}: {name} -->", f"<!-- {tool}: end of {name} -->"
        head, found, rest = text.partition(begin)
        _, also, tail = rest.partition(end)
        if not (found and also):
            raise SystemExit(f"{page} has no place for {name}: {begin}")
        text = f"{head}{begin}\n\n{content}\n\n{end}{tail}"
    page.write_text(text)
