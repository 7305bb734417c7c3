# SPDX-License-Identifier: MIT
"""The web page of a running system, in a browser. What needs no system is in web/tests."""

import base64
import json
import shutil
import sys
import time

from harness import GRACE, ROOT, Log, Skip, check, check_equal, free_port, test
from test_apps import Tree, parrot

sys.path.append(str(ROOT / "web/tests"))

import browser as chromium  # noqa: E402  pylint: disable=wrong-import-position
import suite  # noqa: E402  pylint: disable=wrong-import-position

SCREEN = ".pane:not([hidden]) .xterm-accessibility-tree"
# What the browser says of a page whose server goes away under it.
SERVER_GOES = ["WebSocket", "ERR_", "404"]


class Boot:
    """./run.sh with its log and the address of its page."""

    def __init__(self, context, *arguments, **settings):
        if not (ROOT / "third_party/web/.stamp").exists() or not shutil.which("chromium"):
            raise Skip("the web page's packages or chromium could not be fetched: ./setup.sh says why")
        if context.build == context.suite.build:  # unless it has one
            context.own_build()
        self.process = context.start(*arguments, **settings)
        self.log = Log(self.process.stderr)
        address = context.build / "run/web.addr"
        while not address.exists() or not address.read_text("ascii").strip():
            check(self.process.poll() is None, "run.sh ended before its page was up")
            time.sleep(0.1)
        self.address = address.read_text("ascii").strip()

    def stop(self):
        """Ends it, if it has not ended."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10 * GRACE)


class System:
    """A boot with its page in a browser, until the test is left."""

    def __init__(self, context, *arguments, **settings):
        self.boot = Boot(context, *arguments, **settings)
        self.log = self.boot.log
        self.browser = chromium.Browser()

    def __enter__(self):
        page = suite.Page(self.browser, self.boot.address)
        page.log = self.log
        return page

    def __exit__(self, kind, value, traceback):
        self.browser.close()
        self.boot.stop()


def row(name):
    """JavaScript: the row of a process."""
    return f"[...document.querySelectorAll('#processes tbody tr')].find((row) => row.querySelector('th').innerText === {json.dumps(name)})"


def box(name):
    """JavaScript: the box of a process in the service graph."""
    return f"[...document.querySelectorAll('.box')].find((each) => each.innerText.split('\\n')[0].trim() === {json.dumps(name)})"


def press_all(tab, line):
    """A line, key by key, for the terminal that is shown."""
    tab.wait("document.activeElement.closest('.pane:not([hidden])')", "a terminal that takes keys")
    for key in line:
        tab.press(key)
    tab.press("Enter")


def choose(tab, label, value):
    """A choice of a <select>."""
    tab.run(f"""{{ const field = document.querySelector('select[aria-label={label}]'); field.value = {json.dumps(value)};
        field.dispatchEvent(new Event('change', {{ bubbles: true }})); }}""")


def pick(tab, path):
    """The next file that the page asks for is this one: the browser's own dialog is out of reach."""
    content = base64.b64encode(path.read_bytes()).decode()
    tab.run(f"""HTMLInputElement.prototype.click = function () {{
        const picked = new DataTransfer();
        picked.items.add(new File([Uint8Array.from(atob('{content}'), (c) => c.charCodeAt(0))], {json.dumps(path.name)}));
        this.files = picked.files; this.onchange(); }}; 0""")


def open_linux(tab):
    """A Linux shell in the terminal."""
    tab.click_text("New Linux shell")
    tab.wait_text("/ #", SCREEN)


def save(tab):
    """Saves what the editor has, which was changed."""
    tab.wait_text("changed", ".editor header")
    tab.press("s", control=True)
    tab.wait("!document.querySelector('.editor header').innerText.includes('changed')", "a file that is saved")


