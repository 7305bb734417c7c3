// SPDX-License-Identifier: MIT
// The editor for text files.

import { createEditor, type PrismEditor } from "prism-code-editor";
import { defaultCommands, editHistory } from "prism-code-editor/commands";
import { matchBrackets } from "prism-code-editor/match-brackets";
import "prism-code-editor/prism/languages/bash";
import "prism-code-editor/prism/languages/c";
import "prism-code-editor/prism/languages/css";
import "prism-code-editor/prism/languages/javascript";
import "prism-code-editor/prism/languages/json";
import "prism-code-editor/prism/languages/makefile";
import "prism-code-editor/prism/languages/markdown";
import "prism-code-editor/prism/languages/markup";
import "prism-code-editor/prism/languages/python";
import "prism-code-editor/prism/languages/typescript";
import "prism-code-editor/prism/languages/yaml";
import { visible } from "../format";
import type { Problem } from "../scripts/problem";

const LANGUAGES: Record<string, string> = {
	c: "c",
	h: "c",
	css: "css",
	html: "markup",
	js: "javascript",
	json: "json",
	md: "markdown",
	mk: "makefile",
	py: "python",
	sh: "bash",
	svg: "markup",
	ts: "typescript",
	xml: "markup",
	yaml: "yaml",
	yml: "yaml",
};

const TAB = 4;

export function languageOf(name: string): string {
	if (/^makefile$/i.test(name)) return "makefile";
	return LANGUAGES[/\.([a-z]+)$/i.exec(name)?.[1]?.toLowerCase() ?? ""] ?? "plain";
}

export type Editor = PrismEditor;

// openEditor: an editor in `place`. `onChange` is called with its text after each change.
export function openEditor(place: HTMLElement, name: string, text: string, onChange: (text: string) => void): Editor {
	const editor = createEditor(
		place,
		{ language: languageOf(name), value: text, lineNumbers: true, tabSize: TAB, insertSpaces: false, onUpdate: onChange },
		defaultCommands(),
		editHistory(),
		matchBrackets(),
	);
	editor.textarea.setAttribute("aria-label", "Text of the file");
	return editor;
}

// columnsOf: how wide a line is, in characters.
function columnsOf(text: string): number {
	let columns = 0;
	for (const each of text.trimEnd()) columns += each === "\t" ? TAB - (columns % TAB) : 1;
	return columns;
}

// markProblems: shows each beside its line, and none beside the others.
export function markProblems(editor: Editor, problems: readonly Problem[]): void {
	// The first of the lines is what lies over them.
	for (let i = 1; i < editor.lines.length; i++) {
		const line = editor.lines[i]!;
		const mine = problems.filter((problem) => problem.line === i).map((problem) => visible(problem.text.split("\n", 1)[0]!));
		line.classList.toggle("wrong", mine.length > 0);
		if (!mine.length) {
			delete line.dataset.problem;
			continue;
		}
		line.dataset.problem = mine.join(" · ");
		line.style.setProperty("--columns", String(columnsOf(line.textContent ?? "")));
	}
}

// showPlace: puts the cursor there.
export function showPlace({ textarea, lines }: Editor, line: number, column: number): void {
	const rows = textarea.value.split("\n");
	const at = rows.slice(0, line - 1).reduce((sum, row) => sum + row.length + 1, 0);
	const end = at + (rows[line - 1]?.length ?? 0);
	textarea.focus();
	textarea.setSelectionRange(Math.min(at + column - 1, end), Math.min(at + column - 1, end));
	lines[line]?.scrollIntoView({ block: "nearest" });
}
