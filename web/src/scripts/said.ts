// SPDX-License-Identifier: MIT
// What the log has of an app that was written here.

import type { LogLine } from "../api/types";
import type { Problem } from "./problem";
import type { Run } from "./runs";

// saidBy: lines of the app since it was run, and of those that tell of it.
export function saidBy(lines: readonly LogLine[], run: Run): LogLine[] {
	const about = `${run.app}: `;
	return lines.filter(
		(line) =>
			line.seq >= run.since && (line.app === run.app || (["kernel", "app_manager"].includes(line.app) && line.text.startsWith(about))),
	);
}

export interface Place {
	// Where it begins in the text, and how long it is.
	at: number;
	length: number;
	line: number;
}

// placeIn: the first place of a source that a text names, as stacks do.
export function placeIn(text: string, file: string): Place | null {
	const at = text.indexOf(`${file}:`);
	const digits = at < 0 ? undefined : /^\d+/.exec(text.slice(at + file.length + 1))?.[0];
	return digits === undefined ? null : { at, length: file.length + 1 + digits.length, line: Number(digits) };
}

// faultOf: what the app ended with, where its source brought it about; null: with nothing of the kind.
export function faultOf(said: readonly LogLine[], file: string): Problem | null {
	const head = said.findLastIndex((line) => /^(uncaught exception|unhandled rejection): /.test(line.text));
	if (head < 0) return null;
	for (const { app, text } of said.slice(head + 1)) {
		const place = app === said[head]!.app ? placeIn(text, file) : null;
		if (place) return { line: place.line, column: null, text: said[head]!.text };
	}
	return null;
}
