# SPDX-License-Identifier: MIT
"""Apps that are written in the page."""

import json
import urllib.request

from suite import check, check_equal, edit, test

GREETER = """import { app, log } from "starina";

export default app({
	name: "greeter",
	main() {
		log.info("good day");
	},
});
"""


def begin(page, name="greeter"):
    """A new app, in the editor."""
    page.command("new app")
    page.answer_dialog(name)
    page.tab.wait(f"document.querySelector('.pce-textarea')?.value.includes('name: \"{name}\"')", "a source to begin with")


def write(page, text):
    """A new app with this source, in the editor."""
    begin(page)
    edit(page.tab, text)


def problem(page, text, line, words):
    """Saves a source, and waits for its error, which is said beside the line, if it has one."""
    edit(page.tab, text)
    page.tab.press("s", control=True)
    page.tab.wait_text(words, ".problems")
    if line:
        marked = "[...document.querySelectorAll('.pce-line')].findIndex((each) => each.dataset.problem) + 1"
        page.tab.wait(f"{marked} === {line}", f"a mark beside line {line}")


@test
def app_is_written_and_runs(page):
    page.open()
    begin(page)
    page.tab.press("s", control=True)
    page.tab.wait_text("greeter runs, after", ".run .state")
    edit(page.tab, GREETER)
    page.tab.click_text("Save and run")
    page.tab.wait_text("good day", ".run .said")
    page.tab.wait_text("process ", ".run .state")
    # It is there after a reload of the page.
    page.reload()
    page.tab.wait("document.querySelector('.pce-textarea')?.value.includes('good day')", "the source")
    page.tab.wait_text("greeter.ts", ".entries")
    page.command("stop greeter")
    page.tab.wait_text("greeter was stopped", ".notices")
    # A name is that of one app.
    page.command("new app")
    page.answer_dialog("greeter")
    page.tab.wait_text("greeter.ts is there already", ".notices")
    check("good day" in page.tab.run("sessionStorage.getItem('starina.kept.greeter.ts')"), "what is kept")


@test
def errors_are_said_beside_their_line(page):
    page.open()
    begin(page)
    problem(page, "let x = ;\n" + GREETER, 1, "greeter.ts:1:9")
    problem(page, GREETER + "\nnamespace A { export const b = 1; }\n", 10, "namespaces cannot be compiled here")
    problem(page, 'import { a } from "./a";\n' + GREETER, 1, "./starina push on the host")
    problem(page, 'import { a } from "left-pad";\n' + GREETER, 1, "left-pad is a package")
    problem(page, GREETER + 'log.info("no");\n', 9, "its top level throws in greeter.ts:9: Error: log.info is used before main")
    problem(page, GREETER.replace("name:", "nmae:"), 0, "the app has no field 'nmae'")
    problem(page, GREETER.replace('"greeter"', '"two words"'), 0, '"two words" is not a name for an app')
    problem(page, GREETER + "await 0; throw new TypeError('mine');\n", 9, "TypeError: mine")
    problem(page, GREETER + "accessor;\n@x class A {}\n", 10, "decorators are not known here")
    # The mark goes with the error, and a click leads to it.
    problem(page, "let x = ;\n" + GREETER, 1, "greeter.ts:1:9")
    page.tab.click(".problems button")
    check_equal(page.tab.run("document.querySelector('.pce-textarea').selectionStart"), 8, "the cursor")
    edit(page.tab, GREETER)
    page.tab.press("s", control=True)
    page.tab.wait_text("greeter runs", ".run .state")
    page.tab.wait("!document.querySelector('.problems, .pce-line.wrong')", "no problem")


@test
def types_are_checked_while_they_are_typed(page):
    page.open()
    begin(page)
    edit(page.tab, GREETER.replace("log.info", "log.inof"))
    page.tab.wait_text("greeter.ts:6:7", ".problems")
    page.tab.wait("document.querySelectorAll('.pce-line')[5].dataset.problem?.startsWith('TS2339: ')", "the error beside its line")
    # It is not run, and needs no word of the system.
    page.tab.press("s", control=True)
    page.tab.wait_text("It was not run.", ".run .state.refused")
    edit(page.tab, GREETER)
    page.tab.wait("!document.querySelector('.problems, .pce-line.wrong')", "no problem")
    for text, words in ((GREETER + "let later: Promise<number> = 5;\n", "TS2322"), (GREETER + "window.close();\n", "TS2304"),
                        (GREETER.replace('name:', 'nmae:'), "TS2353"), (GREETER + "using a = null;\n", "TS2318"),
                        (GREETER + "let = = 3;\n", "TS1")):
        edit(page.tab, text)
        page.tab.wait_text(words, ".problems")


