// SPDX-License-Identifier: MIT
// Checks types in a worker, which is fetched when it is asked for first, and stays: it knows the language by then.

import type { Problem } from "./problem";
import type { FromTypes, ToTypes } from "./type_messages";

// It is large, and a network may be slow.
const PATIENCE_MS = 60_000;

type Settle = (problems: readonly Problem[] | null) => void;

let worker: Worker | null = null;
let calls = 0;
const waiting = new Map<number, Settle>();

// drop: ends the worker; what was asked of it is not checked. The next call starts another one.
function drop(): void {
	worker?.terminate();
	worker = null;
	for (const settle of [...waiting.values()]) settle(null);
}

function start(): Worker {
	const started = new Worker("types_worker.js", { type: "module" });
	started.onerror = drop;
	started.onmessage = ({ data }: MessageEvent<FromTypes>) => waiting.get(data.call)?.(data.problems);
	return started;
}

// checkTypes: what is wrong with the types of a source; null: they could not be checked.
export function checkTypes(source: string): Promise<readonly Problem[] | null> {
	return new Promise((resolve) => {
		const call = ++calls;
		const patience = setTimeout(drop, PATIENCE_MS);
		waiting.set(call, (problems) => {
			clearTimeout(patience);
			waiting.delete(call);
			resolve(problems);
		});
		worker ??= start();
		worker.postMessage({ call, source } satisfies ToTypes);
	});
}
