// SPDX-License-Identifier: MIT
// Where apps are compiled, and where their top level runs, for their spec: a worker that may evaluate, and may do nothing
// else. It has no token and no network.

import { absent, describe, type Answer } from "../../ts/tool/top_level.mjs";
import { compile, CompileError } from "./scripts/compile";
import type { FromCompiler, ToCompiler } from "./scripts/messages";

const post = (message: FromCompiler) => postMessage(message);
const AsyncFunction = (async () => {}).constructor as new (...args: string[]) => (...args: unknown[]) => Promise<unknown>;
// The name of the source in stacks, which the page does not show.
const NAME = "app.ts";
// The lines that such a function has before its body.
const HEAD_LINES = 2;

// The module "starina", as the top level sees it.
const starina = new Proxy(
	{ app: (spec: unknown) => spec },
	{ get: (known, name) => (name === "app" ? known.app : name === "__esModule" || typeof name === "symbol" ? undefined : absent(name)) },
);

// lineOf: the line of `file` of the source that an error is from.
function lineOf(error: unknown): number | null {
	const stack = error instanceof Error ? String(error.stack) : "";
	const at = stack.indexOf(`${NAME}:`);
	const line = at < 0 ? NaN : parseInt(stack.slice(at + NAME.length + 1), 10) - HEAD_LINES;
	return line > 0 ? line : null;
}

async function run(body: string): Promise<{ answer: Answer; line: number | null }> {
	const exported: { default?: unknown } = {};
	try {
		await new AsyncFunction("require", "exports", `${body}\n//# sourceURL=${NAME}`)(() => starina, exported);
		return { answer: describe(exported.default), line: null };
	} catch (error) {
		return { answer: { error: String(error) }, line: lineOf(error) };
	}
}

addEventListener("message", ({ data: { source } }: MessageEvent<ToCompiler>) => {
	try {
		const { script, body } = compile(source);
		post({ kind: "compiled", script });
		void run(body).then((ran) => post({ kind: "ran", ...ran }));
	} catch (error) {
		// One without a place is the compiler's own: of what nests deeper than it can follow.
		const problem = error instanceof CompileError ? error.problem : { line: null, column: null, text: String(error) };
		post({ kind: "refused", problem });
	}
});
