"""The report in a real browser, and its graph in the real Graphviz.

axe-core is fetched once, into the cache, in a wheel of PyPI that has it: its
licence (MPL-2.0) is not this project's, and it is only needed here.
"""

from __future__ import annotations

import os
import subprocess
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterator

import pytest
from conftest import ROOT, TOOL

from qemu_machines.outputs.report.font_widths import width

if TYPE_CHECKING:
    from selenium import webdriver

pytestmark = pytest.mark.browser

CACHE = Path(
    os.environ.get("QEMU_MACHINES_CACHE")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dh-qemu-machines"
)
AXE = "axe-playwright-python==0.1.8"
EXAMPLES = ("ubuntu-noble", "ubuntu-resolute")
# What a browser would ask the network for at every start.
QUIET = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-default-apps", "--hide-scrollbars",
)  # fmt: skip


@pytest.fixture(scope="module")
def axe() -> str:
    place = CACHE / "axe" / AXE / "axe.min.js"
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        command = ["/usr/bin/python3", "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(place.parent), AXE]
        subprocess.run(command, check=True)
        (wheel,) = place.parent.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            place.write_bytes(archive.read("axe_playwright_python/axe.min.js"))
    return place.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[webdriver.Chrome]":
    # Not above: where these tests are left out, selenium need not be there.
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    for argument in (*QUIET, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    yield driver
    driver.quit()


@pytest.fixture(params=EXAMPLES)
def page(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file = tmp_path / "report.html"
    done = subprocess.run([TOOL, "report", "--format", "html"], cwd=ROOT / "examples" / request.param, stdout=subprocess.PIPE, check=True)
    file.write_bytes(done.stdout)
    return file


def shown(browser: "webdriver.Chrome", page: Path, wide: int, scheme: str) -> None:
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": wide, "height": 900, "deviceScaleFactor": 1, "mobile": False})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    browser.get(page.as_uri())


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("wide", [1280, 390])
def test_axe_has_nothing_serious_to_say(browser: "webdriver.Chrome", page: Path, axe: str, wide: int, scheme: str) -> None:
    shown(browser, page, wide, scheme)
    browser.execute_script(axe)
    found: dict[str, Any] = browser.execute_async_script("axe.run().then(arguments[arguments.length - 1])")
    assert found["passes"], "axe has looked at nothing"
    told = [(one["impact"], one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found["violations"]]
    assert [one for one in told if one[0] in ("serious", "critical")] == []
    print(f"axe-core {found['testEngine']['version']}: {len(found['passes'])} rules passed, {len(told)} lesser findings: {told}")
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("wide", [1280, 390])
def test_the_page_is_not_wider_than_the_window(browser: "webdriver.Chrome", page: Path, wide: int) -> None:
    shown(browser, page, wide, "light")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= wide


def test_texts_are_no_wider_than_the_layout_takes_them_for(browser: "webdriver.Chrome", page: Path) -> None:
    shown(browser, page, 1280, "light")
    drawn = browser.execute_script(
        "return [...document.querySelectorAll('svg text')].map(text => {"
        " const box = text.getBBox();"
        " return [text.textContent, parseFloat(text.getAttribute('font-size')), box.width, box.x, box.y, box.height]; })"
    )
    assert len(drawn) > 150
    for words, size, wide, *_ in drawn:
        assert wide <= width(words, size) + 0.01, words
    # And as they are really drawn, no two overlap.
    for number, (words, _, wide, x, y, high) in enumerate(drawn):
        for other, _, wide2, x2, y2, high2 in drawn[number + 1 :]:
            apart = x + wide <= x2 or x2 + wide2 <= x or y + high <= y2 + 2 or y2 + high2 <= y + 2
            assert apart, (words, other)


def test_it_can_be_printed_and_used_by_keyboard(browser: "webdriver.Chrome", page: Path) -> None:
    shown(browser, page, 1280, "light")
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    assert len(printed["data"]) > 10_000
    regions = browser.execute_script("return [...document.querySelectorAll('.scroll')].map(one => [one.tabIndex, one.getAttribute('aria-label')])")
    assert regions and all(index == 0 and label for index, label in regions)


@pytest.mark.parametrize("example", EXAMPLES)
def test_graphviz_draws_the_graph(example: str) -> None:
    text = subprocess.run([TOOL, "report", "--format", "dot"], cwd=ROOT / "examples" / example, stdout=subprocess.PIPE, check=True).stdout
    done = subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, check=True)
    assert done.stderr == b""
    assert done.stdout.count(b'class="node"') == text.count(b"tooltip=")