@test
def page_shows_the_system(context):
    with System(context) as page:
        page.open("overview")
        for words in ("hart 0", "hart 1", "Memory", "Messages", "10.0.2.15", "On the network"):
            page.tab.wait_text(words)
        page.tab.wait(f"{box('tcpip')} && {box('httpd')} && document.querySelectorAll('.line').length > 3", "boxes with lines between them")
        # The page's own requests are traffic.
        page.tab.wait("document.querySelector('.line .flow')", "traffic on a line")
        facts = page.tab.run("document.querySelector('.head .facts').innerText")
        page.tab.wait(f"document.querySelector('.head .facts').innerText !== {json.dumps(facts)}", "numbers that move")
        page.show("processes")
        for name in ("tcpip", "httpd", "fs"):
            page.tab.wait(f"!!{row(name)}", name)
        page.tab.run(f"{row('tcpip')}.querySelector('a').click()")
        page.tab.wait_text("waits in", ".detail")
        page.show("logs", "tcpip")
        page.tab.wait_text("address 10.0.2.15", ".lines")
        choose(page.tab, "Level", "error")
        page.tab.wait("!document.querySelector('.lines li:not(.error)')", "errors only")
        page.show("trace")
        # Long enough for the live view, which is sent every second.
        page.tab.run("""{ const length = document.querySelector('select'); length.value = '2000';
            length.dispatchEvent(new Event('change', { bubbles: true })); }""")
        page.tab.click_text("Record")
        page.tab.wait_text("Of all harts", "main")
        page.tab.wait_text("httpd", "main")
        page.show("terminal")
        open_linux(page.tab)
        page.show("overview")
        page.tab.wait("[...document.querySelectorAll('.panel')].some((e) => e.ariaLabel === 'Virtual machines' && e.innerText.includes('1 CPU'))")
        check_equal(page.problems(), [], "the browser's complaints")


@test
def page_has_shells(context):
    with System(context) as page:
        page.open("terminal")
        check_equal(page.answer("run sh -c 'echo $((6 * 7))'"), "42")
        check_equal(page.answer("ps | _.some(p => p.name === 'tcpip' && p.memory > 0)"), "true")
        check_equal(page.answer("(await harts()).length"), "2")
        check("kill PROCESS" in page.answer("help"), "help")
        page.tab.type("kill tcp")
        page.tab.press("Tab")
        page.tab.wait("document.querySelector('.prompt input').value === 'kill tcpip '", "a name that is completed")
        page.tab.press("c", control=True)
        page.tab.press("ArrowUp")
        page.tab.wait("document.querySelector('.prompt input').value === 'help'", "the line before")
        page.tab.press("c", control=True)
        open_linux(page.tab)
        press_all(page.tab, "echo $0-$0")
        page.tab.wait_text("/bin/sh-/bin/sh", SCREEN)
        page.tab.press("d", control=True)
        page.tab.wait_text("The shell ended with status 0.")
        page.tab.click("[aria-label='Close this terminal']")
        check_equal(page.problems(), [], "the browser's complaints")


@test
def page_edits_files(context):
    notes = context.scratch / "notes"
    notes.mkdir()
    (notes / "host.txt").write_text("of the host", "utf-8")
    with System(context, "-v", "data:/data", "--share", f"notes={notes}") as page:
        # The volume is made when the container that has it starts.
        page.log.wait_for("container started")
        page.open("files")
        page.tab.wait_text("@notes", ".entries")
        page.show("files", "/data/")
        page.tab.click_text("New file")
        page.answer_dialog("note.txt")
        page.tab.wait("document.querySelector('.pce-textarea')")
        page.tab.run("document.querySelector('.pce-textarea').focus()")
        page.tab.type("kept <b>here</b>")
        save(page.tab)
        page.tab.click_text("Rename")
        page.answer_dialog("other.txt")
        page.tab.wait_text("other.txt", ".entries")
        page.show("terminal")
        check_equal(page.answer("cat /data/other.txt"), "kept <b>here</b>")
        check_equal(page.answer("ls /data | _.some(e => e.name === 'note.txt')"), "false")
        page.show("files", "/@notes/host.txt")
        page.tab.wait_text("of the host", ".prism-code-editor")
        page.tab.run("document.querySelector('.pce-textarea').focus()")
        page.tab.type("and of the page, ")
        save(page.tab)
        saved = (notes / "host.txt").read_text("utf-8")
        check("and of the page" in saved and "of the host" in saved, saved)
        check_equal(page.problems(), [], "the browser's complaints")


