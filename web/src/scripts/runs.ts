// SPDX-License-Identifier: MIT
// Sources that were made an app of and run, by path: how that went. It outlives the editor, whichever way that is left.

import { signal } from "@preact/signals";
import { API, request, say } from "../api/client";
import { nextLog } from "../api/logs";
import { build, BuildError, type BuiltApp } from "./build";
import type { Problem } from "./problem";
import { checkTypes } from "./types";

export interface Run {
	state: "new" | "building" | "refused" | "failed" | "runs";
	// What it was called when it was made; null: it was not made yet.
	app: string | null;
	problems: readonly Problem[];
	// What the system said of it, or how long it took.
	text: string;
	// The number of the first line of the log that may be of it.
	since: number;
}

export const runs = signal<ReadonlyMap<string, Run>>(new Map());
// The newest source of each path: what was saved while another one was on its way is next.
const waiting = new Map<string, string>();

function note(path: string, change: Partial<Run>): void {
	const before = runs.value.get(path) ?? { state: "new", app: null, problems: [], text: "", since: nextLog() };
	runs.value = new Map(runs.value).set(path, { ...before, ...change });
}

// isApp: whether a text looks as the module of an app does.
export function isApp(name: string, text: string): boolean {
	return name.endsWith(".ts") && /\bfrom\s*["']starina["']/.test(text) && /\bexport\s+default\b/.test(text);
}

// checkSource: notes what is wrong with the types of a source; whether they could be checked.
export async function checkSource(path: string, source: string, isCurrent: () => boolean): Promise<boolean> {
	const problems = await checkTypes(source);
	if (problems && isCurrent()) note(path, { problems });
	return problems !== null;
}

// make: the app of a source, and whether its types were checked. Throws BuildErrors.
async function make(file: string, source: string): Promise<{ app: BuiltApp; isChecked: boolean }> {
	const types = checkTypes(source);
	const app = await build(file, source);
	const problems = await types;
	if (problems?.length) throw new BuildError(problems);
	return { app, isChecked: problems !== null };
}

async function runOnce(path: string, file: string, source: string): Promise<void> {
	const begin = performance.now();
	note(path, { state: "building", text: "" });
	try {
		const { app, isChecked } = await make(file, source);
		note(path, { app: app.name, problems: [], since: nextLog() });
		await request("PUT", `${API}apps/${encodeURIComponent(app.name)}`, new Blob([app.file]));
		const text = `${app.name} runs, after ${((performance.now() - begin) / 1000).toFixed(2)} s`;
		note(path, { state: "runs", text: isChecked ? text : `${text}; its types could not be checked` });
	} catch (error) {
		if (error instanceof BuildError) note(path, { state: "refused", problems: error.problems, text: "It was not run: the version before stays." });
		else note(path, { state: "failed", text: say(error) });
	}
}

// runSource: makes an app of a source and has the system run it, in place of the one of that name. One after the other.
export async function runSource(path: string, file: string, source: string): Promise<void> {
	const isBusy = waiting.has(path);
	waiting.set(path, source);
	if (isBusy) return;
	for (let newest = source; ; newest = waiting.get(path)!) {
		await runOnce(path, file, newest);
		if (waiting.get(path) === newest) break;
	}
	waiting.delete(path);
}
