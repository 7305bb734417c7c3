# SPDX-License-Identifier: MIT
"""Apps in TypeScript that are written in the web page of a running system."""

from harness import check_equal, test
from test_web_page import System, suite

PROVIDER = """import { app, log, services } from "starina";

export default app({
	name: "louder",
	provides: ["louder"],
	async main() {
		log.info("version VERSION");
		for await (const client of services.provide("louder"))
			log.info("version VERSION has a client");
	},
});
"""
CLIENT = """import { app, log, services, type Channel } from "starina";

export default app({
	name: "asker",
	needs: [{ service: "louder" }],
	main: () => services.client("louder", async (louder: Channel) => {
		log.info("connected");
		await louder.recv();
	}),
});
"""


def begin(page, name):
    """A new app, in the editor."""
    page.command("new app")
    page.answer_dialog(name)
    page.tab.wait(f"document.querySelector('.pce-textarea')?.value.includes('name: \"{name}\"')", "a source to begin with")


def save(page, text, words, within=".run .state"):
    """Saves a source in the editor, and waits for what becomes of it."""
    suite.edit(page.tab, text)
    page.tab.press("s", control=True)
    page.tab.wait_text(words, within)


@test
def apps_are_written_in_the_page(context):
    with System(context) as page:
        page.expected = ["409", "status of 4"]
        page.open("overview")
        begin(page, "asker")
        save(page, CLIENT, "needs the service 'louder', which no app provides", ".run .state.failed")
        begin(page, "louder")
        save(page, PROVIDER.replace("VERSION", "1"), "louder runs, after")
        page.tab.wait_text("version 1", ".run .said")
        page.show("files", "/~/asker.ts")
        page.tab.click_text("Run")
        page.tab.wait_text("asker runs, after", ".run .state")
        page.tab.wait_text("connected", ".run .said")
        # Another version has the client again.
        page.show("files", "/~/louder.ts")
        save(page, PROVIDER.replace("VERSION", "2"), "version 2 has a client", ".run .said")
        # One that throws at once is taken back; where it threw is said.
        failing = PROVIDER.replace("VERSION", "3").replace('log.info("version 3");', 'throw new Error("not today");')
        save(page, failing, "the new version was taken back", ".run .state.failed")
        page.tab.wait_text("louder.ts:7", ".run .said")
        page.tab.wait("document.querySelectorAll('.pce-line')[6].dataset.problem?.includes('not today')", "what it threw, beside its line")
        # What has wrong types, or cannot be compiled, does not reach the system.
        save(page, "namespace N { export const a = 1; }\n" + PROVIDER, "namespaces cannot be compiled here", ".problems")
        save(page, PROVIDER.replace("log.info", "log.inof"), "louder.ts:7:7 TS2339", ".problems")
        page.tab.wait("document.querySelectorAll('.pce-line')[6].dataset.problem", "the error beside its line")
        save(page, PROVIDER + "\x01", "Unexpected character", ".problems")
        page.show("terminal")
        check_equal(page.answer("ps | _.filter(p => ['louder', 'asker'].includes(p.name)).length"), "2")
        check_equal(page.problems(), [], "the browser's complaints")
