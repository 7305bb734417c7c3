// SPDX-License-Identifier: MIT
// The parts of sucrase that its transform() is made of: the whole would bring source maps and checks of options along.

declare module "sucrase/dist/esm/parser/index.js" {
	interface Token {
		type: number;
		contextualKeyword: number;
		start: number;
		end: number;
		isType: boolean;
	}
	export function parse(source: string, jsx: boolean, typescript: boolean, flow: boolean): { tokens: Token[]; scopes: unknown[] };
}
declare module "sucrase/dist/esm/parser/tokenizer/types.js" {
	export const TokenType: Record<"_import" | "_export" | "eq" | "at" | "name" | "string" | "parenL", number>;
}
declare module "sucrase/dist/esm/parser/tokenizer/keywords.js" {
	export const ContextualKeyword: Record<"_declare" | "_from" | "_module" | "_namespace", number>;
}
declare module "sucrase/dist/esm/NameManager.js" {
	export default class {
		constructor(source: string, tokens: unknown[]);
	}
}
declare module "sucrase/dist/esm/HelperManager.js" {
	export class HelperManager {
		constructor(names: unknown);
	}
}
declare module "sucrase/dist/esm/TokenProcessor.js" {
	export default class {
		constructor(source: string, tokens: unknown[], flow: boolean, keepSyntax: boolean, helpers: unknown);
	}
}
declare module "sucrase/dist/esm/CJSImportProcessor.js" {
	export default class {
		constructor(names: unknown, processor: unknown, interop: boolean, options: object, typescript: boolean, keep: boolean, helpers: unknown);
		preprocessTokens(): void;
		pruneTypeOnlyImports(): void;
		getGlobalNames(): Set<string>;
	}
}
declare module "sucrase/dist/esm/identifyShadowedGlobals.js" {
	export default function identifyShadowedGlobals(processor: unknown, scopes: unknown[], names: Set<string>): void;
}
declare module "sucrase/dist/esm/util/getTSImportedNames.js" {
	export default function getTSImportedNames(processor: unknown): Set<string>;
}
declare module "sucrase/dist/esm/transformers/RootTransformer.js" {
	export default class {
		constructor(context: object, transforms: string[], interop: boolean, options: object);
		transform(): { code: string };
	}
}
