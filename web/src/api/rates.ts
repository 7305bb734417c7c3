// SPDX-License-Identifier: MIT
// What changes from one live message to the next, a second: CPU shares, messages, bytes; and how they went of late.

import { signal } from "@preact/signals";
import type { Live } from "./types";

export const HISTORY = 60;

// Of one hart, by process id.
export const cpuShares = signal<ReadonlyMap<number, number>>(new Map());
// Of each hart, newest last.
export const hartShares = signal<readonly (readonly number[])[]>([]);
export const memoryUse = signal<readonly number[]>([]);
// Messages a second by channel id, both ways together.
export const channelRates = signal<ReadonlyMap<number, number>>(new Map());
export const messageRates = signal<readonly number[]>([]);
// Bytes a second, received and sent, of all interfaces.
export const networkRates = signal<readonly { rx: number; tx: number }[]>([]);
// Bytes a second, read and written, by the disk's name.
export const diskRates = signal<ReadonlyMap<string, { read: number; written: number }>>(new Map());

// The counters of the last message, by what they count.
let counters = new Map<string, number>();
let timeNs = 0;

function grown<T>(history: readonly T[], value: T): T[] {
	return [...history, value].slice(-HISTORY);
}

// meter: reads counters of one message; gives what each grew by a second since the last one.
function meter(seconds: number): { read: (key: string, value: number) => number; counted: Map<string, number> } {
	const counted = new Map<string, number>();
	const read = (key: string, value: number): number => {
		counted.set(key, value);
		const before = counters.get(key);
		return before === undefined || value < before || seconds <= 0 ? 0 : (value - before) / seconds;
	};
	return { read, counted };
}

// observe: takes a message's counters. A clock that goes back is another boot's.
export function observe(message: Live): void {
	const seconds = (message.time_ns - timeNs) / 1e9;
	if (seconds < 0) forget();
	const { read, counted } = meter(timeNs ? seconds : 0);
	timeNs = message.time_ns;
	if (message.processes) {
		cpuShares.value = new Map(message.processes.map((p) => [p.id, read(`cpu ${p.id}`, p.cpu_ns) / 1e9]));
	}
	if (message.harts) {
		hartShares.value = message.harts.map((hart, i) => {
			const busy = read(`busy ${hart.id}`, hart.busy_ns);
			const all = busy + read(`idle ${hart.id}`, hart.idle_ns);
			return grown(hartShares.value[i] ?? [], all > 0 ? busy / all : 0);
		});
	}
	if (message.memory && message.memory.total) {
		memoryUse.value = grown(memoryUse.value, 1 - message.memory.free / message.memory.total);
	}
	if (message.channels) {
		const rates = message.channels.map(
			(c) => [c.id, read(`channel ${c.id}`, (c.ends[0]?.sent ?? 0) + (c.ends[1]?.sent ?? 0))] as const,
		);
		channelRates.value = new Map(rates);
		messageRates.value = grown(messageRates.value, rates.reduce((sum, [, value]) => sum + value, 0));
	}
	if (message.network) {
		const sum = { rx: 0, tx: 0 };
		for (const each of message.network.interfaces) {
			sum.rx += read(`rx ${each.name}`, each.rx_bytes);
			sum.tx += read(`tx ${each.name}`, each.tx_bytes);
		}
		networkRates.value = grown(networkRates.value, sum);
	}
	if (message.disks) {
		diskRates.value = new Map(
			message.disks.disks.map((disk) => [
				disk.name,
				{ read: read(`read ${disk.name}`, disk.read_bytes), written: read(`written ${disk.name}`, disk.written_bytes) },
			]),
		);
	}
	counters = new Map([...counters, ...counted]);
	if (counters.size > 20_000) counters = counted;
}

function forget(): void {
	counters = new Map();
	timeNs = 0;
	hartShares.value = [];
	memoryUse.value = [];
	messageRates.value = [];
	networkRates.value = [];
}
