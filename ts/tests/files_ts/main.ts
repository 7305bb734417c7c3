// SPDX-License-Identifier: MIT
//
// Files of the share "notes", in which the host has put hello.txt (tools/e2e/tests/test_typescript.py,
// which looks at what is left there, too).
import { app, files, log, type Folder } from "starina";

function equal(actual: unknown, wanted: unknown, what: string): void {
	const [a, w] = [actual, wanted].map(v => JSON.stringify(v));
	if (a !== w)
		throw new Error(`${what}: ${a}, and not ${w}`);
}

// How a promise is rejected: never by an exception of the call itself.
async function refused(promise: Promise<unknown>, code: string): Promise<void> {
	const error: unknown = await promise.then(() => undefined, (e: unknown) => e);
	if (!(error instanceof Error) || error.name !== "StarinaError")
		throw new Error(`not refused with ${code}: ${String(error)}`);
	equal((error as { code?: string }).code, code, error.message);
}

async function testWhole(notes: Folder): Promise<void> {
	equal(await notes.readText("hello.txt"), "from the host: \u00fc\n", "what the host wrote");
	await notes.write("made.txt", "old");
	await notes.write("/made.txt", "from the app: \u00fc\n");
	// Longer than what is read or written at a time, with no two pieces alike.
	const big = new Uint8Array(2_500_000);
	for (let at = 0; at < big.length; at += 1000)
		big.set([at, at >> 8, at >> 16], at);
	await notes.write("big", big);
	const back = await notes.read("big");
	equal(back.length, big.length, "length of the big file");
	for (let at = 0; at < big.length; at += 500)
		equal(back[at], big[at], `byte ${at} of the big file`);
	await notes.write("empty", "");
	equal((await notes.read("empty")).length, 0, "an empty file");
}

async function testNames(notes: Folder): Promise<void> {
	await notes.makeFolder("sub");
	await refused(notes.makeFolder("sub"), "ERR_EXISTS");
	await notes.write("sub/one", "1");
	await notes.rename("sub/one", "sub/two");
	await notes.write("sub/one", "1");
	await refused(notes.rename("sub/one", "sub/two", { keep: true }), "ERR_EXISTS");
	await refused(notes.remove("sub"), "ERR_NOT_EMPTY");
	const entries = await notes.list("sub");
	equal(entries.map(e => [e.name, e.type, e.size]).sort(), [["one", "file", 1], ["two", "file", 1]], "list");
	await notes.remove("sub/one");
	await notes.remove("sub/two");
	equal(await notes.list("sub"), [], "an empty list");
	await notes.remove("sub");
	await refused(notes.stat("sub"), "ERR_NOT_FOUND");
	const { type, mode, size, modified } = await notes.stat("hello.txt");
	equal([type, mode, size], ["file", 0o644, 18], "stat");
	equal(modified, 1_700_000_000_000, "time of hello.txt");
	equal((await notes.stat("link")).type, "file", "what a link leads to");
	equal((await notes.statLink("link")).type, "link", "a link");
	await refused(notes.read("../../etc/passwd"), "ERR_NOT_FOUND");
	await refused(notes.read("hello.txt\0.old"), "ERR_INVALID");
	await refused(notes.read(""), "ERR_INVALID");
	await refused(notes.list("hello.txt"), "ERR_NOT_FOLDER");
	await notes.sync();
}

async function testOpenFiles(notes: Folder): Promise<void> {
	const file = await notes.open("open", "w+");
	equal(await file.write(0, new Uint8Array([1, 2, 3, 4])), 4, "write");
	equal([...await file.read(1n, 100)], [2, 3, 4], "read");
	equal((await file.read(4, 100)).length, 0, "read at the end");
	await file.truncate(2);
	await file.sync();
	equal((await file.stat()).size, 2, "truncate");
	file.close();
	file.close();
	await refused(file.read(0, 1), "ERR_BAD_HANDLE");
	const end = await notes.open("open", "a");
	await end.write(0, new Uint8Array([9]));
	end.close();
	equal([...await notes.read("open")], [1, 2, 9], "append");
	await refused(notes.open("open", "wx"), "ERR_EXISTS");
	await refused(notes.open("/"), "ERR_IS_FOLDER");
}

// Closing ends what is under way, and nothing else.
async function testClosed(notes: Folder): Promise<void> {
	const file = await notes.open("big");
	const other = await notes.open("big");
	const reads = [0, 1, 2].map(n => refused(file.read(n * 1000, 1_000_000), "ERR_BAD_HANDLE"));
	const goesOn = other.read(0, 1_000_000);
	file.close();
	await Promise.all(reads);
	equal((await goesOn).length, 1_000_000, "another file's read");

	const session = files.share("notes");
	const open = await session.open("closed", "w");
	// Here is the answer to the opening: the session is closed from within it, with these under way.
	const all = [
		session.list(), session.open("big"), session.read("big"), session.stat("big"), session.sync(),
		session.write("closed too", new Uint8Array(1_000_000)), open.write(0, new Uint8Array(1_000_000)), open.stat(),
	].map(promise => refused(promise, "ERR_BAD_HANDLE"));
	session.close();
	await Promise.all(all);
	await refused(session.stat("big"), "ERR_BAD_HANDLE");
	await refused(open.stat(), "ERR_BAD_HANDLE");
	const early = files.share("notes");
	const never = refused(early.stat("big"), "ERR_BAD_HANDLE");
	early.close();
	await never;
	equal((await other.read(0, 10)).length, 10, "the other session");
}

// What nobody refers to is closed: the app has far fewer handles than this takes.
async function testForgotten(): Promise<void> {
	for (let n = 0; n < 200; n++) {
		const file = await files.share("notes").open("big");
		equal((await file.read(n, 3)).length, 3, "a file that keeps its folder");
	}
}

export default app({
	name: "files_ts",
	needs: [{ service: "files" }],
	limits: { handles: 48 },
	async main() {
		const notes = files.share("notes");
		await testWhole(notes);
		await testNames(notes);
		await testOpenFiles(notes);
		await testClosed(notes);
		await testForgotten();
		await refused(files.share("others").stat("/"), "ERR_NOT_FOUND");
		await refused((async () => files.share("x".repeat(200)))(), "ERR_TOO_LARGE");
		const undeclared = await Promise.resolve().then(() => files.own()).catch((e: unknown) => e);
		equal(undeclared instanceof TypeError, true, "a service that is no need");
		log.info("all is well");
	},
});
