// SPDX-License-Identifier: MIT
// The token of this boot. It comes in the address (the fragment, which no server sees), and stays in this tab.

import { signal } from "@preact/signals";

const KEY = "starina.token";

export const token = signal(sessionStorage.getItem(KEY) ?? "");

export function setToken(value: string): void {
	token.value = value;
	sessionStorage.setItem(KEY, value);
}

// takeToken: moves a token in the address into this tab, and strips it off the address.
export function takeToken(): void {
	const match = /^#token=([A-Za-z0-9_-]+)$/.exec(location.hash);
	if (!match) return;
	setToken(match[1]!);
	history.replaceState(null, "", location.pathname);
}

// tokenOf: the token in what somebody pasted, which may be the whole address.
export function tokenOf(text: string): string {
	return text.trim().replace(/^.*#token=/, "");
}
