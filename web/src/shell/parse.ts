// SPDX-License-Identifier: MIT
// A line of the shell: [NAME =] STAGE | STAGE ... The first stage is a command with words, or an expression; the others are
// expressions, in which _ is what the stage before them gave.

export interface Line {
	// The variable that keeps the result, if any.
	name: string | null;
	stages: string[];
}

const QUOTES = new Set(["'", '"', "`"]);
const OPENERS = new Set(["(", "[", "{"]);
const CLOSERS = new Set([")", "]", "}"]);

// splitPipe: at each | that is not in quotes, in brackets, or part of ||.
function splitPipe(text: string): string[] {
	const parts: string[] = [];
	let quote = "";
	let depth = 0;
	let start = 0;
	for (let i = 0; i < text.length; i++) {
		const c = text[i]!;
		if (quote) {
			if (c === "\\") i++;
			else if (c === quote) quote = "";
		} else if (QUOTES.has(c)) quote = c;
		else if (OPENERS.has(c)) depth++;
		else if (CLOSERS.has(c)) depth--;
		else if (c === "|" && text[i + 1] === "|") i++;
		else if (c === "|" && depth === 0) {
			parts.push(text.slice(start, i));
			start = i + 1;
		}
	}
	parts.push(text.slice(start));
	return parts.map((part) => part.trim());
}

export function parseLine(text: string): Line {
	const match = /^\s*([A-Za-z$_][\w$]*)\s*=(?![=>])\s*(.*)$/s.exec(text);
	const stages = splitPipe(match ? match[2]! : text);
	if (stages.some((stage) => stage === "")) throw new Error("there is nothing on one side of the | or =");
	return { name: match?.[1] ?? null, stages };
}

// wordsOf: a command's words, with quotes as in other shells.
export function wordsOf(text: string): string[] {
	const words: string[] = [];
	const word = /\s*((?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\])+)/gy;
	let end = 0;
	for (let match = word.exec(text); match; match = word.exec(text)) {
		end = word.lastIndex;
		words.push(match[1]!.replace(/"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)/g, (_, double?: string, single?: string, one?: string) =>
			double !== undefined ? double.replace(/\\(.)/g, "$1") : (single ?? one ?? ""),
		));
	}
	if (text.slice(end).trim()) throw new Error("a quote is not closed");
	return words;
}

// quoted: a word so that wordsOf() gives it back.
export function quoted(word: string): string {
	return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'`;
}
