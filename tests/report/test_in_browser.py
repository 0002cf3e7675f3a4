"""A report as people use it: opened from the disk, in a browser without a network."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gta.report.html import page as page_of

from .planted import NASTY, data_of, planted, scores

pytestmark = pytest.mark.browser
Open = Callable[..., Any]


@pytest.fixture
def open_page(chromium: Any, tmp_path: Path) -> Iterator[Open]:
    """Opens a page's text; what the browser complains of, or asks a network for, is an error."""
    contexts, complaints = [], list[str]()

    def open_it(text: str, *, width: int = 1280, **settings: Any) -> Any:
        file = tmp_path / "report.html"
        file.write_text(text, encoding="utf-8")
        size = {"width": width, "height": 800}
        context = chromium.new_context(viewport=size, offline=True, **settings)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: note(request.url))
        page.goto(file.as_uri())
        page.wait_for_selector("html[data-ready]", state="attached")
        return page

    def note(url: str) -> None:
        if not url.startswith(("file:", "data:", "blob:")):
            complaints.append(url)

    yield open_it
    for context in contexts:
        context.close()
    assert complaints == []


def rows(page: Any) -> list[str]:
    return page.locator("#class-table tbody tr th").all_inner_texts()


def test_twenty_thousand_videos_are_counted_anew_and_used(open_page: Open):
    found = scores(174, 20_000)
    began = time.monotonic()
    page = open_page(page_of("big", data_of(found)))
    print(f"ready after {time.monotonic() - began:.2f} s, the browser's start included")
    tiles = page.locator(".tile").all_inner_texts()
    low, high = found.interval()
    assert tiles[0].startswith(f"{100 * found.top(1):.1f} %")
    assert f"{100 * low:.1f} % to {100 * high:.1f} %" in tiles[0]
    assert tiles[1].startswith(f"{100 * found.top(5):.1f} %")
    assert tiles[2].startswith(f"{100 * found.mean_class():.1f} %")
    assert len(rows(page)) == 174
    page.fill("#filter", "Folding something 43")
    assert "Folding something 43" in rows(page)
    assert len(rows(page)) < 40
    assert page.locator("#class-count").inner_text().endswith("of 174 classes")


def test_the_table_is_sorted_by_its_headings(open_page: Open):
    page = open_page(planted(12, 300, clips=False))
    heading = page.get_by_role("button", name="class", exact=True)
    heading.click()
    names = rows(page)
    assert page.locator("th[aria-sort=ascending]").inner_text().startswith("class")
    heading.press("Enter")  # the focus stays on it
    assert rows(page) == names[::-1]
    assert page.locator("th[aria-sort=descending]").count() == 1


def test_a_cell_of_the_matrix_lists_its_clips_with_pointer_and_keys(open_page: Open):
    found = scores(6, 120, sure=3)
    page = open_page(page_of("x", data_of(found)))
    predicted = found.scores.argmax(1)
    matrix = page.locator("#matrix")
    label, answer = 5, int(predicted[(found.labels == 5) & (predicted != 5)][0])
    matrix.focus()
    for key in ["ArrowDown"] * label + ["ArrowRight"] * answer:
        page.keyboard.press(key)
    of_cell = ((found.labels == label) & (predicted == answer)).nonzero().flatten().tolist()
    videos = int((found.labels == label).sum())
    told = page.locator("#cell").inner_text()
    assert f"{len(of_cell)} of {videos}" in told
    page.keyboard.press("Enter")
    listed = page.locator("#listed .videos li").all_inner_texts()
    assert len(listed) == len(of_cell)
    for index in of_cell:
        assert any(found.ids[index] in text for text in listed)
    own = found.scores[of_cell, label].sort().values
    assert f"own class {100 * own[0]:.1f} %" in listed[0]
    box = matrix.bounding_box()
    page.mouse.click(box["x"] + box["width"] - 5, box["y"] + box["height"] - 30)
    assert "right" in page.locator("#listed > h3").inner_text()
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Whole matrix").click()
    page.locator("#pairs button").first.click()
    assert "taken for" in page.locator("#listed > h3").inner_text()


@pytest.mark.parametrize(("num_classes", "num_videos"), [(1, 3), (1000, 3000), (5, 1)])
def test_few_and_many_classes(open_page: Open, num_classes: int, num_videos: int):
    page = open_page(planted(num_classes, num_videos), width=380)
    assert len(rows(page)) == num_classes
    page.locator("#matrix").focus()
    for key in ("+", "+", "Shift+ArrowRight", "ArrowDown", "Home", "Enter", "-", "-"):
        page.keyboard.press(key)
    assert page.locator("#listed > h3").count() == 1
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 380


def test_names_with_markup_are_names(open_page: Open):
    page = open_page(planted(len(NASTY), 25))
    assert page.evaluate("document.documentElement.dataset.owned") is None
    assert page.locator("script").count() == 6
    shown = [
        re.sub(r"\s+", " ", name) for name in page.locator("#class-table th").all_text_contents()
    ]
    assert re.sub(r"\s+", " ", NASTY[0]) in shown
    assert page.locator("img[src=x]").count() == 0
    assert "\\u202eright to left\\u2028line" in shown  # written out, turning nothing round


def test_all_of_it_has_names_and_can_be_reached_with_keys(open_page: Open):
    page = open_page(planted(8, 100))
    unnamed = page.evaluate(
        """[...document.querySelectorAll('button, select, input, canvas, img, [role=region]')]
        .filter(e => e.checkVisibility() && !(e.getAttribute('aria-label') || e.alt || e.innerText
          || e.labels?.[0]?.innerText || e.closest('[role=img]'))).map(e => e.outerHTML)"""
    )
    assert unnamed == []
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    reached = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert {"filter", "matrix", "play", "zoom-in", "A", "SUMMARY"} <= reached


def test_clips_are_played_and_paused_and_stand_still_where_that_is_asked(open_page: Open):
    page = open_page(planted(8, 100))
    image = page.locator("#cards .player img").first
    running = "e => getComputedStyle(e).animationPlayState"
    assert image.evaluate(running) == "running"
    page.get_by_role("button", name="Pause").click()
    assert image.evaluate(running) == "paused"
    page.get_by_role("button", name="Easiest").click()
    assert "✓ right" in page.locator(".card").first.inner_text()
    still = open_page(planted(8, 100), reduced_motion="reduce")
    name = "e => getComputedStyle(e).animationName"
    assert still.locator("#cards .player img").first.evaluate(name) == "none"


def test_dark_and_light_and_paper(open_page: Open):
    background = "getComputedStyle(document.body).backgroundColor"
    light = open_page(planted(3, 30))
    dark = open_page(planted(3, 30), color_scheme="dark")
    assert light.evaluate(background) == "rgb(251, 251, 250)"
    assert dark.evaluate(background) == "rgb(20, 21, 23)"
    dark.emulate_media(media="print", color_scheme="dark")
    assert dark.evaluate(background) == "rgb(255, 255, 255)"
    assert dark.evaluate("getComputedStyle(document.body).color") == "rgb(28, 29, 31)"
    assert len(light.pdf()) > 50_000


def test_two_runs_are_shown_one_or_the_other(open_page: Open):
    first, second = scores(8, 400, sure=4), scores(8, 400, seed=1, sure=9)
    page = open_page(page_of("two", data_of(first, second)))
    assert page.locator("#runs tbody tr").count() == 2
    before = page.locator("#class-table tbody").inner_text()
    page.locator(".run-select").first.select_option("1")
    assert page.locator("#class-table tbody").inner_text() != before
    assert "gain over planted" in page.locator("#class-table thead").inner_text()
