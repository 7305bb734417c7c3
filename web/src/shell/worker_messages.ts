// SPDX-License-Identifier: MIT
// What the page and the worker say to each other.

export type ToWorker =
	| { kind: "evaluate"; source: string; values: Record<string, unknown>; commands: string[] }
	| { kind: "answer"; call: number; value?: unknown; error?: string };

export type FromWorker =
	| { kind: "call"; call: number; command: string; args: string[] }
	| { kind: "done"; value: unknown }
	| { kind: "failed"; message: string };
