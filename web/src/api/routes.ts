// SPDX-License-Identifier: MIT
// The routes that this system's API has: what needs one that is not there is not offered.

import { effect, signal } from "@preact/signals";
import { get } from "./client";
import { connection } from "./live";

const PREFIX = /^\/api\/v1/;

const routes = signal<ReadonlySet<string>>(new Set());

export function hasRoute(path: string): boolean {
	return routes.value.has(path);
}

async function refresh(): Promise<void> {
	try {
		const { paths } = await get<{ paths: Record<string, unknown> }>("openapi.json");
		routes.value = new Set(Object.keys(paths).map((path) => path.replace(PREFIX, "")));
	} catch {
		// Those that are known stay: the next connection asks again.
	}
}

export function followRoutes(): void {
	effect(() => {
		if (connection.value === "live") void refresh();
	});
}