@test
def page_changes_apps_and_clients_come_back(context):
    tree = Tree(context)
    tree.source("parrot", parrot('log_info("version 1");'))
    check_equal(tree.make("new-app", "NAME=asker", "NEEDS=parrot").status, 0)
    with System(context, "--app", str(tree.app("parrot")), "--app", str(tree.app("asker"))) as page:
        page.open("processes")
        page.tab.wait(f"{row('parrot')} && {row('asker')}")
        page.log.wait_for("connected to parrot")
        number = page.tab.run(f"{row('parrot')}.firstElementChild.innerText")
        tree.source("parrot", parrot('log_info("version 2");'))
        pick(page.tab, tree.app("parrot"))
        page.command("replace parrot")
        page.tab.wait_text("parrot was replaced", ".notices")
        page.log.wait_for(r"\[parrot +\] INFO   version 2")
        page.log.wait_for("connected to parrot", 2)
        page.tab.wait(f"![undefined, '{number}'].includes({row('parrot')}?.firstElementChild.innerText)", "another process")
        page.show("overview")
        page.tab.wait(f"{box('parrot')} && {box('asker')}")
        page.command("kill parrot")
        page.tab.wait_text("parrot was killed", ".notices")
        page.log.wait_for("connected to parrot", 3)
        page.tab.wait(f"{box('parrot')}?.innerText.includes('↻ 1')", "a restart in the graph")
        page.command("stop asker")
        page.tab.wait_text("asker was stopped", ".notices")
        page.show("processes")
        page.tab.wait(f"{row('parrot')} && !{row('asker')}")
        page.command("start asker")
        page.tab.wait(f"{row('asker')}")
        page.log.wait_for("connected to parrot", 4)
        check_equal(page.problems(), [], "the browser's complaints")


@test
def page_comes_back_after_its_server_died(context):
    with System(context) as page:
        page.expected = SERVER_GOES
        page.open("processes")
        page.tab.wait(f"!!{row('httpd')}")
        page.show("terminal")
        open_linux(page.tab)
        page.show("processes")
        page.command("kill httpd")
        page.tab.wait(f"{row('httpd')}?.lastElementChild.innerText === '1'", "httpd, which was started again")
        page.tab.wait_text("Live", ".pill")
        # What ran by the old server says so, and another can be had.
        page.show("terminal")
        page.tab.wait_text("The connection to the shell was lost.")
        page.tab.click_text("Start another")
        page.tab.wait_text("/ #", SCREEN)
        check_equal(page.problems(), [], "the browser's complaints")


@test
def page_outlives_a_boot(context):
    port = free_port()
    first = Boot(context, STARINA_HTTP_PORT=port)
    browser = chromium.Browser()
    try:
        page = suite.Page(browser, first.address)
        page.expected = [*SERVER_GOES, "401"]
        page.open("overview")
        other = page.new_tab()
        other.open(page.address)
        other.wait_text("Live", ".pill")
        first.stop()
        for tab in (page.tab, other):
            tab.wait_text("Reconnecting", ".pill")
            tab.wait_text("The system does not answer.", ".banner")
        second = Boot(context, STARINA_HTTP_PORT=port)
        try:
            check(second.address != first.address, "two boots have one token")
            for tab in (page.tab, other):
                tab.wait_text("This system is locked")
                tab.wait_text("The token is not this boot's")
            # One tab gets the new address, the other one has it pasted.
            page.tab.run(f"location.href = {json.dumps(second.address)}; 0")
            other.run("document.querySelector('form input').focus()")
            other.type(second.address)
            other.press("Enter")
            for tab in (page.tab, other):
                tab.wait_text("Live", ".pill")
                tab.wait_text("The system was started again.", ".banner")
                check("token" not in tab.run("location.href"), "the token is left in the address")
            page.show("terminal")
            check_equal(page.answer("run echo again"), "again")
            check_equal(page.problems(), [], "the browser's complaints")
        finally:
            second.stop()
    finally:
        browser.close()
        first.stop()


@test
def page_works_by_a_slow_network_and_in_two_tabs(context):
    with System(context) as page:
        slow = page.tab
        slow.call("Network.emulateNetworkConditions", offline=False, latency=400, downloadThroughput=40_000, uploadThroughput=20_000)
        page.open("terminal")
        check_equal(page.answer("1 + 1"), "2")
        open_linux(slow)
        press_all(slow, "echo slow-$((40 + 2))")
        slow.wait_text("slow-42", SCREEN)
        page.tab = quick = page.new_tab()
        page.open("terminal")
        open_linux(quick)
        press_all(quick, "echo quick-$((40 + 3))")
        quick.wait_text("quick-43", SCREEN)
        check("quick-43" not in slow.run(f"document.querySelector('{SCREEN}').innerText"), "one shell in two tabs")
        # What one does, the other one sees.
        page.show("overview")
        quick.wait(f"{box('tcpip')}")
        page.command("kill dns")
        slow.run("location.hash = '#/processes'")
        slow.wait(f"{row('dns')}?.lastElementChild.innerText === '1'", "dns, which was started again")
        quick.close()
        page.tabs.remove(quick)
        page.tab = slow
        for view in ("overview", "logs", "files", "trace"):
            page.show(view)
        page.show("terminal")
        press_all(slow, "echo on-$((40 + 4))")
        slow.wait_text("on-44", SCREEN)
        check_equal(page.problems(), [], "the browser's complaints")


# --- A page of another origin --------------------------------------------------------------------

