// SPDX-License-Identifier: MIT
// The apps that there are, whether they run or not: asked for anew when a process comes or goes.

import { computed, effect, signal } from "@preact/signals";
import { get } from "./client";
import { connection, processes } from "./live";
import type { App } from "./types";

export const apps = signal<App[]>([]);

// Those that can be started, stopped and replaced.
export const loaded = computed(() => apps.value.filter((app) => app.origin === "loaded"));
export const stopped = computed(() => loaded.value.filter((app) => app.state === "loaded"));

const shape = computed(() => processes.value.map((process) => process.id).join());

async function refresh(): Promise<void> {
	try {
		apps.value = await get<App[]>("apps");
	} catch {
		// What the list had stays: the next change asks again.
	}
}

export function followApps(): void {
	effect(() => {
		if (connection.value === "live" && shape.value) void refresh();
	});
}
