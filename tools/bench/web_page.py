#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""web_page.py [ROUNDS]: what a person at the web page waits for, in Chromium: the page after its first byte, and a key's echo in a
Linux shell. Medians and extremes of ROUNDS (15) pages and of ten times as many keys; the load of the machine with them."""

import os
import statistics
import sys
from pathlib import Path

import running

sys.path.append(str(Path(running.ROOT) / "web/tests"))

import browser as chromium  # noqa: E402  pylint: disable=wrong-import-position
import suite  # noqa: E402  pylint: disable=wrong-import-position

ROUNDS = 15
# Before anything of the page runs: notes when it shows the live system, the service graph with it.
NOTE_USABLE = """new MutationObserver((_, observer) => {
    if (!document.querySelector('.pill.live') || !document.querySelector('.box')) return;
    observer.disconnect();
    window.usable = performance.now();
}).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });"""
SINCE_FIRST_BYTE = "window.usable - performance.getEntriesByType('navigation')[0].responseStart"
# Notes for each key how long after it the rows of the terminal were drawn anew.
NOTE_ECHOES = """{ const rows = document.querySelector('.xterm-rows'); let pressed = 0; let before = '';
    window.echoes = [];
    addEventListener('keydown', () => { pressed = performance.now(); before = rows.textContent; }, true);
    new MutationObserver(() => {
        // The cursor's blinking is no echo.
        if (!pressed || rows.textContent.trim() === before.trim()) return;
        window.echoes.push(performance.now() - pressed);
        pressed = 0;
    }).observe(rows, { subtree: true, childList: true, characterData: true }); }"""


def told(values):
    """Some milliseconds in words."""
    return f"median {statistics.median(values):.0f} ms, {min(values):.0f} to {max(values):.0f} ms, of {len(values)}"


def pages(browser, address, rounds):
    """Milliseconds from the first byte of the page to a page that can be used, nothing of it in the browser's cache."""
    times = []
    for _ in range(rounds):
        page = suite.Page(browser, address)
        page.tab.call("Network.setCacheDisabled", cacheDisabled=True)
        page.tab.call("Page.addScriptToEvaluateOnNewDocument", source=NOTE_USABLE)
        page.tab.open(address)
        page.tab.wait("window.usable")
        times.append(page.tab.run(SINCE_FIRST_BYTE))
        page.tab.close()
    return times


def keys(browser, address, count):
    """Milliseconds from a key to its echo on the screen of a Linux shell."""
    page = suite.Page(browser, address)
    page.open("terminal")
    page.tab.click_text("New Linux shell")
    page.tab.wait("document.querySelector('.xterm-rows')?.textContent.includes('#')", "the shell's prompt")
    page.tab.run(NOTE_ECHOES)
    for number in range(count):
        # A line of its own now and then, so that it is never broken.
        page.tab.press("abcdefghij"[number % 10])
        page.tab.wait(f"window.echoes.length === {number + 1}", f"the echo of key {number}")
        if number % 10 == 9:
            page.tab.press("u", control=True)
            page.tab.wait("!document.querySelector('.xterm-rows').textContent.includes('abcdefghij')", "an empty line")
            page.tab.run(f"window.echoes.length = {number + 1}")
    times = page.tab.run("window.echoes")
    page.tab.close()
    return times


def main():
    """The command."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    machine = running.Machine("container started")
    browser = chromium.Browser()
    try:
        address = Path(running.BUILD, "run/web.addr").read_text("ascii").strip()
        loaded, echoed = pages(browser, address, rounds), keys(browser, address, 10 * rounds)
    finally:
        browser.close()
        machine.stop()
    print(f"page usable after its first byte: {told(loaded)}")
    print(f"key echoed in a Linux shell:      {told(echoed)}")
    print("load of the host:                 " + " ".join(f"{value:.1f}" for value in os.getloadavg()))


if __name__ == "__main__":
    main()
