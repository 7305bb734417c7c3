// SPDX-License-Identifier: MIT
// TypeScript to JavaScript, by taking the types out: each line stays where it is. What cannot be had that way is refused.

import CJSImportProcessor from "sucrase/dist/esm/CJSImportProcessor.js";
import { HelperManager } from "sucrase/dist/esm/HelperManager.js";
import identifyShadowedGlobals from "sucrase/dist/esm/identifyShadowedGlobals.js";
import NameManager from "sucrase/dist/esm/NameManager.js";
import { parse } from "sucrase/dist/esm/parser/index.js";
import { ContextualKeyword } from "sucrase/dist/esm/parser/tokenizer/keywords.js";
import { TokenType } from "sucrase/dist/esm/parser/tokenizer/types.js";
import TokenProcessor from "sucrase/dist/esm/TokenProcessor.js";
import RootTransformer from "sucrase/dist/esm/transformers/RootTransformer.js";
import getTSImportedNames from "sucrase/dist/esm/util/getTSImportedNames.js";
import type { Problem } from "./problem";

type Parsed = ReturnType<typeof parse>;

export class CompileError extends Error {
	constructor(readonly problem: Problem) {
		super(problem.text);
	}
}

function problemAt(source: string, at: number, text: string): CompileError {
	const before = source.slice(0, at);
	return new CompileError({ line: before.split("\n").length, column: at - before.lastIndexOf("\n"), text });
}

const PUSH = "./starina push on the host makes an app of more than one file";

// checkImport: a module has nothing but the system beside it.
function checkImport(source: string, at: number, name: string): void {
	if (name === "starina") return;
	const what = name.startsWith(".") ? `${name} is another file` : `${name} is a package`;
	throw problemAt(source, at, `${what}: here an app is one file, which imports from "starina" only. ${PUSH}`);
}

// check: refuses what taking the types out would lose, or leave behind.
function check(source: string, { tokens }: Parsed): void {
	tokens.forEach((token, i) => {
		const [before, next, third] = [tokens[i - 1], tokens[i + 1], tokens[i + 2]];
		const refuse = (what: string) => {
			throw problemAt(source, token.start, what);
		};
		const isBlock = token.contextualKeyword === ContextualKeyword._namespace || token.contextualKeyword === ContextualKeyword._module;
		if (isBlock && token.isType && next?.type === TokenType.name && before?.contextualKeyword !== ContextualKeyword._declare)
			refuse("namespaces cannot be compiled here: export what is in it, or use an object");
		const word = token.type === TokenType.name && next?.type === TokenType.name ? source.slice(token.start, token.end) : "";
		if (!token.isType && (word === "using" || word === "accessor")) refuse(`"${word}" is not known here`);
		if (token.type === TokenType.at) refuse("decorators are not known here");
		if (token.type === TokenType._export && next?.type === TokenType.eq) refuse('"export =" is of another kind of module: use "export default"');
		if (token.type === TokenType._import && next?.type === TokenType.parenL) refuse("import() has nothing to import here");
		if (token.type === TokenType._import && next?.type === TokenType.name && third?.type === TokenType.eq)
			refuse('"import =" is of another kind of module: use "import ... from"');
		const isName = token.type === TokenType.string && (before?.type === TokenType._import || before?.contextualKeyword === ContextualKeyword._from);
		if (isName) checkImport(source, token.start, source.slice(token.start + 1, token.end - 1));
	});
}

// transform: `asScript`: imports stay, as an ES module has them; else they are calls of require().
function transform(source: string, { tokens, scopes }: Parsed, asScript: boolean): string {
	const names = new NameManager(source, tokens);
	const helpers = new HelperManager(names);
	const options = { disableESTransforms: true };
	const processor = new TokenProcessor(source, tokens, false, true, helpers);
	let imports = null;
	if (asScript) identifyShadowedGlobals(processor, scopes, getTSImportedNames(processor));
	else {
		imports = new CJSImportProcessor(names, processor, false, options, true, false, helpers);
		imports.preprocessTokens();
		identifyShadowedGlobals(processor, scopes, imports.getGlobalNames());
		imports.pruneTypeOnlyImports();
	}
	const context = { tokenProcessor: processor, scopes, nameManager: names, importProcessor: imports, helperManager: helpers };
	return new RootTransformer(context, asScript ? ["typescript"] : ["typescript", "imports"], false, options).transform().code;
}

export interface Compiled {
	// The module, as the system runs it.
	script: string;
	// The body of a function of require and exports.
	body: string;
}

function parsed(source: string): Parsed {
	try {
		return parse(source, false, true, false);
	} catch (error) {
		const { message, loc } = error as Error & { loc?: { line: number; column: number } };
		throw new CompileError({ line: loc?.line ?? 1, column: loc?.column ?? 1, text: message.replace(/ \(\d+:\d+\)$/, "") });
	}
}

// compile: throws a CompileError.
export function compile(source: string): Compiled {
	check(source, parsed(source));
	// Each takes tokens of its own: it changes them.
	return { script: transform(source, parsed(source), true), body: transform(source, parsed(source), false) };
}
