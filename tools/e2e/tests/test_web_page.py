# SPDX-License-Identifier: MIT
"""The web page of a running system, in a browser. What needs no system is in web/tests."""

import json
import shutil
import sys
import time

from harness import GRACE, ROOT, Skip, check, check_equal, test

sys.path.append(str(ROOT / "web/tests"))

import browser as chromium  # noqa: E402  pylint: disable=wrong-import-position
import suite  # noqa: E402  pylint: disable=wrong-import-position

# What a page of somebody else tries, who knows the token even.
ATTACK = """Promise.all([
    fetch(ORIGIN + '/api/v1/processes', { headers: { Authorization: 'Bearer ' + TOKEN } }).then((r) => 'fetch ' + r.status, () => ''),
    fetch(ORIGIN + '/api/v1/status').then((r) => 'status ' + r.status, () => ''),
    new Promise((resolve) => {
        const socket = new WebSocket(ORIGIN.replace('http', 'ws') + '/api/v1/live', ['starina.v1', 'token.' + TOKEN]);
        socket.onopen = () => resolve('WebSocket');
        socket.onerror = () => resolve('');
    }),
])"""


class System:
    """./run.sh with its page in a browser, until the test is left."""

    def __init__(self, context, *arguments, **settings):
        if not (ROOT / "third_party/web/.stamp").exists() or not shutil.which("chromium"):
            raise Skip("the web page's packages or chromium could not be fetched: ./setup.sh says why")
        context.own_build()
        self.context = context
        self.process = context.start(*arguments, **settings)
        address = context.build / "run/web.addr"
        while not address.exists() or not address.read_text("ascii").strip():
            check(self.process.poll() is None, "run.sh ended before its page was up")
            time.sleep(0.1)
        self.address = address.read_text("ascii").strip()
        self.browser = chromium.Browser()

    def __enter__(self):
        return suite.Page(self.browser, self.address)

    def __exit__(self, kind, value, traceback):
        self.browser.close()
        if self.process.poll() is None:
            self.process.terminate()
            self.process.communicate(timeout=10 * GRACE)


def row(name):
    """JavaScript: the row of a process."""
    return f"[...document.querySelectorAll('#processes tbody tr')].find((row) => row.querySelector('th').innerText === {json.dumps(name)})"


@test
def page_shows_and_changes_the_system(context):
    with System(context, "-v", "data:/data") as page:
        # The page that was open while its server was killed.
        page.expected = ["WebSocket", "ERR_", "404"]
        page.open("processes")
        for name in ("tcpip", "httpd", "fs"):
            page.tab.wait(f"!!{row(name)}", name)
        page.show("overview")
        page.tab.wait_text("hart 1")
        page.tab.wait("document.querySelectorAll('.line').length > 3", "lines between the boxes")
        page.show("logs", "tcpip")
        page.tab.wait_text("address 10.0.2.15", ".lines")
        page.show("terminal")
        check_equal(page.answer("run sh -c 'echo $((6 * 7))'"), "42")
        page.tab.click_text("New Linux shell")
        page.tab.wait_text("/ #", ".xterm-accessibility-tree")
        for key in "echo $0-$0":
            page.tab.press(key)
        page.tab.press("Enter")
        page.tab.wait_text("/bin/sh-/bin/sh", ".xterm-accessibility-tree")
        page.tab.press("d", control=True)
        page.tab.wait_text("The shell ended with status 0.")
        page.tab.click("[aria-label='Close this terminal']")
        check_equal(page.answer("ps | _.some(p => p.name === 'tcpip' && p.memory > 0)"), "true")
        check_equal(page.answer("(await harts()).length"), "2")
        page.show("files", "/data/")
        page.tab.click_text("New file")
        page.answer_dialog("note.txt")
        page.tab.wait("document.querySelector('.pce-textarea')")
        page.tab.run("document.querySelector('.pce-textarea').focus()")
        page.tab.type("kept <b>here</b>")
        page.tab.press("s", control=True)
        page.tab.wait_text("note.txt was saved", ".notices")
        page.show("terminal")
        check_equal(page.answer("cat /data/note.txt"), "kept <b>here</b>")
        page.show("trace")
        # Long enough for the live view, which is sent every second.
        page.tab.run("""{ const length = document.querySelector('select'); length.value = '2000';
            length.dispatchEvent(new Event('change', { bubbles: true })); }""")
        page.tab.click_text("Record")
        page.tab.wait_text("Of all harts", "main")
        page.tab.wait_text("httpd", "main")
        page.show("processes")
        page.command("kill httpd")
        page.tab.wait(f"{row('httpd')}?.lastElementChild.innerText === '1'", "httpd, which was started again")
        page.tab.wait_text("Live", ".pill")
        origin, token = page.address.split("/#token=")
        foreign = page.browser.tab()
        foreign.open("data:text/html,<title>another</title>")
        got = foreign.run(ATTACK.replace("ORIGIN", json.dumps(origin)).replace("TOKEN", json.dumps(token)))
        check_equal(got, ["", "", ""], "what a page of another origin got")
        check_equal(page.problems(), [], "the browser's complaints")
