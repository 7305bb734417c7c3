// SPDX-License-Identifier: MIT
// Sources that were made an app of and run, by path: how that went. It outlives the editor, whichever way that is left.

import { signal } from "@preact/signals";
import { API, request, say } from "../api/client";
import { time } from "../api/live";
import { nextLog } from "../api/logs";
import { build, BuildError, type BuiltApp } from "./build";
import type { Problem } from "./problem";
import { checkTypes } from "./types";

export interface Run {
	state: "new" | "building" | "refused" | "failed" | "runs";
	// What it was called when it was made; null: it was not made yet.
	app: string | null;
	// The source that was made an app of, and what was wrong with it but for its types.
	source: string;
	problems: readonly Problem[];
	// What is wrong with the types of the source as it is now.
	types: readonly Problem[];
	// What the system said of it, or how long it took.
	text: string;
	// The number of the first line of the log that may be of it.
	since: number;
	// When it was known to run, by the system's clock.
	at: number;
}

export const runs = signal<ReadonlyMap<string, Run>>(new Map());
// The newest source of each path: what was saved while another one was on its way is next.
const waiting = new Map<string, string>();

function note(path: string, change: Partial<Run>): void {
	const before = runs.value.get(path) ?? { state: "new", app: null, source: "", problems: [], types: [], text: "", since: nextLog(), at: 0 };
	runs.value = new Map(runs.value).set(path, { ...before, ...change });
}

// isApp: whether a text looks as the module of an app does.
export function isApp(name: string, text: string): boolean {
	return name.endsWith(".ts") && /\bfrom\s*["']starina["']/.test(text) && /\bexport\s+default\b/.test(text);
}

// checkSource: notes what is wrong with the types of a source, if it is current still when that is known.
export async function checkSource(path: string, source: string, isCurrent: () => boolean): Promise<void> {
	const types = await checkTypes(source);
	if (types && isCurrent()) note(path, { types });
}

// problemsOf: what is wrong with a source, as far as it is known.
export function problemsOf(run: Run, source: string): readonly Problem[] {
	return run.source === source && run.problems.length ? run.problems : run.types;
}

// make: the app of a source, whose types are right or could not be checked; null: it has problems, which are noted.
async function make(path: string, file: string, source: string): Promise<{ app: BuiltApp; isChecked: boolean } | null> {
	const checking = checkTypes(source);
	try {
		const app = await build(file, source);
		const types = await checking;
		note(path, { problems: [], types: types ?? [] });
		return types?.length ? null : { app, isChecked: types !== null };
	} catch (error) {
		if (!(error instanceof BuildError)) throw error;
		note(path, { problems: [error.problem] });
		return null;
	}
}

async function runOnce(path: string, file: string, source: string): Promise<void> {
	const begin = performance.now();
	note(path, { state: "building", source, problems: [], text: "" });
	try {
		const made = await make(path, file, source);
		if (!made) {
			note(path, { state: "refused", text: "It was not run." });
			return;
		}
		const { name, file: bytes } = made.app;
		note(path, { app: name, since: nextLog() });
		await request("PUT", `${API}apps/${encodeURIComponent(name)}`, new Blob([bytes]));
		const text = `${name} runs, after ${((performance.now() - begin) / 1000).toFixed(2)} s`;
		note(path, { state: "runs", at: time.value, text: made.isChecked ? text : `${text}; its types could not be checked` });
	} catch (error) {
		note(path, { state: "failed", text: say(error) });
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
