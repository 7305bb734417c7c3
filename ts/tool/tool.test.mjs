// SPDX-License-Identifier: MIT
//
// The tool, as it is called: good apps, and each thing that can be wrong with one. What it writes is
// checked by libs/loader (starina-push --check).
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { makeScript, readLines } from "./script.mjs";
import { readSpec } from "./spec.mjs";

const TOOL = join(dirname(fileURLToPath(import.meta.url)), "main.mjs");
const PUSH = join(process.env.BUILD ?? "build", "host", "starina-push");
const folder = mkdtempSync(join(tmpdir(), "starina-ts-test."));
after(() => rmSync(folder, { recursive: true }));

const main = () => {};

/** Builds `files`, of which main.ts is the app. */
function build(files, ...options) {
	const at = mkdtempSync(join(folder, "app."));

	for (const [name, text] of Object.entries(files)) {
		mkdirSync(dirname(join(at, name)), { recursive: true });
		writeFileSync(join(at, name), text);
	}
	const result = spawnSync(process.execPath, [TOOL, "main.ts", "--app", "out.app", ...options], { cwd: at, encoding: "utf8" });
	return { ...result, at };
}

function expectError(files, expected, ...options) {
	const { status, stderr } = build(files, ...options);

	assert.match(stderr, expected);
	assert.equal(status, 1);
}

const HELLO = 'import { app, log } from "starina";\nexport default app({ name: "hello", main() { log.info("hi"); } });\n';

test("an app becomes a file that the loader reads", () => {
	const { status, stdout, at } = build({ "main.ts": HELLO });

	assert.equal(status, 0);
	assert.equal(stdout, "hello\n");
	const check = spawnSync(PUSH, ["--check", join(at, "out.app")], { encoding: "utf8" });
	assert.equal(check.stdout, "hello\n", check.stderr);
});

test("the loader refuses it at each length", () => {
	const { at } = build({ "main.ts": HELLO });
	const bytes = readFileSync(join(at, "out.app"));
	const paths = [];

	for (let length = 0; length < bytes.length; length += 331) {
		paths.push(join(at, `${length}.app`));
		writeFileSync(paths.at(-1), bytes.subarray(0, length));
	}
	const check = spawnSync(PUSH, ["--check", ...paths], { encoding: "utf8" });
	assert.equal(check.stdout, "");
	assert.equal(check.status, 1);
});

test("types: file, line and column", () => {
	expectError({ "main.ts": HELLO.replace('"hi"', '"hi" satisfies number') }, /^main\.ts:2:\d+: error TS\d+: /);
	expectError({ "main.ts": 'import { x } from "./lib/x";\n' + HELLO.replace('"hi"', "x"),
		"lib/x.ts": "export const x: number =\n\t\"no\";\n" }, /^lib\/x\.ts:1:14: error TS2322: /);
	expectError({ "main.ts": HELLO.replace("log.info", "log.shout") }, /^main\.ts:2:\d+: error TS\d+: .*shout/);
	expectError({ "main.ts": HELLO.replace("log }", "log, nothing }") }, /^main\.ts:1:20: error TS/);
	expectError({ "main.ts": "export default app({\n" }, /^main\.ts:\d+:\d+: error TS/);
});

