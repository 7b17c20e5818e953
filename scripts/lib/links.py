"""Whether links in documents lead somewhere, documents that sources name are there, and all pages are listed."""

import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$")
FENCE = re.compile(r"^ *(```|~~~)")
# As comments in sources and texts of the service name a document.
NAMED = re.compile(r"\bdocs/[\w./-]+?\.(?:md|json|svg)(?:#[\w-]+)?")
# What leads to every page.
LISTS = (Path("docs/README.md"), Path("docs/adr/README.md"))
OUTSIDE = ("http://", "https://", "mailto:")


def main() -> int:
    """Prints what is wrong, one line for each link, and says with the exit status whether there is something."""
    files = [Path(name) for name in git_files() if Path(name).is_file()]
    complaints = [complaint for file in files for complaint in (*broken_links(file), *lost_names(file))]
    complaints += unlisted_pages(files)
    print("\n".join(complaints) or f"{len(files)} files have no broken link to a document.")
    return 1 if complaints else 0


def git_files() -> list[str]:
    """All files of the repository, those that are not committed yet included."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], check=True, capture_output=True, text=True
    )
    return sorted(set(listed.stdout.splitlines()))


def broken_links(file: Path) -> list[str]:
    """The links of one Markdown document that lead nowhere."""
    if file.suffix != ".md":
        return []
    return [
        f"{file}:{number}: {link} leads nowhere"
        for number, line in prose(file)
        for link in LINK.findall(line)
        if not link.startswith(OUTSIDE) and not exists(file.parent, link, of=file)
    ]


def lost_names(file: Path) -> list[str]:
    """The documents that one source names from the top of the repository, and that are not there."""
    if file.suffix not in {".rs", ".py", ".sh", ".toml", ""}:
        return []
    lines = enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
    return [
        f"{file}:{number}: {name} is not there"
        for number, line in lines
        for name in NAMED.findall(line)
        if not exists(Path(), name, of=file)
    ]


def unlisted_pages(files: list[Path]) -> list[str]:
    """The pages that the list of documents does not lead to; records of decisions have a list of their own."""
    pages = {file for file in files if file.suffix == ".md" and file.parts[0] == "docs"} - set(LISTS)
    listed = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in LISTS
        for _, line in prose(page)
        for link in LINK.findall(line)
    }
    return [
        f"{page}: neither {' nor '.join(map(str, LISTS))} lists it"
        for page in sorted(pages)
        if page.resolve() not in listed
    ]


def exists(folder: Path, link: str, of: Path) -> bool:
    """Whether the file is there and has the anchor."""
    path, _, anchor = link.partition("#")
    target = folder / path if path else of
    if not target.exists():
        return False
    return not anchor or (target.suffix == ".md" and anchor in anchors(target.resolve()))


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors that GitHub gives the headings of a page."""
    seen: Counter[str] = Counter()
    found = set()
    for _, line in prose(page):
        if heading := HEADING.match(line):
            text = LINK.sub("]", heading[1]).lower()
            slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
            found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
            seen[slug] += 1
    return frozenset(found)


def prose(page: Path) -> list[tuple[int, str]]:
    """The numbered lines of a page that are not code."""
    lines, is_code = [], False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        if FENCE.match(line):
            is_code = not is_code
        elif not is_code:
            lines.append((number, line))
    return lines


if __name__ == "__main__":
    sys.exit(main())
