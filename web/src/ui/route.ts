// SPDX-License-Identifier: MIT
// Which view is shown, kept in the address: #/processes/12.

import { computed, signal } from "@preact/signals";
import { hasRoute } from "../api/routes";

export const VIEWS = ["overview", "processes", "logs", "terminal", "files", "trace"] as const;
export type View = (typeof VIEWS)[number];

// What a view cannot do without.
const NEEDS: Partial<Record<View, string>> = { files: "/files", trace: "/trace" };

// Those that this system can serve.
export const views = computed(() => VIEWS.filter((view) => NEEDS[view] === undefined || hasRoute(NEEDS[view])));

export interface Route {
	view: View;
	argument: string;
}

function parse(hash: string): Route {
	const [, name = "", ...rest] = hash.split("/");
	const view = VIEWS.find((each) => each === name) ?? "overview";
	let argument = "";
	try {
		argument = decodeURIComponent(rest.join("/"));
	} catch {
		// Not ours: the view without it.
	}
	return { view, argument };
}

export const route = signal<Route>(parse(location.hash));

export function hrefOf(view: View, argument = ""): string {
	return `#/${view}${argument ? `/${encodeURIComponent(argument)}` : ""}`;
}

export function go(view: View, argument = ""): void {
	location.hash = hrefOf(view, argument);
}

window.addEventListener("hashchange", () => {
	route.value = parse(location.hash);
});
