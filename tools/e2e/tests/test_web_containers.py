# SPDX-License-Identifier: MIT
"""Containers of ./run.sh --engine from the web page: run, attached to, exec'ed into, their logs, in a browser."""

import json

from harness import check, check_equal, test
from test_engine_containers import IMAGE, make_image
from test_web_page import SCREEN, System, press_all

# A container whose program reads lines, and has no terminal.
READER = ["sh", "-c", "echo begin; echo wrong >&2; while read line; do echo got-$line; done; exit 5"]


def row(name):
    """JavaScript: the row of the container whose name or image has these words."""
    return f"[...document.querySelectorAll('.rows li')].find((each) => each.innerText.includes({json.dumps(name)}))"


def press(page, name, words):
    """One of a container's buttons."""
    page.show("overview")
    button = f"[...({row(name)}?.querySelectorAll('button') ?? [])].find((e) => e.innerText === {json.dumps(words)})"
    page.tab.wait(f"!!{button}", f"{words} of {name}")
    page.tab.run(f"{button}.click()")


def says(page, text):
    """Waits for words in the chosen terminal."""
    page.tab.wait_text(text, SCREEN)


def create(page, name, body):
    """A container by the engine's API, as the page itself asks for it."""
    status = page.tab.run(f"""fetch('/engine/containers/create?name={name}', {{ method: 'POST', body: JSON.stringify({json.dumps(body)}),
        headers: {{ Authorization: 'Bearer ' + sessionStorage.getItem('starina.token'), 'Content-Type': 'application/json' }} }})
        .then((answer) => answer.status)""")
    check_equal(status, 201, "create")


def with_a_terminal(page):
    """One that is run from the page: its shell, another one in it, and its end."""
    page.tab.click_text("Run…")
    page.answer_dialog(f"{IMAGE} sh")
    says(page, "#")
    press_all(page.tab, "echo one-$((40 + 2)); tty")
    says(page, "one-42")
    says(page, "/dev/")
    press(page, IMAGE, "Shell")
    says(page, "#")
    press_all(page.tab, "cat /proc/1/comm; stty size; exit 3")
    page.tab.wait_text("The program ended with status 3.", ".pane:not([hidden]) .ended")
    size_of = f"document.querySelector('{SCREEN}').innerText.match(/(\\d+)\\s(\\d+)/)"
    page.tab.wait(size_of, "what stty says")
    size = page.tab.run(f"{size_of}.slice(1).map(Number)")
    check(size[0] > 10 and size[1] > 40, f"stty size: {size}")
    press(page, IMAGE, "Attach")
    says(page, "Attached.")
    press_all(page.tab, "echo two-$((40 + 3))")
    says(page, "two-43")
    press_all(page.tab, "exit 7")
    page.tab.wait_text("The container ended with status 7.", ".pane:not([hidden]) .ended")
    page.show("overview")
    page.tab.wait(f"{row(IMAGE)}.innerText.includes('Exited (7)')")
    press(page, IMAGE, "Remove")
    page.tab.click_text("Remove it")
    page.tab.wait(f"!{row(IMAGE)}", "one container less")


def without_a_terminal(page):
    """One that reads lines: what is typed goes out by lines, and its log has all."""
    create(page, "reader", {"Image": IMAGE, "Cmd": READER, "OpenStdin": True})
    press(page, "reader", "Start")
    page.tab.wait_text("reader was started", ".notices")
    press(page, "reader", "Attach")
    says(page, "Attached.")
    press_all(page.tab, "first")
    says(page, "got-first")
    press(page, "reader", "Log")
    for words in ("begin", "wrong", "got-first"):
        says(page, words)
    page.show("terminal")
    page.tab.run("[...document.querySelectorAll('[role=tab]')].find((e) => e.innerText === 'reader (attached)').click()")
    press_all(page.tab, "second")
    says(page, "got-second")
    page.tab.run("[...document.querySelectorAll('[role=tab]')].find((e) => e.innerText === 'reader (log)').click()")
    says(page, "got-second")
    press(page, "reader", "Stop")
    page.tab.wait_text("reader was stopped", ".notices")
    page.show("terminal")
    page.tab.wait_text("The container does not run any more.", ".pane:not([hidden]) .ended")


@test
def containers_from_the_page(context):
    settings = {"LINUXRUN_IMAGES": f"{IMAGE}=oci://{make_image(context)}", "STARINA_MEMORY": "2G"}
    with System(context, "--engine", **settings) as page:
        page.open("overview")
        page.tab.wait_text("No containers yet.")
        with_a_terminal(page)
        without_a_terminal(page)
        page.show("terminal")
        page.tab.run("document.querySelector('[role=tab]').click()")
        page.answer("docker start reader")
        check_equal(page.answer("docker exec reader sh -c 'echo in-$0'"), "in-sh")
        check_equal(page.problems(), [], "the browser's complaints")
