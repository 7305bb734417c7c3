// SPDX-License-Identifier: MIT
// Evaluates expressions in a worker of their own.

import type { FromWorker, ToWorker } from "./worker_messages";

export type RunCommand = (command: string, args: string[]) => Promise<unknown>;

// evaluate: the value of `source`. `values` are its variables, `commands` the names of functions that run(). The worker ends
// with it: an expression that never ends is ended by `signal`.
export function evaluate(
	source: string,
	values: Record<string, unknown>,
	commands: string[],
	run: RunCommand,
	signal: AbortSignal,
): Promise<unknown> {
	return new Promise((resolve, reject) => {
		signal.throwIfAborted();
		const worker = new Worker("worker.js", { type: "module" });
		const post = (message: ToWorker) => worker.postMessage(message);
		const end = (settle: () => void) => {
			worker.terminate();
			settle();
		};
		signal.addEventListener("abort", () => end(() => reject(new Error("interrupted"))), { once: true });
		worker.onerror = () => end(() => reject(new Error("the worker for expressions could not be started")));
		worker.onmessageerror = () => end(() => reject(new Error("the result is nothing that can be shown")));
		worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
			if (data.kind === "done") end(() => resolve(data.value));
			else if (data.kind === "failed") end(() => reject(new Error(data.message)));
			else {
				run(data.command, data.args).then(
					(value) => post({ kind: "answer", call: data.call, value }),
					(error: unknown) => post({ kind: "answer", call: data.call, error: error instanceof Error ? error.message : String(error) }),
				);
			}
		};
		post({ kind: "evaluate", source, values, commands });
	});
}
