// SPDX-License-Identifier: MIT
// Where types are checked: a worker, for it is large, and takes its time. It has no network: all that it needs is in it.

import types from "starina-types";
import ts from "typescript";
import type { Problem } from "./scripts/problem";
import type { FromTypes, ToTypes } from "./scripts/type_messages";

const { options } = ts.convertCompilerOptionsFromJson(types.options, "/");
const DECLARATIONS = Object.keys(types.declarations).map((name) => `/${name}`);
// The folder of the app and of the declarations is the root.
const APP = "/app.ts";
const LIBRARY = "/lib";
// Of a text that is no program all is wrong: nobody reads so many.
const PROBLEMS_MAX = 50;
// Those that stay the same are parsed once.
const parsed = new Map<string, ts.SourceFile>();
let source = "";
let program: ts.Program | undefined;

function textOf(path: string): string | undefined {
	if (path === APP) return source;
	const name = path.slice(path.lastIndexOf("/") + 1);
	if (path === `/${name}`) return types.declarations[name];
	return path === `${LIBRARY}/${name}` ? types.library[name] : undefined;
}

function sourceFile(path: string, version: ts.ScriptTarget | ts.CreateSourceFileOptions): ts.SourceFile | undefined {
	const known = parsed.get(path);
	const text = textOf(path);
	if (known?.text === text || text === undefined) return known;
	const file = ts.createSourceFile(path, text, version);
	parsed.set(path, file);
	return file;
}

const host: ts.CompilerHost = {
	getSourceFile: sourceFile,
	getDefaultLibFileName: () => `${LIBRARY}/lib.es2023.d.ts`,
	getDefaultLibLocation: () => LIBRARY,
	writeFile: () => {},
	getCurrentDirectory: () => "/",
	getCanonicalFileName: (name) => name,
	useCaseSensitiveFileNames: () => true,
	getNewLine: () => "\n",
	fileExists: (path) => textOf(path) !== undefined,
	readFile: textOf,
};

function problemOf({ file, start, code, messageText }: ts.Diagnostic): Problem {
	const text = `TS${code}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
	if (!file || start === undefined) return { line: null, column: null, text };
	const { line, character } = file.getLineAndCharacterOfPosition(start);
	return { line: line + 1, column: character + 1, text };
}

function check(): Problem[] {
	program = ts.createProgram({ rootNames: [APP, ...DECLARATIONS], options, host, ...(program && { oldProgram: program }) });
	const file = program.getSourceFile(APP);
	return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].slice(0, PROBLEMS_MAX).map(problemOf);
}

addEventListener("message", ({ data }: MessageEvent<ToTypes>) => {
	source = data.source;
	let problems: Problem[] | null = null;
	try {
		problems = check();
	} catch {
		// What nests deeper than it can follow is not checked.
		program = undefined;
	}
	postMessage({ call: data.call, problems } satisfies FromTypes);
});
