// SPDX-License-Identifier: MIT
// What a command of the shell is.

export interface Output {
	// Words as they come, while the command runs.
	write: (text: string, kind?: "plain" | "bad") => void;
	signal: AbortSignal;
}

// What the words of a command can be, for completion.
export type Kind = "process" | "app" | "command" | "view" | "path" | "container" | "word";

export interface Command {
	// The route of the API that it cannot do without, if a system may be without it.
	needs?: string;
	usage: string;
	help: string;
	// Of each word; the last one holds for those after it, too.
	words: Kind[];
	// The result is a value: shown, kept in _, and computed on.
	run: (args: string[], output: Output) => Promise<unknown>;
}

// need: the argument at `index`; an error that says what was wanted.
export function need(args: string[], index: number, what: string): string {
	const value = args[index];
	if (value === undefined) throw new Error(`${what} is missing`);
	return value;
}
