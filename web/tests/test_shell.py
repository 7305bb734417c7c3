# SPDX-License-Identifier: MIT
"""The terminal: the shell, its expressions, and Linux shells."""

from suite import check, check_equal, test


@test
def commands_give_values_to_compute_on(page):
    page.open("terminal")
    check("tcpip" in page.answer("ps"), "ps")
    check_equal(page.answer("ps | _.filter(p => p.mode === 'kernel').map(p => p.name).sort().join()"), "app_manager,hello")
    check_equal(page.answer("n = ps | list => list.length"), "18")
    check_equal(page.answer("n + 1"), "19")
    check_equal(page.answer("_ * 2"), "38")
    check_equal(page.answer("(await services()).some(s => s.name === 'tcp')"), "true")
    check_equal(page.answer("run printf 'two words' | _"), "two words")
    check_equal(page.answer("api GET memory | _.total"), str(512 << 20))
    check("COMMAND [ARGUMENT...]" in page.answer("help run"), "help")


@test
def errors_of_lines_are_told(page):
    page.expected = ["404"]
    page.open("terminal")
    check("SyntaxError" in page.answer("1 +"), "syntax")
    check("ReferenceError" in page.answer("nothing_like_it"), "a name that there is not")
    check_equal(page.answer("kill nobody"), 'there is no process nobody: "ps" lists them')
    check_equal(page.answer("handles"), "the process is missing")
    check_equal(page.answer("ps |"), "there is nothing on one side of the | or =")
    check_equal(page.answer("run 'a"), "a quote is not closed")
    check("there is no route GET /api/v1/nowhere" in page.answer("api GET nowhere"), "the system's words")


@test
def expressions_can_do_nothing_but_compute(page):
    page.expected = ["Content Security Policy", "Refused to connect", "violates"]
    page.open("terminal")
    check("Error" in page.answer("await fetch('/api/v1/status')"), "a request of its own")
    check_equal(page.answer("typeof document + typeof localStorage + typeof sessionStorage"), "undefinedundefinedundefined")
    check_equal(page.answer("'<b>x</b>'"), "<b>x</b>")
    check_equal(page.answer("[{ '<i>': '<script>alert(1)</script>' }]").split(), ["<i>", "<script>alert(1)</script>"])
    # The page itself may not evaluate.
    refused = page.tab.run("(() => { try { return new Function('return 1')(); } catch (e) { return e.name; } })()")
    check(refused in ("EvalError", 1), refused)


@test
def endless_line_is_interrupted(page):
    page.open("terminal")
    page.type_line("for (;;);")
    page.tab.press("c", control=True)
    page.tab.wait_text("interrupted", ".entries")
    check_equal(page.answer("1 + 1"), "2")


@test
def each_running_line_is_interrupted(page):
    page.open("terminal")
    page.type_line("new Promise(() => 0)")
    page.type_line("ps | new Promise(() => _.length)")
    check_equal(page.answer("1 + 1"), "2")
    for left in (1, 0):
        page.tab.press("c", control=True)
        page.tab.wait(f"document.querySelector('.entries').innerText.split('runs…').length === {left} + 1", f"{left} lines that run")
    check_equal(page.answer("2 + 2"), "4")


@test
def much_output_is_gathered_and_none_is_missing(page):
    page.open("terminal")
    page.tab.run("""{ window.changes = 0; new MutationObserver(() => window.changes++).observe(document.querySelector('.entries'),
        { subtree: true, childList: true, characterData: true }); }""")
    check_equal(page.answer("run seq 20000").split(), [str(n) for n in range(1, 20001)])
    changes = page.tab.run("window.changes")
    check(changes < 2000, f"{changes} changes of the page for 20000 pieces")


@test
def history_stays_in_its_tab(page):
    page.open("terminal")
    page.answer("1 + 2")
    check("1 + 2" not in page.tab.run("JSON.stringify(localStorage)"), "a line is kept for other systems")
    page.reload()
    page.tab.wait("document.querySelector('.prompt input')")
    page.tab.run("document.querySelector('.prompt input').focus()")
    page.tab.press("ArrowUp")
    page.tab.wait("document.querySelector('.prompt input').value === '1 + 2'")


@test
def lines_are_completed_and_recalled(page):
    page.open("terminal")
    value = "document.querySelector('.prompt input').value"
    page.answer("1 + 2")
    page.tab.type("kil")
    page.tab.press("Tab")
    page.tab.wait(f"{value} === 'kill '")
    page.tab.type("virtio_n")
    page.tab.press("Tab")
    page.tab.wait(f"{value} === 'kill virtio_net '")
    page.tab.press("c", control=True)
    page.tab.wait(f"{value} === ''")
    page.tab.type("ca /sr")
    page.tab.press("Home")
    page.tab.press("c", control=True)
    page.tab.type("cat /src/m")
    page.tab.press("Tab")
    page.tab.wait(f"{value} === 'cat /src/main.c '")
    page.tab.press("c", control=True)
    page.tab.press("ArrowUp")
    page.tab.wait(f"{value} === '1 + 2'")
    page.tab.press("ArrowDown")
    page.tab.type("c")
    page.tab.press("Tab")
    page.tab.wait_text("containers", ".choices")
    # Escape and Tab lead out of the field.
    page.tab.press("Escape")
    page.tab.press("Tab")
    page.tab.wait("document.activeElement.tagName !== 'INPUT'")


@test
def linux_shell_answers_keys(page):
    page.open("terminal")
    page.tab.click_text("New Linux shell")
    screen = ".xterm-accessibility-tree"
    page.tab.wait_text("made-up shell", screen)
    page.tab.press("h")
    page.tab.press("i")
    page.tab.wait_text("# hi", screen)
    page.tab.press("d", control=True)
    page.tab.wait_text("The shell ended with status 0.")
    page.tab.click_text("Start another")
    page.tab.wait_text("made-up shell", screen)
    page.tab.click("[aria-label='Close this terminal']")
    page.tab.wait("!document.querySelector('.xterm')")


@test
def linux_shell_runs_on_while_another_view_is_shown(page):
    page.open("terminal")
    page.tab.click_text("New Linux shell")
    screen = ".xterm-accessibility-tree"
    page.tab.wait_text("made-up shell", screen)
    page.tab.press("h")
    page.tab.press("i")
    page.tab.wait_text("# hi", screen)
    page.show("logs")
    page.show("terminal")
    page.tab.wait_text("# hi", screen)
    page.tab.press("x")
    page.tab.wait_text("# hix", screen)
    page.tab.click("[aria-label='Close this terminal']")
    page.tab.wait("!document.querySelector('.xterm')")


@test
def large_paste_reaches_the_linux_shell(page):
    page.open("terminal")
    page.tab.click_text("New Linux shell")
    screen = ".xterm-accessibility-tree"
    page.tab.wait_text("made-up shell", screen)
    page.tab.run("""{ const clipboardData = new DataTransfer();
        clipboardData.setData('text/plain', 'x'.repeat(200000) + '\\rpasted');
        document.querySelector('.xterm textarea').dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true })); }""")
    page.tab.wait_text("# pasted", screen)
