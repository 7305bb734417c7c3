// SPDX-License-Identifier: MIT
// Completion of the word before the cursor.

import { get } from "../api/client";
import type { Folder } from "../api/types";
import { commandOf, known } from "./commands";
import { quoted } from "./parse";
import { names, variables } from "./session";

export interface Completion {
	// From where in the line on the choices stand.
	start: number;
	choices: string[];
}

async function paths(word: string): Promise<string[]> {
	const folder = word.slice(0, word.lastIndexOf("/") + 1) || "/";
	try {
		const { entries } = await get<Folder>(`files?path=${encodeURIComponent(folder.replace(/(.)\/$/, "$1"))}`);
		return entries.map((entry) => folder + entry.name + (entry.kind === "folder" ? "/" : ""));
	} catch {
		return [];
	}
}

// complete: what the last word of `line` can be.
export async function complete(line: string): Promise<Completion> {
	const start = /\S*$/.exec(line)!.index;
	const word = line.slice(start);
	const [name = "", ...before] = line.slice(0, start).trim().split(/\s+/);
	const command = commandOf(name);
	let choices: string[];
	if (!name) choices = [...names(), ...Object.keys(variables)];
	else if (name === "help") choices = names();
	else if (command) {
		const kind = command.words[Math.min(before.length, command.words.length - 1)] ?? "word";
		choices = kind === "path" ? await paths(word) : known(kind).map(quoted);
	} else choices = [...names(), ...Object.keys(variables)];
	return { start, choices: [...new Set(choices)].filter((choice) => choice.startsWith(word)).sort() };
}

// common: what all choices begin with.
export function common(choices: readonly string[]): string {
	let prefix = choices[0] ?? "";
	for (const choice of choices) while (!choice.startsWith(prefix)) prefix = prefix.slice(0, -1);
	return prefix;
}
