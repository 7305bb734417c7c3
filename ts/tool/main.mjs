#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// Makes apps of TypeScript.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

import { makeAppFile } from "./app_file.mjs";
import { BuildError, build } from "./build.mjs";
import { makeImageSource } from "./image.mjs";
import { SpecError } from "./spec.mjs";

const USAGE = `usage: ts/tool/main.mjs FILE.ts|FOLDER [--name NAME] [--app FILE] [--image FILE.c] [--inputs FILE]
Checks the app in FILE.ts, or FOLDER/main.ts, and makes of it:
  --app FILE      the file that a running system loads (docs/app-format.md)
  --image FILE.c  the part of a kernel image, and FILE.script beside it
  --inputs FILE   a list of the files that it is made of
With --name it is to have that name. Without any of these it is only checked.`;

/** @param {string[]} words */
function parse(words) {
	/** @type {Record<string, string>} */
	const options = {};

	while (words.length > 0) {
		const word = /** @type {string} */ (words.shift());
		const key = /^--(name|app|image|inputs)$/.exec(word)?.[1] ?? (word.startsWith("-") ? undefined : "entry");
		const value = key === "entry" ? word : words.shift();

		if (key === undefined || value === undefined || key in options)
			throw new BuildError(USAGE);
		options[key] = value;
	}
	return options;
}

/** @param {string | undefined} path */
function findEntry(path) {
	if (path === undefined)
		throw new BuildError(USAGE);
	const isFolder = existsSync(path) && statSync(path).isDirectory();
	const candidates = isFolder ? ["main.ts", "main.js"].map(name => join(path, name)) : [path];
	const entry = candidates.find(name => existsSync(name));

	if (entry === undefined)
		throw new BuildError(isFolder ? `there is no main.ts in ${path}` : `there is no ${path}`);
	return resolve(entry);
}

/** Whoever reads the file sees all of it or none. @param {string} path @param {string | Uint8Array} data */
function write(path, data) {
	mkdirSync(dirname(resolve(path)), { recursive: true });
	writeFileSync(`${path}.tmp`, data);
	renameSync(`${path}.tmp`, path);
}

/** @param {string[]} words */
async function main(words) {
	const options = parse(words);
	const entry = findEntry(options["entry"]);
	const { spec, script, inputs } = await build(entry);

	if (options["inputs"] !== undefined)
		write(options["inputs"], inputs.map(path => `${path}\n`).join(""));
	if (options["name"] !== undefined && spec.name !== options["name"])
		throw new SpecError(`its name is '${spec.name}', and its folder's '${options["name"]}': one of them is wrong`);
	if (options["app"] !== undefined)
		write(options["app"], makeAppFile(spec, script));
	if (options["image"] !== undefined) {
		const path = options["image"].replace(/(\.user)?\.c$/, ".script");
		const digest = createHash("sha256").update(script).digest("hex");

		write(path, script);
		write(options["image"], makeImageSource(spec, relative(process.cwd(), path), script.length, digest));
	}
	return spec.name;
}

try {
	console.log(await main(process.argv.slice(2)));
} catch (error) {
	if (!(error instanceof BuildError || error instanceof SpecError))
		throw error;
	console.error(error instanceof SpecError ? `${process.argv[2]}: ${error.message}` : error.message);
	process.exitCode = 1;
}