@test
def apps_run_without_the_checker_as_well(page):
    page.expected = ["404"]
    page.open()
    page.tab.run("""{ const Known = Worker;
        window.Worker = function (name, options) { return new Known(name === 'types_worker.js' ? 'no_worker.js' : name, options); }; }""")
    write(page, GREETER.replace("log.info", "log.info satisfies 5; log.info"))
    page.tab.press("s", control=True)
    page.tab.wait_text("its types could not be checked", ".run .state.runs")
    page.tab.wait_text("good day", ".run .said")


@test
def files_are_listed_anew_when_they_change(page):
    page.open("files")
    page.show("files", "/src/notes.txt")
    page.tab.wait_text("Things to do", ".prism-code-editor")

    def put(path, content):
        request = urllib.request.Request(f"{page.origin}/api/v1/files/content?path={path}", content, method="PUT",
                                         headers={"Authorization": "Bearer " + page.address.split("=")[1]})
        urllib.request.urlopen(request).close()

    put("/src/notes.txt", b"changed elsewhere")
    put("/src/fresh.txt", b"new")
    page.tab.wait_text("fresh.txt", ".entries")
    page.tab.wait_text("changed elsewhere", ".prism-code-editor")
    # What was typed here stays.
    edit(page.tab, "typed")
    put("/src/notes.txt", b"changed once more")
    put("/src/last.txt", b"new")
    page.tab.wait_text("last.txt", ".entries")
    check_equal(page.tab.run("document.querySelector('.pce-textarea').value"), "typed", "the text")


@test
def garbage_is_refused(page):
    page.open()
    begin(page)
    head = 'import { app } from "starina";\nexport default '
    for text, words in ((head + "}" * 9, "Unexpected token"), (head + "(" * 20000, "Maximum call stack"), (head + "`${", "Unexpected token"),
                        (head + "/*", "Unterminated comment"), (head + "3;", "it has no app"), (head + "app({ name: 'x' });", "its app has no main"),
                        (head + "\x01", "Unexpected character")):
        problem(page, text, 0, words)
    # A spec that is not what it says to be.
    problem(page, head + "{ toJSON() { return { name: 'x', needs: 3 }; }, main() {} };", 0, "needs are to be an array")
    check_equal(page.tab.run("document.title"), "Files · Starina", "the page")


@test
def top_level_has_nothing_of_the_page(page):
    page.expected = ["Content Security Policy", "Refused to connect", "violates"]
    page.open()
    begin(page)
    problem(page, GREETER + "await fetch('/api/v1/status');\n", 0, "its top level throws")
    # What it says in the compiler's name is believed no more than what it says in its own.
    problem(page, GREETER + "postMessage({ kind: 'ran', answer: { spec: '{\"name\": \"<b>\"}', main: 'function' }, line: null });\n", 0, '"<b>" is not a name')
    problem(page, GREETER + "throw typeof document + typeof sessionStorage + typeof localStorage;\n", 0, "throws: undefinedundefinedundefined")


@test
def what_the_system_refuses_is_told(page):
    page.expected = ["409"]
    page.open()
    write(page, GREETER.replace("log.info", "throw new Error('x'); log.info"))
    page.tab.press("s", control=True)
    page.tab.wait_text("the new version was taken back", ".run .state.failed")


@test
def source_in_a_volume_is_saved_and_runs(page):
    page.open("files")
    page.show("files", "/src/")
    page.tab.click_text("New file")
    page.answer_dialog("day.ts")
    edit(page.tab, GREETER.replace("greeter", "day"))
    page.tab.press("s", control=True)
    page.tab.wait_text("good day", ".run .said")
    page.tab.wait("!document.querySelector('.editor header').innerText.includes('changed')", "a file that is saved")
    # A module that is no app is saved only.
    page.show("files", "/src/")
    page.tab.click_text("New file")
    page.answer_dialog("lib.ts")
    edit(page.tab, "export const a = 1;\n")
    page.tab.press("s", control=True)
    page.tab.wait_text("lib.ts was saved", ".notices")
    check(not page.tab.run("document.querySelector('.run')"), "a module that was run")


@test
def kept_files_are_renamed_and_removed(page):
    page.open()
    write(page, GREETER)
    page.tab.press("s", control=True)
    page.tab.wait_text("greeter runs", ".run .state")
    page.tab.click_text("Rename")
    page.answer_dialog("other.ts")
    page.tab.wait_text("other.ts", ".entries")
    page.show("files", "/")
    page.tab.wait_text("kept in this tab", ".entries")
    page.show("files", "/~/other.ts")
    check_equal(json.loads(page.tab.run("JSON.stringify(Object.keys(sessionStorage))")).count("starina.kept.other.ts"), 1, "what is kept")
    page.tab.click_text("Remove")
    page.tab.click_text("Remove it")
    page.tab.wait_text("This folder is empty.")
