// SPDX-License-Identifier: MIT
// Where the shell's expressions run: a worker that may evaluate, and may do nothing else. It has no token and no network;
// what it calls, the page does for it.

import type { FromWorker, ToWorker } from "./shell/worker_messages";

const post = (message: FromWorker) => postMessage(message);
const AsyncFunction = (async () => {}).constructor as new (...args: string[]) => (...args: unknown[]) => Promise<unknown>;
const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
let calls = 0;

// commandOf: a function that has the page run a command of the shell.
function commandOf(command: string) {
	return (...args: unknown[]): Promise<unknown> =>
		new Promise((resolve, reject) => {
			const call = ++calls;
			waiting.set(call, { resolve, reject });
			post({ kind: "call", call, command, args: args.map(String) });
		});
}

// compiled: an expression, or else statements that may return.
function compiled(names: string[], source: string) {
	try {
		return new AsyncFunction(...names, `"use strict"; return (${source}\n)`);
	} catch {
		return new AsyncFunction(...names, `"use strict"; ${source}`);
	}
}

async function evaluate({ source, values, commands }: Extract<ToWorker, { kind: "evaluate" }>): Promise<void> {
	try {
		const scope: Record<string, unknown> = Object.fromEntries(commands.map((name) => [name, commandOf(name)]));
		Object.assign(scope, values);
		const result = await compiled(Object.keys(scope), source)(...Object.values(scope));
		const value: unknown = typeof result === "function" ? await (result as (it: unknown) => unknown)(values._) : result;
		post({ kind: "done", value });
	} catch (error) {
		post({ kind: "failed", message: error instanceof Error ? `${error.name}: ${error.message}` : String(error) });
	}
}

addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
	if (data.kind === "evaluate") {
		void evaluate(data);
		return;
	}
	const call = waiting.get(data.call);
	waiting.delete(data.call);
	if (data.error === undefined) call?.resolve(data.value);
	else call?.reject(new Error(data.error));
});
