# SPDX-License-Identifier: MIT
"""The page: token, views, actions, keys, reconnection, accessibility."""

import json
import urllib.request

from suite import AXE, VIEWS, check, check_equal, edit, test

BAD_APP = 'import { app, log } from "starina";\nexport default app({ name: "bad", main() { log.inof("x"); } });\n'
HOSTILE = "<img src=x onerror=alert(1)>"
# The made-up system's /src/main.c.
READ_FILE = """fetch('/api/v1/files/content?path=/src/main.c', { headers: { Authorization: 'Bearer ' + sessionStorage.getItem('starina.token') } })
    .then((answer) => answer.text())"""
ROWS = "[...document.querySelectorAll('#processes tbody tr')]"


def texts(tab, selector):
    """The words of all elements of a selector."""
    return tab.run(f"[...document.querySelectorAll({json.dumps(selector)})].map((e) => e.innerText.trim())")


@test
def token_moves_from_the_address_into_the_tab(page):
    page.open()
    check("token" not in page.tab.run("location.href"), "the token is left in the address")
    check_equal(page.tab.run("document.cookie"), "", "cookies")
    page.tab.open(page.origin)
    page.tab.wait_text("Live", ".pill")
    # Another tab has no token, and asks for it.
    page.tab = page.new_tab()
    page.tab.open(page.origin)
    page.tab.wait_text("This system is locked")
    page.tab.run("document.querySelector('form input').focus()")
    page.tab.type(page.address)
    page.tab.press("Enter")
    page.tab.wait_text("Live", ".pill")


@test
def wrong_token_is_told(page):
    page.expected = ["401", "HTTP Authentication failed"]
    page.tab.open(page.origin + "/#token=wrong")
    page.tab.wait_text("not this boot's")
    check_equal(page.tab.run("location.hash"), "", "the fragment")


@test
def overview_moves_by_itself(page):
    page.open()
    for words in ("tcpip", "hart 3", "web-1", "linuxrun", "eth0"):
        page.tab.wait_text(words)
    before = page.tab.run("document.querySelector('.head .facts').innerText")
    page.tab.wait(f"document.querySelector('.head .facts').innerText !== {json.dumps(before)}", "numbers that move")
    page.tab.wait("document.querySelectorAll('.line .flow').length > 5", "traffic on the lines")
    page.tab.wait("document.querySelector('.line.high') && document.querySelector('.line.raised')", "lines with full queues")
    page.tab.click_text("As a table")
    page.tab.wait_text("netdev", ".services table")


@test
def hostile_names_and_output_are_text(page):
    page.open()
    for view in VIEWS:
        page.show(view)
        check_equal(page.tab.run("document.querySelectorAll('img:not(.brand img), i, main script, main b').length"), 0, view)
    page.show("processes")
    page.tab.wait_text(HOSTILE, "#processes")
    page.show("logs", HOSTILE)
    page.tab.wait_text("owned", ".lines")
    check("\u202e" not in page.tab.run("document.body.innerText"), "text that turns around what follows it")
    page.show("files", "/src/<b>bold.txt")
    page.tab.wait_text("<script>alert(1)</script>", ".prism-code-editor")
    check(page.tab.run("document.title").endswith("Starina"), "the title")


@test
def processes_are_sorted_filtered_and_moved_in_by_keys(page):
    page.open("processes")
    page.tab.wait_text("tcpip", "#processes")
    page.tab.click_text("Name", "th button")
    names = texts(page.tab, "#processes tbody th")
    check_equal(names, sorted(names, key=str.lower), "sorted by name")
    page.tab.press("/")
    page.tab.type("virtio")
    page.tab.wait(f"{ROWS}.length === 4")
    page.tab.run("document.querySelector('#processes tbody a').focus()")
    page.tab.press("ArrowDown")
    page.tab.press("Enter")
    page.tab.wait_text("virtio_console", ".detail h2")
    page.tab.wait_text("waits in", ".detail")
    page.tab.run("[...document.querySelectorAll('summary')].find((e) => e.innerText.startsWith('Handles')).click()")
    page.tab.wait_text("channel", ".detail")
    page.tab.wait_text("to linuxrun", ".detail")


