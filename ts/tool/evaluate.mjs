// SPDX-License-Identifier: MIT
//
// Finds the spec of an app: runs the top level of its bundle in a thread of its own, with a module
// "starina" whose app() hands over what it is given. All else of that module can be named, but not
// called: the system is not there.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";

import { SpecError } from "./spec.mjs";

const PATIENCE_MS = 10000;

const STUB = `
function absent(name) {
	const refuse = () => {
		throw new Error(name + " is used before main: at the top level of its modules an app has no system yet");
	};
	return new Proxy(function () {}, {
		apply: refuse,
		construct: refuse,
		get: (target, key) => typeof key === "symbol" ? undefined : key === "prototype" ? target.prototype : absent(name + "." + key),
	});
}
export const app = spec => spec;
`;

const WORKER = `
import { parentPort, workerData } from "node:worker_threads";
process.on("unhandledRejection", () => {});
try {
	const spec = (await import(workerData)).default;
	const isObject = typeof spec === "object" && spec !== null;
	const seen = isObject ? JSON.stringify(spec, (key, value) => typeof value === "bigint" ? String(value) : value) : undefined;
	parentPort.postMessage({ spec: seen, main: isObject ? typeof spec.main : "undefined" });
} catch (error) {
	parentPort.postMessage({ error: String(error), stack: String(error?.stack) });
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

/** @param {string} entry @param {string} folder @returns {Promise<any>} what the thread says */
function runWorker(entry, folder) {
	const path = join(folder, "worker.mjs");

	writeFileSync(path, WORKER);
	return new Promise((resolve, reject) => {
		const worker = new Worker(path, { workerData: pathToFileURL(entry).href, stdout: true, stderr: true });
		const patience = setTimeout(() => {
			reject(new SpecError(`its top level has not ended within ${PATIENCE_MS / 1000} s`));
			worker.terminate();
		}, PATIENCE_MS);

		worker.on("message", answer => {
			clearTimeout(patience);
			resolve(answer);
			worker.terminate();
		});
		worker.on("error", error => reject(new SpecError(String(error))));
		worker.on("exit", () => {
			clearTimeout(patience);
			reject(new SpecError("its top level never ends: it waits for what does not come"));
		});
	});
}

/**
 * @param {string} bundle the ES module
 * @param {string} folder to work in
 * @param {(line: number) => string | null} place where a line of the bundle is from, for messages
 * @returns {Promise<unknown>} the argument of app()
 */
export async function evaluate(bundle, folder, place) {
	const entry = join(folder, "script.mjs");
	const stub = join(folder, "node_modules", "starina");

	mkdirSync(stub, { recursive: true });
	writeFileSync(join(stub, "package.json"), '{"name":"starina","type":"module","exports":"./index.mjs"}');
	writeFileSync(join(stub, "index.mjs"), STUB +
		[...importedNames(bundle)].map(name => `export const ${name} = absent("${name}");\n`).join(""));
	writeFileSync(entry, bundle);
	const answer = await runWorker(entry, folder);
	if (answer.error !== undefined) {
		const line = /script\.mjs:(\d+)/.exec(answer.stack)?.[1];
		const where = line !== undefined ? place(Number(line)) : null;

		throw new SpecError(`its top level throws${where !== null ? ` in ${where}` : ""}: ${answer.error}`);
	}
	if (answer.spec !== undefined && answer.main !== "function")
		throw new SpecError("its app has no main: a function that is called with the environment");
	return answer.spec === undefined ? undefined : JSON.parse(answer.spec);
}