test("what is not there", () => {
	expectError({ "other.ts": HELLO }, /^there is no main\.ts/);
	expectError({ "main.ts": HELLO + 'import "npm-package-that-is-not-there";\n' }, /npm-package-that-is-not-there/);
	expectError({ "main.ts": HELLO }, /its name is 'hello', and its folder's 'other'/, "--name", "other");
	expectError({ "main.ts": "export {};\n" }, /it has no app/);
	expectError({ "main.ts": HELLO }, /^usage: /, "--nonsense", "x");
});

test("the top level runs without a system", () => {
	expectError({ "main.ts": 'import { app, log } from "starina";\n\nlog.info("x");\n' + HELLO.split("\n")[1] },
		/^main\.ts: its top level throws in main\.ts:3: Error: log\.info is used before main/);
	expectError({ "main.ts": HELLO + "throw new TypeError(\"mine\");\n" }, /its top level throws in main\.ts:3: TypeError: mine/);
	expectError({ "main.ts": HELLO + "for (;;);\n" }, /its top level has not ended within 10 s/);
	expectError({ "main.ts": HELLO + "await new Promise(() => {});\n" }, /its top level never ends/);
	assert.equal(build({ "main.ts": 'import * as s from "starina";\nconst log = s.log.info;\n' +
		'export default s.app({ name: "hello", main() { log("x"); } });\n' }).status, 0);
});

test("the top level has nothing of the host", () => {
	const top = (text) => `const host: any = globalThis;\nconst get = (name: string): Promise<any> => import("node:" + name);\n${text}\n`;
	const refused = /its top level throws in main\.ts:\d: Error: Access to this API has been restricted/;

	for (const text of ['(await get("fs")).readFileSync("/etc/hosts");', '(await get("fs")).writeFileSync("/tmp/starina-ts-written", "");',
		'(await get("child_process")).spawnSync("true");', 'new (await get("worker_threads")).Worker("", { eval: true });'])
		expectError({ "main.ts": HELLO + top(text) }, refused);
	expectError({ "main.ts": HELLO + top("throw new Error(Object.keys(host.process.env).join() + '!');") }, /: Error: (NODE_CHANNEL\w+,?)*!$/m);
	expectError({ "main.ts": HELLO + top("host.process.exit(7);") }, /its top level ends the process that runs it: status 7/);
});

test("lines of the sources", () => {
	const map = { version: 3, sources: ["a", "b"], mappings: "AAAA;;AACA,EAEA;ACDA;A" };

	assert.deepEqual(readLines(map), [{ source: 0, line: 1 }, null, { source: 0, line: 2 }, { source: 1, line: 3 }, null]);
	const script = makeScript("x;\n", ["main.ts"], [{ source: 0, line: 7 }, null]);
	const view = new DataView(script.buffer);
	assert.equal(view.getUint32(8, true), script.length);
	assert.equal(view.getUint32(view.getUint32(32, true) + 4, true), 7);
});

test("specs that are wrong", () => {
	const wrong = [
		[undefined, /it has no app/], [{ name: "a b", main }, /"a b" is not a name/], [{ name: "x".repeat(24), main }, /is not a name/],
		[{ main }, /undefined is not a name/], [{ name: "a", nedes: [] }, /the app has no field 'nedes'/],
		[{ name: "a", needs: [{ servise: "x" }] }, /need 1 is {"servise":"x"}: it is to have one of service, /],
		[{ name: "a", needs: [{ service: "x", device: "y" }] }, /need 1 is/], [{ name: "a", needs: [null] }, /need 1 is null/],
		[{ name: "a", needs: [{ service: "x y" }] }, /the name of need 1 \(service\) is "x y"/],
		[{ name: "a", needs: [{ service: "x".repeat(32) }] }, /1 to 31 ASCII/], [{ name: "a", needs: {} }, /needs are to be an array of at most 16/],
		[{ name: "a", needs: Array(17).fill({ service: "x" }) }, /at most 16/], [{ name: "a", provides: Array(5).fill("x") }, /at most 4/],
		[{ name: "a", needs: [{ service: "x" }, { service: "x" }] }, /it needs x twice/], [{ name: "a", provides: ["x", "x"] }, /it provides 'x' twice/],
		[{ name: "a", needs: [{ service: "x" }], provides: ["x"] }, /which it provides itself/],
		[{ name: "a", needs: [{ config: "c", fallback: "\x1b[2J" }] }, /the fallback of need 1/],
		[{ name: "a", needs: [{ config: "c", fallback: "x".repeat(128) }] }, /at most 127/], [{ name: "a", needs: [{ service: "c", fallback: "x" }] }, /has no field 'fallback'/],
		[{ name: "a", needs: [{ kept: "k" }] }, /has no size/], [{ name: "a", needs: [{ kept: "k", size: 2 ** 23 }] }, /the size of need 1/],
		[{ name: "a", needs: [{ system: "x" }] }, /and is to be true/], [{ name: "a", needs: [{ service: "x", optional: 1 }] }, /optional is 1/],
		[{ name: "a", limits: { memory: -1 } }, /the memory limit is -1/], [{ name: "a", limits: { memory: 2 ** 40 } }, /the memory limit/],
		[{ name: "a", limits: { handels: 1 } }, /limits has no field 'handels'/], [{ name: "a", restart: "sometimes" }, /restart is "sometimes"/],
		[{ name: "a", restart: "toString" }, /restart is "toString"/], [{ name: "a", needs: [{ constructor: "x" }] }, /need 1 is {"constructor":"x"}/],
	];

	for (const [spec, expected] of wrong)
		assert.throws(() => readSpec(spec), expected);
	const good = readSpec({ name: "a", needs: [{ service: "x", optional: true }, { config: "c", fallback: "grüß dich" }, { system: true }],
		provides: ["y"], limits: { memory: 1 << 20 }, restart: "on fault" });
	assert.deepEqual(good.needs.map(need => need.kind), [1, 3, 4]);
	assert.equal(good.restart, 1);
	assert.equal(good.memory, 1 << 20);
});