@test
def killed_app_is_seen_to_come_back(page):
    page.open("processes")
    page.tab.wait_text("dns", "#processes")
    page.tab.run(f"{ROWS}.find((row) => row.innerText.includes('dns')).querySelector('a').click()")
    page.tab.click_text("Kill")
    check_equal(texts(page.tab, ".notice"), [], "nothing is killed by one click")
    page.tab.click_text("Kill it, really")
    page.tab.wait_text("dns was killed", ".notices")
    page.tab.wait_text("It is gone.", ".detail")
    page.show("overview")
    page.tab.wait("[...document.querySelectorAll('.box')].some((box) => box.innerText.includes('dns') && box.innerText.includes('↻ 1'))")


@test
def stopped_app_is_started_from_the_palette(page):
    page.open("processes")
    page.tab.wait_text("rtc", "#processes")
    page.command("stop rtc")
    page.tab.wait_text("rtc was stopped", ".notices")
    page.tab.wait(f"!{ROWS}.some((row) => row.innerText.includes('rtc'))")
    # The list of apps is asked for anew then.
    page.tab.wait_text("Start rtc", ".stopped")
    page.command("start rtc")
    page.tab.wait_text("rtc was started", ".notices")


@test
def errors_are_in_the_systems_words(page):
    page.expected = ["409"]
    page.open("terminal")
    check_equal(page.answer("start rtc"), "rtc runs already")


@test
def log_is_filtered_and_held(page):
    page.open("logs")
    page.tab.wait_text("was started", ".lines")
    page.tab.run("""{ const level = document.querySelector('select[aria-label=Level]'); level.value = 'error';
        level.dispatchEvent(new Event('change', { bubbles: true })); }""")
    page.tab.wait("[...document.querySelectorAll('.lines li')].every((line) => line.className === 'error')")
    page.tab.run("""{ const level = document.querySelector('select[aria-label=Level]'); level.value = '';
        level.dispatchEvent(new Event('change', { bubbles: true })); }""")
    page.tab.press("/")
    page.tab.type("rtc was")
    page.tab.wait("document.querySelectorAll('.lines li').length === 1")
    page.tab.click_text("Hold")
    page.tab.wait_text("new)", ".tools")
    page.tab.wait("/Follow \\([1-9]/.test(document.querySelector('.tools').innerText)", "lines that come while it is held")


@test
def files_are_made_edited_renamed_and_removed(page):
    page.open("files")
    page.tab.click(".entries a")
    page.tab.wait_text("main.c", ".entries")
    page.tab.click_text("New file")
    page.answer_dialog("new.c")
    page.tab.wait("document.querySelector('.pce-textarea')")
    page.tab.run("document.querySelector('.pce-textarea').focus()")
    page.tab.type("int x = 1;")
    page.tab.wait_text("changed", ".editor header")
    page.tab.press("s", control=True)
    page.tab.wait_text("new.c was saved", ".notices")
    page.tab.click_text("Rename")
    page.answer_dialog("old.c")
    page.tab.wait_text("old.c", ".entries")
    page.tab.wait_text("int x = 1;", ".prism-code-editor")
    page.tab.click_text("Remove")
    page.tab.click_text("Remove it")
    page.tab.wait_text("old.c was removed", ".notices")
    page.tab.wait("!document.querySelector('.entries').innerText.includes('old.c')")


@test
def unsaved_text_outlives_its_view(page):
    page.open("files")
    page.show("files", "/src/main.c")
    page.tab.wait("document.querySelector('.pce-textarea')")
    page.tab.run("document.querySelector('.pce-textarea').focus()")
    page.tab.type("UNSAVED")
    page.tab.wait_text("changed", ".editor header")
    page.show("logs")
    page.show("files", "/src/")
    page.tab.wait_text("not saved", ".entries")
    page.show("files", "/src/main.c")
    page.tab.wait_text("UNSAVED", ".prism-code-editor")
    page.tab.click_text("Save")
    page.tab.wait_text("main.c was saved", ".notices")
    page.tab.wait("!document.querySelector('.entries').innerText.includes('not saved')")
    check("UNSAVED" in page.tab.run(READ_FILE), "the file")
    # To be closed without its text takes a word.
    page.tab.run("document.querySelector('.pce-textarea').focus()")
    page.tab.type("LOST")
    page.tab.click("[aria-label=Close]")
    page.tab.click_text("Close it")
    page.show("files", "/src/main.c")
    page.tab.wait_text("UNSAVED", ".prism-code-editor")
    check("LOST" not in page.tab.run("document.querySelector('.pce-textarea').value"), "text that was given up")


