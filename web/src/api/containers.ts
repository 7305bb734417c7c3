// SPDX-License-Identifier: MIT
// The engine's containers: asked for every few seconds while there is an engine and somebody looks.

import { computed, effect, signal } from "@preact/signals";
import { get } from "./client";
import { connection, processes } from "./live";
import type { Container } from "./types";

const ENGINE = "engine";
const PACE_MS = 3000;

// null: no engine is served.
export const containers = signal<Container[] | null>(null);

const served = computed(() => connection.value === "live" && processes.value.some((process) => process.name === ENGINE));

export async function refreshContainers(): Promise<void> {
	try {
		containers.value = await get<Container[]>("containers");
	} catch {
		containers.value = null;
	}
}

export function followContainers(): void {
	effect(() => {
		if (!served.value) {
			containers.value = null;
			return undefined;
		}
		void refreshContainers();
		const timer = setInterval(() => document.hidden || void refreshContainers(), PACE_MS);
		return () => clearInterval(timer);
	});
}
