// SPDX-License-Identifier: MIT
//
// From a TypeScript file to a script: tsc says whether its types are right, esbuild makes one module
// of all that it imports, and its top level says what its spec is. The three run at the same time.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { evaluate } from "./evaluate.mjs";
import { makeScript, readLines } from "./script.mjs";
import { readSpec } from "./spec.mjs";

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const TYPES = join(ROOT, "ts");
// What QuickJS knows; esbuild turns the rest into that.
const TARGET = "es2023";

/** What is wrong with an app, for people: lines. */
export class BuildError extends Error {}

/** @param {string} name of a program of npm's */
function program(name) {
	const path = join(ROOT, "third_party", "web", name);

	if (!existsSync(path))
		throw new BuildError(`apps in TypeScript need ${name} of the npm registry, which is not there: run ./setup.sh`);
	return path;
}

/** @param {string} path @param {string[]} args @param {string} cwd */
function run(path, args, cwd) {
	return new Promise((done, failed) => {
		const child = spawn(path, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
		let output = "";

		child.stdout.on("data", data => { output += data; });
		child.stderr.on("data", data => { output += data; });
		child.on("error", error => failed(new BuildError(`cannot run ${path}: ${error.message}`)));
		child.on("close", status => done({ status, output }));
	});
}

/** @param {string} path as people see it from where they are */
function shown(path) {
	const short = relative(process.cwd(), path);

	return short.startsWith("../../") ? path : short;
}

/**
 * The errors of types, as FILE:LINE:COLUMN: lines; "" without any.
 *
 * @param {string} entry @param {string} folder
 */
async function checkTypes(entry, folder) {
	const types = readdirSync(TYPES).filter(name => name.endsWith(".d.ts")).map(name => join(TYPES, name));
	const config = join(folder, "tsconfig.json");

	writeFileSync(config, JSON.stringify({ extends: join(TYPES, "tsconfig.json"), files: [entry, ...types], include: [] }));
	const { status, output } = await run(program("tsc"), ["--project", config, "--noEmit", "--pretty", "false"], dirname(entry));
	if (status === 0)
		return "";
	return output.trim().split("\n").map((/** @type {string} */ line) => {
		const [, file, row, column, text] = /^(\S.*?)\((\d+),(\d+)\): (.*)$/.exec(line) ?? [];

		return file === undefined ? line : `${shown(resolve(dirname(entry), file))}:${row}:${column}: ${text}`;
	}).join("\n");
}

/** @param {string} entry @param {string} folder */
async function bundle(entry, folder) {
	const out = join(folder, "bundle.js"), meta = join(folder, "meta.json");
	const { status, output } = await run(program("esbuild"), [entry, "--bundle", "--format=esm", "--platform=neutral",
		"--main-fields=module,main", "--conditions=import,default", `--target=${TARGET}`, "--external:starina", "--charset=utf8",
		"--sourcemap=external", "--sources-content=false", "--log-level=error", "--color=false", `--outfile=${out}`,
		`--metafile=${meta}`], dirname(entry));

	if (status !== 0)
		throw new BuildError(output.trim());
	const map = JSON.parse(readFileSync(`${out}.map`, "utf8"));
	const inputs = Object.keys(JSON.parse(readFileSync(meta, "utf8")).inputs).map(path => resolve(dirname(entry), path));
	const sources = map.sources.map((/** @type {string} */ path) => relative(dirname(entry), resolve(folder, path)));
	return { javascript: readFileSync(out, "utf8"), sources, lines: readLines(map), inputs };
}

/** @param {string} entry @param {string} folder */
async function bundleAndEvaluate(entry, folder) {
	const made = await bundle(entry, folder);
	const spec = readSpec(await evaluate(made.javascript, folder, line => {
		const place = made.lines[line - 1] ?? null;

		return place === null ? null : `${made.sources[place.source]}:${place.line}`;
	}));
	return { spec, script: makeScript(made.javascript, made.sources, made.lines), inputs: made.inputs };
}

/**
 * @param {string} entry the file with the app
 * @returns {Promise<{spec: import("./spec.mjs").Spec, script: Uint8Array, inputs: string[]}>} `inputs` are the files it is made of
 */
export async function build(entry) {
	const folder = mkdtempSync(join(tmpdir(), "starina-ts."));

	try {
		const [types, made] = await Promise.allSettled([checkTypes(entry, folder), bundleAndEvaluate(entry, folder)]);

		if (types.status === "rejected")
			throw types.reason;
		if (types.value !== "")
			throw new BuildError(types.value);
		if (made.status === "rejected")
			throw made.reason;
		return made.value;
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}
