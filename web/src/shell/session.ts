// SPDX-License-Identifier: MIT
// A session of the shell: what was typed and what came of it, variables, history. It outlives the view.

import { signal } from "@preact/signals";
import { say } from "../api/client";
import { commandNames, commandOf } from "./commands";
import type { Output } from "./command";
import { evaluate } from "./evaluate";
import { parseLine, wordsOf } from "./parse";

export interface Entry {
	id: number;
	line: string;
	// What the command wrote while it ran, in pieces.
	written: { kind: "plain" | "bad"; text: string }[];
	value?: unknown;
	failure?: string;
	done: boolean;
}

const KEPT_ENTRIES = 200;
const KEPT_LINES = 500;
const KEPT_TEXT = 200_000;
const KEPT_PIECES = 100;
// Output is shown so often.
const SHOW_MS = 50;
const HISTORY_KEY = "starina.history";

export const entries = signal<readonly Entry[]>([]);
export const variables: Record<string, unknown> = {};
// Of the lines that run, the newest last.
const running: AbortController[] = [];
let last = 0;

function readHistory(): string[] {
	try {
		const kept: unknown = JSON.parse(sessionStorage.getItem(HISTORY_KEY) ?? "[]");
		return Array.isArray(kept) ? kept.map(String) : [];
	} catch {
		return [];
	}
}

export const history: string[] = readHistory();

function remember(line: string): void {
	if (history.at(-1) === line) return;
	history.push(line);
	history.splice(0, history.length - KEPT_LINES);
	try {
		// Of this tab only: lines may have secrets in them, and other systems have this origin at other times.
		sessionStorage.setItem(HISTORY_KEY, JSON.stringify(history));
	} catch {
		// It is full: what it has stays.
	}
}

function update(id: number, change: (entry: Entry) => Entry): void {
	entries.value = entries.value.map((entry) => (entry.id === id ? change(entry) : entry));
}

type Pieces = Entry["written"];

// join: pieces and one more, in place; the oldest goes when there is too much.
function join(pieces: Pieces, { kind, text }: Pieces[number]): void {
	const end = pieces.at(-1);
	if (end?.kind !== kind) pieces.push({ kind, text });
	else pieces[pieces.length - 1] = { kind, text: (end.text + text).slice(-KEPT_TEXT) };
	if (pieces.length > KEPT_PIECES) pieces.shift();
}

// writer: what a command writes, gathered, for each showing renders the entry; and what shows the rest at the end.
function writer(id: number): { write: Output["write"]; flush: () => void } {
	let unshown: Pieces = [];
	let timer = 0;
	const flush = () => {
		clearTimeout(timer);
		timer = 0;
		const added = unshown;
		unshown = [];
		if (added.length === 0) return;
		update(id, (entry) => {
			const written = [...entry.written];
			for (const piece of added) join(written, piece);
			return { ...entry, written };
		});
	};
	const write: Output["write"] = (text, kind = "plain") => {
		join(unshown, { kind, text });
		timer ||= window.setTimeout(flush, SHOW_MS);
	};
	return { write, flush };
}

function help(name: string | undefined): unknown {
	if (name !== undefined) {
		const command = commandOf(name);
		if (!command) throw new Error(`there is no command ${name}: "help" lists them`);
		return `${name} ${command.usage}\n${command.help}`;
	}
	return commandNames().map((each) => {
		const { usage, help: does } = commandOf(each)!;
		return { command: `${each} ${usage}`.trim(), does };
	});
}

// call: one command with its words.
async function call(name: string, args: string[], output: Output): Promise<unknown> {
	if (name === "help") return help(args[0]);
	if (name === "history") return history.map((line, i) => ({ number: i + 1, line }));
	const command = commandOf(name);
	if (!command) throw new Error(`there is no command ${name}: "help" lists them`);
	return command.run(args, output);
}

export function names(): string[] {
	return [...commandNames(), "help", "history", "clear"];
}

async function stage(text: string, first: boolean, output: Output): Promise<unknown> {
	if (first && names().includes(/^\S+/.exec(text)![0])) {
		const [name = "", ...args] = wordsOf(text);
		return call(name, args, output);
	}
	const callable = names().filter((each) => each !== "clear");
	return evaluate(text, variables, callable, (name, args) => call(name, args, output), output.signal);
}

// runLine: runs a line to its end. Never fails: what went wrong is in its entry.
export async function runLine(line: string): Promise<void> {
	const text = line.trim();
	if (!text) return;
	remember(text);
	if (text === "clear") {
		entries.value = [];
		return;
	}
	const id = ++last;
	const mine = new AbortController();
	running.push(mine);
	entries.value = [...entries.value.slice(1 - KEPT_ENTRIES), { id, line: text, written: [], done: false }];
	const { write, flush } = writer(id);
	const output: Output = { write, signal: mine.signal };
	try {
		const { name, stages } = parseLine(text);
		let value: unknown;
		for (const [i, part] of stages.entries()) {
			value = await stage(part, i === 0, output);
			variables._ = value;
		}
		if (name !== null) variables[name] = value;
		update(id, (entry) => ({ ...entry, value, done: true }));
	} catch (error) {
		const failure = mine.signal.aborted ? "interrupted" : say(error);
		update(id, (entry) => ({ ...entry, failure, done: true }));
	} finally {
		flush();
		const at = running.indexOf(mine);
		if (at >= 0) running.splice(at, 1);
	}
}

// interrupt: ends the newest line that runs, if any does.
export function interrupt(): boolean {
	const newest = running.pop();
	newest?.abort();
	return newest !== undefined;
}
