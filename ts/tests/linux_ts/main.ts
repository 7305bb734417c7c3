// SPDX-License-Identifier: MIT
//
// Linux programs and containers, each property once. It needs an image "shell:1".
import { app, type Child, type CommandStream, linux, log } from "starina";

const IMAGE = "shell:1";

function equal(actual: unknown, expected: unknown, what: string) {
	if (actual !== expected)
		throw new Error(`${what}: ${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`);
}

async function rejects(promise: Promise<unknown>, code: string | undefined, text: string, what: string) {
	try {
		await promise;
	} catch (error) {
		const { code: got, message } = error as { code?: string; message: string };
		equal(got, code, `${what}: ${message}`);
		equal(message.includes(text), true, `${what}: ${message}`);
		return;
	}
	throw new Error(`${what}: there was no error`);
}

async function first(stream: CommandStream): Promise<string> {
	return new TextDecoder().decode((await stream.next()).value);
}

async function status(child: Child): Promise<number> {
	return (await child.wait()).status;
}

const tests: Record<string, () => Promise<void>> = {
	async output() {
		const script = "pwd; id -u; echo $A; cat; echo bad >&2; exit 3";
		const command = linux.command("sh", "-c").arg(script).cwd("/tmp").user("33").env("A", "x=y").input("typed\n");
		for (let i = 0; i < 2; i++) {
			const out = await command.output();
			equal(out.status, 3, "status");
			equal(out.error, "", "error");
			equal(out.stdoutText, "/tmp\n33\nx=y\ntyped\n", "stdout");
			equal(out.stderrText, "bad\n", "stderr");
		}
	},
	async statuses() {
		equal(await linux.command("true").input(new Uint8Array(3_000_000)).status(), 0, "one that does not read");
		equal(await linux.command("seq", "100000").status(), 0, "output that nobody wants");
		equal(await linux.command("nothing").status(), 127, "no such program");
		await rejects(linux.command("true").memory(1).status(), "ERR_REFUSED", "32 MiB", "too little memory");
		await rejects(linux.command("true").arg("x".repeat(70000)).spawn(), undefined, "65536", "too many arguments");
	},
	async bytes() {
		const sent = Uint8Array.from({ length: 300_000 }, (_, i) => i * 7 + (i >> 8));
		const { stdout } = await linux.command("cat").input(sent).output();
		equal(stdout.length, sent.length, "length");
		equal(stdout.every((byte, i) => byte === sent[i]), true, "bytes");
	},
	// Far more than the app has memory for, in pieces; and more than output() keeps.
	async floods() {
		const child = await linux.command("head", "-c", "24000000", "/dev/zero").spawn();
		let length = 0;
		for await (const piece of child.stdout)
			length += piece.length;
		equal(length, 24_000_000, "length");
		equal(await status(child), 0, "status");
		await rejects(linux.command("head", "-c", "5000000", "/dev/zero").output(), "ERR_TOO_LARGE", "spawn()", "output");
	},
	async conversation() {
		const child = await linux.command("cat").spawn();
		const both = [child.stdin.write("a"), child.stdin.write("b"), child.stdin.write("c\n")];
		let text = "";
		while (!text.endsWith("\n"))
			text += await first(child.stdout);
		await Promise.all(both);
		equal(text, "abc\n", "an answer");
		await child.stdin.write("more");
		await child.stdin.end();
		equal(await child.stdout.text(), "more", "the rest");
		equal(await status(child), 0, "status");
		await rejects(child.stdin.write("x"), "ERR_BAD_HANDLE", "", "after the end");
		await child.kill();
	},
	async signals() {
		const traps = await linux.command("sh", "-c", "trap 'exit 9' TERM; echo; while :; do sleep 0.1; done").spawn();
		equal(await first(traps.stdout), "\n", "it runs");
		await traps.kill(15);
		equal(await status(traps), 9, "of its own");
		const sleeps = await linux.command("sh", "-c", "echo; exec sleep 1000").spawn();
		equal(await first(sleeps.stdout), "\n", "it runs");
		await sleeps.kill();
		equal(await status(sleeps), 137, "killed");
		await rejects(sleeps.kill(65), undefined, "1 to 64", "no signal");
	},
	async terminal() {
		const script = "stty size; read x; while [ \"$(stty size)\" = '30 100' ]; do sleep 0.1; done; stty size; echo $x >&2";
		const child = await linux.command("sh", "-c", script).terminal(30, 100).spawn();
		equal(child.stderr, undefined, "stderr");
		let text = await first(child.stdout);
		await child.resize(11, 22);
		await child.stdin.write("hi\n");
		text += await child.stdout.text();
		equal(text, "30 100\r\nhi\r\n11 22\r\nhi\r\n", "output");
		equal(await status(child), 0, "status");
	},
	async containers() {
		equal((await linux.container(IMAGE).output()).stdoutText, "from the image\n", "what the image runs");
		const own = await linux.container(IMAGE, "sh", "-c", "echo $IMAGE $B").env("B", "b").output();
		equal(own.stdoutText, "shell b\n", "arguments");
		const none = await linux.container("none:1", "sh").output();
		equal(none.status, 125, "no such image");
		equal(none.error === "", false, "and why");
	},
	// What is closed has ended, and does not hold the app up.
	async closes() {
		const child = await linux.command("sh", "-c", "echo; exec sleep 1000").spawn();
		equal(await first(child.stdout), "\n", "it runs");
		child.close();
		await rejects(child.wait(), "ERR_BAD_HANDLE", "", "wait");
		await rejects(child.stdin.write("x"), "ERR_BAD_HANDLE", "", "write");
		equal((await child.stdout.next()).done, true, "stdout");
		child.close();
	},
	async mistakes() {
		for (const wrong of [() => linux.command("ls").env("A=B", ""), () => linux.command("ls").env("", ""),
			() => linux.command("l\0s"), () => linux.container(""), () => linux.command("ls").arg(1 as unknown as string)])
			await rejects((async () => wrong())(), undefined, "", String(wrong));
	},
};

export default app({
	name: "linux_ts",
	needs: [{ service: "commands" }],

	async main() {
		for (const [name, test] of Object.entries(tests)) {
			await test();
			log.info(`ok ${name}`);
		}
		log.info(`${Object.keys(tests).length} passed`);
	},
});
