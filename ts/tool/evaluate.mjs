// SPDX-License-Identifier: MIT
//
// Finds the spec of an app: runs the top level of its bundle in a process of its own, with a module
// "starina" whose app() hands over what it is given. All else of that module can be named, but not
// called: the system is not there. Nor is the host: the process has an empty environment, and node's
// permission model lets it read its folder, write nothing and start nothing.
import { spawn } from "node:child_process";
import { mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { SpecError } from "./spec.mjs";
import { absent, describe, PATIENCE_MS, specOf, tooLate } from "./top_level.mjs";

const STUB = `
${absent}
export const app = spec => spec;
`;

// Of a process whose top level waits for what never comes.
const STATUS_UNSETTLED = 13;

const PROCESS = `
${describe}
process.on("unhandledRejection", () => {});
// Stays until its answer was read.
const answer = (message) => process.once("message", () => {}).send(message);
try {
	answer(describe((await import(process.argv[2])).default));
} catch (error) {
	answer({ error: String(error), stack: String(error?.stack) });
}
`;

/** What the bundle takes from "starina". @param {string} bundle */
function importedNames(bundle) {
	const names = new Set();

	for (const [, list = ""] of bundle.matchAll(/^import\s*\{([^}]*)\}\s*from\s*"starina";/gm)) {
		for (const item of list.split(","))
			names.add(item.trim().split(/\s+as\s+/)[0]);
	}
	for (const [, space = ""] of bundle.matchAll(/^import\s*\*\s*as\s+(\S+)\s*from\s*"starina";/gm)) {
		for (const [, name = ""] of bundle.matchAll(new RegExp(`\\b${space.replace(/\$/g, "\\$")}\\.([A-Za-z_]\\w*)`, "g")))
			names.add(name);
	}
	names.delete("app");
	names.delete("");
	return names;
}

/** What node is told, so that it keeps a script from the host. @param {string} folder that it may read */
function permissions(folder) {
	const flag = ["--permission", "--experimental-permission"].find(name => process.allowedNodeEnvironmentFlags.has(name));

	return flag === undefined ? [] : [flag, `--allow-fs-read=${join(folder, "*")}`];
}

/** @param {string} entry @param {string} folder @returns {Promise<any>} what the process says */
function runProcess(entry, folder) {
	const path = join(folder, "process.mjs");

	writeFileSync(path, PROCESS);
	return new Promise((resolve, reject) => {
		const child = spawn(process.execPath, [...permissions(folder), path, pathToFileURL(entry).href],
			{ cwd: folder, env: {}, stdio: ["ignore", "ignore", "ignore", "ipc"] });
		const patience = setTimeout(() => end(() => reject(tooLate())), PATIENCE_MS);
		const end = (/** @type {() => void} */ settle) => {
			clearTimeout(patience);
			child.kill("SIGKILL");
			settle();
		};

		child.on("message", answer => end(() => resolve(answer)));
		child.on("error", error => end(() => reject(new SpecError(String(error)))));
		child.on("exit", (status, signal) => end(() => reject(new SpecError(status === STATUS_UNSETTLED
			? "its top level never ends: it waits for what does not come"
			: `its top level ends the process that runs it: ${signal ?? `status ${status}`}`))));
	});
}

/**
 * @param {string} bundle the ES module
 * @param {string} folder to work in, which it may read
 * @param {(line: number) => string | null} place where a line of the bundle is from, for messages
 * @returns {Promise<unknown>} the argument of app()
 */
export async function evaluate(bundle, folder, place) {
	const real = realpathSync(folder);
	const entry = join(real, "script.mjs");
	const stub = join(real, "node_modules", "starina");

	mkdirSync(stub, { recursive: true });
	writeFileSync(join(stub, "package.json"), '{"name":"starina","type":"module","exports":"./index.mjs"}');
	writeFileSync(join(stub, "index.mjs"), STUB +
		[...importedNames(bundle)].map(name => `export const ${name} = absent("${name}");\n`).join(""));
	writeFileSync(entry, bundle);
	const answer = await runProcess(entry, real);
	const line = /script\.mjs:(\d+)/.exec(answer.stack ?? "")?.[1];

	return specOf(answer, line !== undefined ? place(Number(line)) : null);
}
