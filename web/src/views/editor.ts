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
import "prism-code-editor/prism/languages/yaml";

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
	ts: "javascript",
	xml: "markup",
	yaml: "yaml",
	yml: "yaml",
};

export function languageOf(name: string): string {
	if (/^makefile$/i.test(name)) return "makefile";
	return LANGUAGES[/\.([a-z]+)$/i.exec(name)?.[1]?.toLowerCase() ?? ""] ?? "plain";
}

export type Editor = PrismEditor;

// openEditor: an editor in `place`. `onChange` is called with its text after each change.
export function openEditor(place: HTMLElement, name: string, text: string, onChange: (text: string) => void): Editor {
	const editor = createEditor(
		place,
		{ language: languageOf(name), value: text, lineNumbers: true, tabSize: 4, insertSpaces: false, onUpdate: onChange },
		defaultCommands(),
		editHistory(),
		matchBrackets(),
	);
	editor.textarea.setAttribute("aria-label", "Text of the file");
	return editor;
}
