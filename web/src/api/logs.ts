// SPDX-License-Identifier: MIT
// The log lines that this page keeps: the newest of them.

import { signal } from "@preact/signals";
import type { LogLine, Logs } from "./types";

const KEPT = 5000;

export const logs = signal<LogLine[]>([]);
// Lines that the system overwrote before they could be read.
export const logsLost = signal(0);

let next = 0;

export function nextLog(): number {
	return next;
}

// keepLogs: adds what is new; null: another boot begins, with another numbering.
export function keepLogs(added: Logs | null): void {
	if (!added) {
		next = 0;
		logs.value = [];
		logsLost.value = 0;
		return;
	}
	const fresh = added.lines.filter((line) => line.seq >= next);
	next = Math.max(next, added.next);
	if (added.lost) logsLost.value += added.lost;
	if (fresh.length) logs.value = [...logs.value, ...fresh].slice(-KEPT);
}