@test
def uploads_ask_before_they_replace(page):
    page.open("files")
    page.show("files", "/src/")
    page.tab.wait_text("main.c", ".entries")
    # The files that somebody picks, in place of the browser's dialog.
    page.tab.run("""{ HTMLInputElement.prototype.click = function () {
        const picked = new DataTransfer();
        for (const name of ['main.c', 'fresh.txt']) picked.items.add(new File(['uploaded ' + name], name));
        picked.items.add(new File([new Uint8Array((8 << 20) + 1)], 'large.bin'));
        this.files = picked.files; this.onchange(); }; }""")
    page.tab.click_text("Upload")
    page.tab.wait_text("Replace main.c?", "dialog")
    check("uploaded" not in page.tab.run(READ_FILE), "the file before the answer")
    page.tab.click_text("Replace", "dialog button")
    page.tab.wait_text("large.bin is larger than the system takes", ".notices")
    page.tab.wait_text("fresh.txt", ".entries")
    check_equal(page.tab.run(READ_FILE), "uploaded main.c", "the file")


@test
def folders_of_the_host_are_beside_the_volumes(page):
    page.open("files")
    page.tab.wait_text("folder of the host", ".entries")
    check_equal(texts(page.tab, ".entries .name"), ["src", "@notes"], "volumes come first")
    page.show("files", "/@notes/today.md")
    page.tab.wait_text("A file of the host.", ".prism-code-editor")


@test
def missing_file_is_told(page):
    page.expected = ["404"]
    page.open("files")
    page.show("files", "/none/file")
    page.tab.wait_text("there is no folder /none", ".failure")


@test
def trace_is_recorded_and_seen(page):
    page.open("trace")
    page.tab.wait_text("No trace yet")
    page.tab.click_text("Record")
    page.tab.wait_text("Of all harts", "main")
    page.tab.wait("document.querySelector('canvas').height > 60")
    page.tab.run("document.querySelector('canvas').focus()")
    before = page.tab.run("document.querySelector('canvas').toDataURL()")
    page.tab.press("+")
    page.tab.wait(f"document.querySelector('canvas').toDataURL() !== {json.dumps(before)}", "another picture after zooming")


@test
def connection_comes_back_after_the_server_died(page):
    page.expected = ["WebSocket", "ERR_", "404"]
    page.open("processes")
    page.tab.wait_text("httpd", "#processes")
    page.command("kill httpd")
    page.tab.wait(f"{ROWS}.find((row) => row.innerText.includes('httpd'))?.lastElementChild.innerText === '1'", "httpd with one restart")
    page.tab.wait_text("Live", ".pill")


@test
def silent_system_is_noticed(page):
    page.open()
    for silent, words in (("true", "Reconnecting"), ("false", "Live")):
        request = urllib.request.Request(page.origin + "/api/v1/silence", silent.encode(),
                                         {"Authorization": "Bearer " + page.address.split("=")[1]})
        urllib.request.urlopen(request).close()
        page.tab.wait_text(words, ".pill")


@test
def reboot_is_noticed(page):
    page.expected = ["WebSocket", "ERR_"]
    page.open()
    request = urllib.request.Request(page.origin + "/api/v1/reboot", b"", {"Authorization": "Bearer " + page.address.split("=")[1]})
    urllib.request.urlopen(request).close()
    page.tab.wait_text("The system was started again.")
    page.tab.wait_text("Live", ".pill")
    page.tab.click_text("All right")


@test
def two_tabs_are_live_at_once(page):
    page.open()
    first = page.tab
    page.tab = page.new_tab()
    page.open("logs")
    for tab in (first, page.tab):
        tab.wait_text("Live", ".pill")
    page.tab.wait("document.querySelectorAll('.lines li').length > 10")


