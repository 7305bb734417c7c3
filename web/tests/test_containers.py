# SPDX-License-Identifier: MIT
"""Containers: what is done with them from the page, and terminals that are joined to them."""

import json

from suite import check_equal, test

SCREEN = ".pane:not([hidden]) .xterm-accessibility-tree"
# The last words of a terminal, whatever its lines are broken at.
SAYS = f"(document.querySelector('{SCREEN}')?.innerText ?? '')"


def row(name):
    """JavaScript: the row of a container."""
    return f"[...document.querySelectorAll('.rows li')].find((e) => e.querySelector('.name').innerText === {json.dumps(name)})"


def press_in_row(page, name, words):
    """One of a container's buttons."""
    button = f"[...({row(name)}?.querySelectorAll('button') ?? [])].find((e) => e.innerText === {json.dumps(words)})"
    page.tab.wait(f"!!{button}", f"{words} of {name}")
    page.tab.run(f"{button}.click()")


def press_all(page, keys):
    """Keys one after the other."""
    for key in keys:
        page.tab.press(key)


def close_terminal(page):
    """Closes the chosen terminal."""
    page.tab.click("[aria-label='Close this terminal']")
    page.tab.wait("!document.querySelector('.xterm')")


@test
def container_is_stopped_started_and_removed(page):
    page.open()
    press_in_row(page, "web-1", "Stop")
    page.tab.wait_text("web-1 was stopped", ".notices")
    press_in_row(page, "web-1", "Start")
    page.tab.wait_text("web-1 was started", ".notices")
    press_in_row(page, "<i>job</i>", "Remove")
    page.tab.wait_text("with all that it wrote", "dialog")
    check_equal(page.tab.run(f"!!{row('<i>job</i>')}"), True, "the container before the answer")
    page.tab.click_text("Remove it")
    page.tab.wait(f"!{row('<i>job</i>')}")


@test
def shell_in_a_container_takes_keys(page):
    page.open()
    press_in_row(page, "web-1", "Shell")
    page.tab.wait_text("/bin/sh in web-1 #", SCREEN)
    press_all(page, "hi")
    page.tab.press("Enter")
    page.tab.wait(f"{SAYS}.includes('# hi')")
    page.tab.press("d", control=True)
    page.tab.wait_text("The program ended with status 3.")
    page.tab.click_text("Start it again")
    page.tab.wait(f"{SAYS}.includes('in web-1 #') && !document.querySelector('.ended')")
    close_terminal(page)


@test
def container_without_a_terminal_gets_lines(page):
    page.open()
    press_in_row(page, "web-1", "Attach")
    page.tab.wait_text("web-1 (attached)", "[role=tab][aria-selected=true]")
    page.tab.wait_text("attached", SCREEN)
    press_all(page, "axb")
    page.tab.press("Backspace")
    page.tab.press("Backspace")
    page.tab.press("ArrowUp")
    page.tab.press("c")
    # Nothing goes out before Enter.
    check_equal(page.tab.run(f"{SAYS}.includes('you said')"), False, "half a line")
    page.tab.press("Enter")
    page.tab.wait(f"{SAYS}.includes('you said ac') && {SAYS}.includes('and this is an error')")
    page.tab.press("d", control=True)
    page.tab.wait_text("The container ended with status 3.")
    close_terminal(page)


@test
def log_of_a_container_is_followed(page):
    page.open()
    press_in_row(page, "web-1", "Log")
    page.tab.wait(f"{SAYS}.includes('listening on port 80') && {SAYS}.includes('warning: <b>no</b> certificate')")
    page.tab.wait_text("does not run any more")
    close_terminal(page)


@test
def container_is_run_with_a_terminal(page):
    page.expected = ["404"]
    page.open()
    page.tab.click_text("Run…")
    page.answer_dialog("busybox sh -c 'echo it'")
    page.tab.wait(f"{SAYS}.includes('busybox is not here yet') && {SAYS}.includes('aa11: Pull complete')")
    page.tab.wait(f"{SAYS}.includes('attached ')")
    press_all(page, "hi")
    page.tab.wait(f"{SAYS}.includes('attached hi')")
    page.show("overview")
    page.tab.wait(f"{row('made-2')}?.innerText.includes('busybox') && {row('made-2')}.querySelector('.state.good')")
    page.show("terminal")
    page.tab.wait(f"{SAYS}.includes('attached hi')")
    close_terminal(page)


@test
def image_that_is_nowhere_is_told(page):
    page.expected = ["404"]
    page.open()
    page.tab.click_text("Run…")
    page.answer_dialog("missing")
    page.tab.wait_text("missing is in no registry", ".ended")


@test
def shell_of_the_page_opens_terminals(page):
    page.expected = ["404"]
    page.open("terminal")
    page.answer("docker exec -it web-1 cat /etc/motd")
    page.tab.wait(f"{SAYS}.includes('cat') && {SAYS}.includes('in web-1 #')")
    close_terminal(page)
    page.answer("docker run -it alpine")
    page.tab.wait(f"{SAYS}.includes('attached ')")
    close_terminal(page)
    page.answer("docker attach nobody")
    page.tab.wait_text("No such container: nobody", ".ended")
    close_terminal(page)
    check_equal(page.answer("docker stop nobody"), "No such container: nobody")


@test
def containers_are_in_the_palette(page):
    page.open()
    page.command("shell in web-1")
    page.tab.wait_text("in web-1 #", SCREEN)
    close_terminal(page)
    page.command("stop web-1")
    page.tab.wait_text("web-1 was stopped", ".notices")
