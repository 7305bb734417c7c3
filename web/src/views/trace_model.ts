// SPDX-License-Identifier: MIT
// A trace as lanes of spans and marks, out of Chrome's format.

import type { TraceEvent } from "../api/types";

export interface Span {
	name: string;
	start: number;
	end: number;
	args: Record<string, unknown>;
}

export interface Lane {
	name: string;
	// Of a hart: what it ran. Else of a thread: what it did.
	isHart: boolean;
	spans: Span[];
	marks: Span[];
}

export interface Model {
	lanes: Lane[];
	// Microseconds.
	start: number;
	end: number;
	harts: number;
	// Time of each name on all harts, most first.
	totals: { name: string; time: number; times: number }[];
}

// The process that harts are threads of.
const HARTS = "harts";

// namesOf: what the metadata calls processes ("PID") and threads ("PID TID").
function namesOf(events: readonly TraceEvent[]): Map<string, string> {
	const names = new Map<string, string>();
	for (const event of events) {
		if (event.ph !== "M" || typeof event.args?.name !== "string") continue;
		if (event.name === "process_name") names.set(String(event.pid), event.args.name);
		if (event.name === "thread_name") names.set(`${event.pid} ${event.tid}`, event.args.name);
	}
	return names;
}

// place: puts an event into its lane; `open` are spans that have begun.
function place(lane: Lane, open: Span[], event: TraceEvent): void {
	const span = { name: event.name, start: event.ts, end: event.ts + (event.dur ?? 0), args: event.args ?? {} };
	if (event.ph === "X") lane.spans.push(span);
	else if (event.ph === "B") open.push(span);
	else if (event.ph === "E") {
		const begun = open.pop();
		if (begun) lane.spans.push({ ...begun, end: event.ts });
	} else if (event.ph === "i" || event.ph === "I") lane.marks.push(span);
}

function totalsOf(lanes: readonly Lane[]): Model["totals"] {
	const totals = new Map<string, { name: string; time: number; times: number }>();
	for (const { spans, isHart } of lanes) {
		if (!isHart) continue;
		for (const { name, start, end } of spans) {
			const total = totals.get(name) ?? { name, time: 0, times: 0 };
			total.time += end - start;
			total.times++;
			totals.set(name, total);
		}
	}
	return [...totals.values()].sort((a, b) => b.time - a.time);
}

export function modelOf(events: readonly TraceEvent[]): Model {
	const names = namesOf(events);
	const lanes = new Map<string, { lane: Lane; open: Span[] }>();
	const timed = events.filter((event) => event.ph !== "M" && Number.isFinite(event.ts)).sort((a, b) => a.ts - b.ts);
	for (const event of timed) {
		const key = `${event.pid} ${event.tid}`;
		let entry = lanes.get(key);
		if (!entry) {
			const process = names.get(String(event.pid)) ?? `process ${event.pid}`;
			const name = names.get(key) ?? `${process} ${event.tid}`;
			entry = { lane: { name, isHart: process === HARTS, spans: [], marks: [] }, open: [] };
			lanes.set(key, entry);
		}
		place(entry.lane, entry.open, event);
	}
	const all = [...lanes.values()]
		.map(({ lane }) => lane)
		.sort((a, b) => Number(b.isHart) - Number(a.isHart) || a.name.localeCompare(b.name, undefined, { numeric: true }));
	const ends = timed.map((event) => event.ts + (event.dur ?? 0));
	return {
		lanes: all,
		harts: all.filter((lane) => lane.isHart).length,
		start: timed[0]?.ts ?? 0,
		end: ends.reduce((latest, end) => Math.max(latest, end), 0),
		totals: totalsOf(all),
	};
}