@test
def view_that_could_not_be_fetched_is_tried_again(page):
    page.expected = ["ERR_BLOCKED_BY_CLIENT"]
    page.open()
    for view, sheet in (("terminal", "terminal.css"), ("files", "editor.css")):
        page.tab.call("Network.setBlockedURLs", urls=[f"*/{sheet}"])
        page.tab.run(f"location.hash = '#/{view}'")
        page.tab.wait_text("This view could not be loaded", f"main.{view}")
        page.tab.call("Network.setBlockedURLs", urls=[])
        page.tab.click_text("Try again")
        page.tab.wait(f"!document.querySelector('main').innerText.includes('could not be loaded') && "
                      f"document.querySelector('main.{view} .panel')")


@test
def keys_alone_are_enough(page):
    page.open()
    for number, view in enumerate(VIEWS, 1):
        page.tab.run("document.activeElement.blur()")
        page.tab.press(str(number))
        page.tab.wait(f"document.querySelector('main.{view}')", f"{view} by key")
    page.tab.run("document.activeElement.blur()")
    page.tab.press("?")
    page.tab.wait("document.querySelector('dialog[open]')")
    licences = page.tab.run("fetch(document.querySelector('dialog a').href).then((answer) => answer.text())")
    for name in ("preact", "@preact/signals", "@xterm/xterm", "@xterm/addon-fit", "prism-code-editor", "sucrase", "typescript"):
        check(f"\n{name} " in licences, f"the licence of {name}")
    page.tab.press("Escape")
    page.tab.wait("!document.querySelector('dialog')")
    theme = page.tab.run("document.documentElement.dataset.theme")
    page.tab.press("t")
    page.tab.wait(f"document.documentElement.dataset.theme !== '{theme}'")
    # The first Tab is the way past the navigation.
    page.show("overview")
    page.tab.run("document.activeElement.blur()")
    page.tab.press("Tab")
    check_equal(page.tab.run("document.activeElement.innerText"), "To the content", "the first stop")


def open_app_with_problems(page):
    """An app in the editor, with an error in its types, that was to be run."""
    page.tab.run(f"sessionStorage.setItem('starina.kept.bad.ts', {json.dumps(BAD_APP)})")
    page.show("files", "/~/bad.ts")
    edit(page.tab, BAD_APP)
    page.tab.press("s", control=True)
    page.tab.wait_text("TS2339", ".problems")
    page.tab.wait_text("It was not run.", ".run .state")


@test
def pages_are_accessible(page):
    page.open()
    page.tab.run(AXE.read_text("utf-8") + ";0")
    for dark in (True, False):
        page.tab.run("localStorage.removeItem('starina.theme')")
        page.tab.dark(dark)
        for view in VIEWS:
            page.show(view)
            if view == "processes":
                page.tab.wait_text("tcpip", "#processes")
                page.tab.run("document.querySelector('#processes tbody a').click()")
                page.tab.wait("document.querySelector('.detail')")
            # Colours that fade would be measured midway.
            page.tab.run("Promise.all(document.getAnimations().filter((a) => a.effect.getTiming().iterations === 1).map((a) => a.finished))")
            if view == "files":
                open_app_with_problems(page)
            found = page.tab.run("axe.run(document, { resultTypes: ['violations'] }).then((r) => r.violations.map((v) => "
                                 "v.id + ': ' + v.nodes.slice(0, 3).map((n) => n.target + ' ' + n.failureSummary).join(' | ')))")
            check_equal(found, [], f"{view}, {'dark' if dark else 'light'}")


@test
def narrow_windows_show_everything(page):
    page.open()
    page.tab.resize(360, 740)
    for view in VIEWS:
        page.show(view)
        if view == "files":
            open_app_with_problems(page)
        wide = page.tab.run("""[...document.querySelectorAll('body, main, .panel, .panel > header, button, input')]
            .filter((e) => e.offsetParent && !e.closest('.scroll, .graph, .result, .entries, .xterm'))
            .filter((e) => e.getBoundingClientRect().right > 361 || e.getBoundingClientRect().left < -1)
            .map((e) => e.outerHTML.slice(0, 80))""")
        check_equal(wide, [], f"what sticks out of {view}")