# What it tries, which may know the token even: for each, what it got; "" is nothing.
ATTACK = """(async () => {
    const got = {};
    const bearer = { Authorization: 'Bearer ' + TOKEN };
    const note = async (what, tried) => { try { got[what] = await tried() ?? ''; } catch { got[what] = ''; } };
    for (const [method, path] of ROUTES) {
        await note(`${method} ${path}`, async () => (await fetch(ORIGIN + path, { method, headers: bearer, body: method === 'GET' ? null : '{}' })).status);
        // Without a look at the answer, as forms and images do it.
        await note(`blind ${method} ${path}`, async () => {
            const answer = await fetch(ORIGIN + path, { method: method === 'GET' ? 'GET' : 'POST', mode: 'no-cors', credentials: 'include',
                body: method === 'GET' ? null : '{}' });
            return answer.type === 'opaque' ? '' : answer.type;
        });
    }
    for (const path of SOCKETS) {
        await note(`WebSocket ${path}`, () => new Promise((resolve) => {
            const socket = new WebSocket(ORIGIN.replace('http', 'ws') + path, ['starina.v1', 'token.' + TOKEN]);
            socket.onopen = () => resolve('open');
            socket.onerror = () => resolve('');
        }));
    }
    await note('frame', () => new Promise((resolve) => {
        const frame = document.createElement('iframe');
        frame.src = ORIGIN + '/';
        frame.onload = () => resolve('');
        document.body.append(frame);
    }));
    await note('form', async () => {
        const form = document.createElement('form');
        form.method = 'post'; form.action = ORIGIN + '/api/v1/processes/dns/kill'; form.target = 'elsewhere';
        const frame = document.createElement('iframe');
        frame.name = 'elsewhere';
        document.body.append(frame, form);
        form.submit();
        await new Promise((resolve) => frame.onload = resolve);
    });
    await note('window', () => { const other = open(ORIGIN + '/'); const words = other.document.body.innerText; other.close(); return words; });
    await note('script', () => new Promise((resolve) => {
        const script = document.createElement('script');
        script.type = 'module'; script.src = ORIGIN + '/main.js';
        script.onload = () => resolve('loaded'); script.onerror = () => resolve('');
        document.body.append(script);
    }));
    return got;
})()"""
TRIED = [("GET", "/api/v1/processes"), ("GET", "/api/v1/status"), ("GET", "/api/v1/logs"), ("GET", "/api/v1/files?path=/"),
         ("POST", "/api/v1/processes/dns/kill"), ("POST", "/api/v1/commands"), ("PUT", "/api/v1/apps/dns"),
         ("DELETE", "/api/v1/files/content?path=/data/x"), ("GET", "/engine/containers/json"), ("POST", "/engine/containers/create")]
SOCKETS = ["/api/v1/live", "/api/v1/terminal?argv=/bin/sh", "/api/v1/containers/x/attach", "/api/v1/exec/x/start"]


@test
def page_of_another_origin_gets_nothing(context):
    with System(context) as page:
        page.open("processes")
        page.tab.wait(f"!!{row('dns')}")
        origin, token = page.address.split("/#token=")
        script = ATTACK
        for name, value in (("ORIGIN", origin), ("TOKEN", token), ("ROUTES", TRIED), ("SOCKETS", SOCKETS)):
            script = script.replace(name, json.dumps(value))
        made_up = suite.MadeUp(context.suite.build)
        try:
            # An origin of nothing, and one of the same machine, whose page may do all that pages may.
            for address in ("data:text/html,<title>another</title>", f"{made_up.address.split('/#')[0]}/LICENSES.txt"):
                foreign = page.browser.tab()
                foreign.open(address)
                foreign.call("Page.setBypassCSP", enabled=True)
                foreign.call("Page.reload")
                foreign.wait("document.readyState === 'complete' && document.body")
                got = foreign.run(script)
                check_equal({what: value for what, value in got.items() if value != ""}, {}, f"what {address} got")
                frames = foreign.call("Page.getFrameTree")["frameTree"].get("childFrames", [])
                check_equal([each["frame"]["url"] for each in frames if each["frame"]["url"].startswith(origin)], [], "pages in a frame")
        finally:
            made_up.close()
        # Nothing was done, and the page of the system's own goes on.
        check_equal(page.tab.run(f"{row('dns')}.lastElementChild.innerText"), "", "restarts of dns")
        page.show("terminal")
        check_equal(page.answer("ps | _.some(p => p.name === 'dns' && p.restarts === 0)"), "true")
        check_equal(page.problems(), [], "the browser's complaints")
