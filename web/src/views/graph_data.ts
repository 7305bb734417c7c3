// SPDX-License-Identifier: MIT
// The service graph out of processes, services and channels.

import type { Channel, Process, Service } from "../api/types";

export interface Link {
	from: number;
	to: number;
	services: string[];
	channels: number;
	// Messages a second.
	rate: number;
	// The fullest queue: a share of what it takes.
	full: number;
	queued: number;
}

// What a queue takes when the system does not say.
const USUAL_CAPACITY = 16;

// directed: the ends of a channel as who uses whom. Channels that came of a session have no service: of two processes, the
// one that was started first serves the other, as a rule.
function directed(channel: Channel, providers: ReadonlyMap<string, number>): [number, number] | null {
	const [a, b] = [channel.ends[0]?.process, channel.ends[1]?.process];
	if (a === undefined || b === undefined || a === b) return null;
	const provider = channel.service === null ? undefined : providers.get(channel.service);
	if (provider !== undefined) return provider === a ? [b, a] : [a, b];
	return a < b ? [b, a] : [a, b];
}

// linksOf: one for each pair of processes that are connected.
export function linksOf(
	processes: readonly Process[],
	services: readonly Service[],
	channels: readonly Channel[],
	rates: ReadonlyMap<number, number>,
): Link[] {
	const known = new Set(processes.map((process) => process.id));
	const providers = new Map(services.flatMap(({ name, provider }) => (provider ? [[name, provider.id] as const] : [])));
	const links = new Map<string, Link>();
	for (const channel of channels) {
		const ends = directed(channel, providers);
		if (!ends || !known.has(ends[0]) || !known.has(ends[1])) continue;
		const [from, to] = ends;
		// A pair has one line, whoever connected first.
		const key = links.has(`${to} ${from}`) ? `${to} ${from}` : `${from} ${to}`;
		const link = links.get(key) ?? { from, to, services: [], channels: 0, rate: 0, full: 0, queued: 0 };
		links.set(key, link);
		link.channels++;
		link.rate += rates.get(channel.id) ?? 0;
		if (channel.service !== null && !link.services.includes(channel.service)) link.services.push(channel.service);
		for (const end of channel.ends) {
			if (!end) continue;
			link.queued += end.queued;
			link.full = Math.max(link.full, end.queued / (end.capacity || USUAL_CAPACITY));
		}
	}
	return [...links.values()];
}
