"""Puts every kept result into `docs/benchmarks.md` and the pages that quote it, between markers.

With `--run`, measures first: each benchmark in a process of its own, one after the other.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

from benchmarks.result import PICTURES, Result, load_results, table

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
README = ROOT / "README.md"
WITH_PICTURE = (ROOT / "docs" / "training.md", ROOT / "docs" / "nano.md")
SUMMARY = "benchmarks"
BENCHMARKS = (
    "startup", "streaming_features", "batching", "linear", "load", "long_session", "redis_hop",
    "redis_latency", "redis_recovery", "redis_memory", "livekit_voice", "livekit_rooms",
    "livekit_echo", "livekit_false_alarms", "telephone", "webrtc", "sockets", "console",
    "console_neighbours", "pipecat", "voices", "engine_host", "gpu", "kernels", "kv_cache_dtype",
    "merging", "packing", "training_features", "soundflow",
)  # fmt: skip


def marked(name: str) -> re.Pattern[str]:
    """Where a result goes. The page's author decides about order and words around it."""
    return re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)


def put(page: str, name: str, text: str) -> str:
    """The page with what stands between the markers of this name replaced.

    :raises ValueError: when the page has no place for it.
    """
    pattern = marked(name)
    if not pattern.search(page):
        raise ValueError(
            f"the page has no place for {name}: add the lines <!-- begin {name} --> and "
            f"<!-- end {name} -->"
        )
    return pattern.sub(lambda found: f"{found[1]}{text}{found[2]}", page)


def summary(results: list[Result]) -> str:
    """The headlines of all results: one table for each machine."""
    lines: list[str] = []
    shown = [result for result in results if result.headlines]
    for hardware in dict.fromkeys(result.hardware for result in shown):
        rows = [
            [what, figure, f"`{result.command}`"]
            for result in shown
            if result.hardware == hardware
            for what, figure in result.headlines.items()
        ]
        lines += [f"{hardware}:", "", *table(["what", "measured", "command"], rows), ""]
    return "\n".join(lines)


def write_pages() -> None:
    """Rewrite the pages from the results that are kept."""
    for path, page in pages(load_results()).items():
        path.write_text(page, encoding="utf-8")


def picture(result: Result) -> str:
    """The line that shows a result's picture, if one was drawn."""
    drawn = (PICTURES / f"{result.name}.png").exists()
    return f"\n![{result.title}](images/{result.name}.png)\n" if drawn else ""


def pages(results: list[Result]) -> dict[Path, str]:
    """The pages with these results. All but the page of benchmarks show a result where they have
    markers for it: the README with its notes, the others with its picture.
    """
    page, readme = (path.read_text(encoding="utf-8") for path in (PAGE, README))
    others = {path: path.read_text(encoding="utf-8") for path in WITH_PICTURE}
    for result in results:
        page = put(page, result.name, result.markdown() + picture(result))
        if marked(result.name).search(readme):
            readme = put(readme, result.name, result.markdown())
        for path in (path for path in others if marked(result.name).search(others[path])):
            rows = "\n".join(table(result.columns, result.rows))
            others[path] = put(others[path], result.name, f"{rows}\n{picture(result)}")
    return {PAGE: page, README: put(readme, SUMMARY, summary(results)), **others}


def run_all() -> list[str]:
    """Names of the benchmarks that failed; their old figures stay."""
    failed = []
    for name in BENCHMARKS:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"]).returncode != 0:
            failed.append(name)
    return failed


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--run", action="store_true", help="measure first (about 50 minutes)")
    arguments = parser.parse_args()
    failed = run_all() if arguments.run else []
    write_pages()
    if failed:
        sys.exit(f"these benchmarks failed, their old figures were kept: {', '.join(failed)}")


if __name__ == "__main__":
    main()
