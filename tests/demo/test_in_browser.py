"""The demo as people use it, in a browser."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import Running

pytestmark = pytest.mark.browser


@pytest.fixture
def pages(chromium: Any, running: Running) -> Iterator[Any]:
    """Opens the demo as another client; complaints of the browser are errors."""
    contexts, complaints = [], list[str]()

    def open_it(width: int = 1280, **settings: Any) -> Any:
        context = chromium.new_context(viewport={"width": width, "height": 800}, **settings)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(running.address)
        page.wait_for_selector("html[data-ready]", state="attached")
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert complaints == []


def until(page: Any, check: Callable[[], bool], seconds: float = 60) -> None:
    """Waits until something holds; the page's policy lets playwright's own way not run."""
    over = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < over, page.locator("#problem").inner_text()
        page.wait_for_timeout(50)


def text(page: Any, name: str) -> str:
    return page.locator(f"#{name}").inner_text()


def upload(page: Any, video: Path) -> None:
    page.set_input_files("#file", video)
    until(page, lambda: text(page, "status").startswith(f"{video.name}: "))


def pixels(page: Any) -> str:
    return page.locator("#stage").evaluate("e => e.toDataURL()")


def query(page: Any) -> tuple[int, int, int]:
    x, y, frame = re.findall(r"\d+", text(page, "query"))
    return int(x), int(y), int(frame)


def test_upload_scrub_and_click(pages: Any, running: Running):
    page = pages()
    upload(page, running.videos[0])
    assert page.locator("#top li").count() == 4
    shares = [float(text.split(" ")[0]) for text in page.locator("#top b").all_inner_texts()]
    assert sum(shares) == pytest.approx(100, abs=0.3)
    first = pixels(page)
    page.locator("#frame").fill("3")
    assert page.locator("#frame-number").inner_text() == "4 of 4"
    assert pixels(page) != first
    page.locator("#stage").click(position={"x": 30, "y": 60})
    until(page, lambda: "frame 3" in text(page, "query"))
    x, y, _ = query(page)
    side = page.locator("#stage").bounding_box()["width"]
    assert (x, y) == pytest.approx((30 * 32 / side, 60 * 32 / side), abs=1)
    before = pixels(page)
    page.select_option("#kind", index=1)
    until(page, lambda: pixels(page) != before)
    assert running.stored() == []


def test_with_keys_alone(pages: Any, running: Running):
    page = pages()
    page.locator("#pick").focus()
    page.keyboard.press("ArrowDown")  # the first of the run's videos
    page.wait_for_selector("#seen:not([hidden])")
    until(page, lambda: text(page, "query") != "")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "stage":
            break
    x = query(page)[0]
    page.keyboard.press("ArrowLeft" if x > 8 else "ArrowRight")
    until(page, lambda: query(page)[0] != x)
    before = page.locator("#frame").input_value()
    page.keyboard.press(".")
    assert page.locator("#frame").input_value() != before


def test_a_broken_file_is_told_and_the_next_one_is_shown(
    pages: Any, running: Running, tmp_path: Path
):
    page, broken = pages(), tmp_path / "<img src=x onerror=alert(1)>.mp4"
    broken.write_bytes(b"no video")
    page.set_input_files("#file", broken)
    until(page, lambda: text(page, "problem") != "")
    assert page.locator("#problem").inner_text().startswith("this cannot be read as a video")
    assert page.locator("img").count() == 0
    upload(page, running.videos[1])
    assert page.locator("#problem").inner_text() == ""


def test_two_clients_see_their_own_clips(pages: Any, running: Running):
    one, other = pages(), pages()
    upload(one, running.videos[0])
    upload(other, running.videos[-1])
    one.locator("#frame").fill("1")
    other.locator("#frame").fill("1")
    before, of_other = pixels(one), pixels(other)
    assert before != of_other
    asked = text(other, "query")
    other.locator("#stage").click(position={"x": 50, "y": 50})
    until(other, lambda: text(other, "query") != asked)
    one.locator("#frame").fill("0")
    one.locator("#frame").fill("1")
    assert pixels(one) == before
    assert pixels(other) != of_other


def test_the_camera(pages: Any, running: Running):
    page = pages(permissions=["camera"])
    page.get_by_role("button", name="Use the camera").click()
    until(page, lambda: text(page, "status").startswith("the camera: "))
    assert page.locator("#live").is_visible()
    assert page.locator("#top li").count() == 4
    page.get_by_role("button", name="Stop the camera").click()
    assert page.locator("#live").is_hidden()
    until(page, lambda: text(page, "status").startswith("the camera: "))
    assert running.stored() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_and_with_names_for_a_screen_reader(pages: Any, running: Running, scheme: str):
    page = pages(380, color_scheme=scheme)
    upload(page, running.videos[0])
    assert page.evaluate("document.documentElement.scrollWidth") <= 380
    unnamed = page.evaluate(
        """[...document.querySelectorAll('button, select, input, canvas, video')]
        .filter(e => e.checkVisibility() && !(e.getAttribute('aria-label') || e.innerText
          || e.labels?.[0]?.innerText || e.closest('[role=img]'))).map(e => e.outerHTML)"""
    )
    assert unnamed == []
    assert page.get_by_role("slider", name="Frame of the clip").is_visible()
    assert page.get_by_role("status").first.is_visible()
