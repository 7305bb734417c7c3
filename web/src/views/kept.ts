// SPDX-License-Identifier: MIT
// The folder /~: text that is kept in this tab of the browser, for those who have no volume, or do not want to write into one.

import { signal } from "@preact/signals";
import type { Folder } from "../api/types";

export const KEPT = "/~";
const PREFIX = "starina.kept.";

// Whether an app is to be begun there: the Files view asks for its name.
export const isAppWanted = signal(false);

export function isKept(path: string): boolean {
	return path === KEPT || path.startsWith(`${KEPT}/`);
}

function keyOf(path: string): string {
	return PREFIX + path.slice(KEPT.length + 1);
}

export function keptFolder(): Folder {
	const names = Object.keys(sessionStorage)
		.filter((key) => key.startsWith(PREFIX))
		.map((key) => key.slice(PREFIX.length));
	return {
		path: KEPT,
		entries: names.sort().map((name) => ({ name, kind: "file", size: new Blob([readKept(`${KEPT}/${name}`) ?? ""]).size })),
	};
}

// readKept: null: there is none.
export function readKept(path: string): string | null {
	return sessionStorage.getItem(keyOf(path));
}

// saveKept: null removes it.
export function saveKept(path: string, text: string | null): void {
	if (text === null) sessionStorage.removeItem(keyOf(path));
	else sessionStorage.setItem(keyOf(path), text);
}
