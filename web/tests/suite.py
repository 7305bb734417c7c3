# SPDX-License-Identifier: MIT
"""What the tests of the web page stand on: the made-up system, the browser, and the list of tests."""

import subprocess
import sys
import traceback
from pathlib import Path

from browser import Browser

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
AXE = ROOT / "third_party/web/node_modules/axe-core/axe.min.js"
VIEWS = ("overview", "processes", "logs", "terminal", "files", "trace")

tests = []


def test(function):
    """Adds a test. It is called with a Page."""
    tests.append(function)
    return function


def check(condition, what):
    """Fails unless `condition`."""
    if not condition:
        raise AssertionError(what)


def check_equal(actual, expected, what=""):
    """Fails unless they are equal."""
    check(actual == expected, f"{what}: {actual!r} in place of {expected!r}")


def edit(tab, text):
    """Replaces all that the editor has."""
    tab.wait("document.querySelector('.pce-textarea')", "an editor")
    tab.run("{ const area = document.querySelector('.pce-textarea'); area.focus(); area.select(); }")
    tab.type(text)


class MadeUp:
    """The made-up system of web/dev, as a program of its own."""

    def __init__(self, build):
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [sys.executable, "-B", HERE.parent / "dev/mock.py", "--page", f"{build}/web", "--port", "0"],
            stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip()

    def close(self):
        """Ends it."""
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


class Page:
    """A tab on a system's page, with what tests often do there."""

    def __init__(self, browser, address):
        self.browser, self.address = browser, address
        self.origin = address.split("/#")[0]
        # Problems that a test brings about on purpose: parts of what the console says.
        self.expected = []
        self.tabs = []
        self.tab = self.new_tab()

    def new_tab(self):
        """Another tab, without an address yet."""
        tab = self.browser.tab()
        tab.resize(1280, 800)
        self.tabs.append(tab)
        return tab

    def open(self, view="overview"):
        """Opens the page with its token, at a view."""
        self.tab.open(self.address)
        self.tab.wait_text("Live", ".pill")
        self.show(view)

    def reload(self):
        """Loads the page anew."""
        self.tab.run("window.isOld = true")
        self.tab.call("Page.reload")
        self.tab.wait("!window.isOld && document.readyState === 'complete'", "the page, anew")

    def show(self, view, argument=""):
        """Goes to a view."""
        self.tab.run(f"location.hash = '#/{view}' + ({argument!r} && '/' + encodeURIComponent({argument!r}))")
        self.tab.wait(f"document.querySelector('main.{view}') && !document.querySelector('main').innerText.includes('Loading…')")

    def answer_dialog(self, text, dialog="dialog"):
        """Types into the dialog that has opened, over what is there."""
        self.tab.wait(f"document.activeElement.matches('{dialog} input')", "a dialog to type in")
        self.tab.run("document.activeElement.select()")
        self.tab.type(text)
        self.tab.press("Enter")
        self.tab.wait(f"!document.querySelector('{dialog}')")

    def command(self, words):
        """A command of the palette, which may ask for more."""
        self.tab.press("k", control=True)
        self.answer_dialog(words, "dialog.palette")

    def type_line(self, line):
        """A line of the shell, and the wait for its end."""
        done = "document.querySelectorAll('.entry').length"
        before = self.tab.run(done)
        self.tab.run("document.querySelector('.prompt input').focus()")
        self.tab.type(line)
        self.tab.press("Enter")
        self.tab.wait(f"{done} > {before}", f"an entry for {line!r}")

    def answer(self, line):
        """What the shell says to a line."""
        self.type_line(line)
        last = "[...document.querySelectorAll('.entry')].at(-1)"
        self.tab.wait(f"!{last}.innerText.includes('runs…')", f"the end of {line!r}")
        return self.tab.run(f"{last}.innerText").split("\n", 1)[-1].strip()

    def problems(self):
        """What the browser complained of, and requests that left the system."""
        found = []
        for tab in self.tabs:
            found += [text for text in tab.problems if not any(part in text for part in self.expected)]
            found += [f"a request to {url}" for url in tab.requests
                      if not url.startswith((self.origin, self.origin.replace("http", "ws"), "about:", "blob:"))]
        return found


def run_one(function, browser, address):
    """Runs a test; whether it passed."""
    try:
        page = Page(browser, address)
        function(page)
        check_equal(page.problems(), [], "the browser's complaints")
        for tab in page.tabs:
            tab.close()
    except Exception:  # pylint: disable=broad-exception-caught
        print(f"FAIL {function.__name__}\n{traceback.format_exc()}", flush=True)
        return False
    print(f"ok   {function.__name__}", flush=True)
    return True


def run_all(chosen, make_system):
    """Runs tests, each with a system of its own; the numbers of those that passed and failed."""
    browser = Browser()
    passed = 0
    try:
        for function in chosen:
            system = make_system()
            try:
                passed += run_one(function, browser, system.address)
            finally:
                system.close()
    finally:
        browser.close()
    return passed, len(chosen) - passed
