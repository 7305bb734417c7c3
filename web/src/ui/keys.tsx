// SPDX-License-Identifier: MIT
// Keys that work everywhere.

import { signal } from "@preact/signals";
import { Dialog } from "./parts";
import { go, views } from "./route";
import { toggleTheme } from "./theme";

export const overlay = signal<"none" | "palette" | "help">("none");

export function openPalette(): void {
	overlay.value = "palette";
}

export function closeOverlay(): void {
	overlay.value = "none";
}

// typing: whether a key belongs to a field that is written in.
function typing(target: EventTarget | null): boolean {
	return target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable], .xterm") !== null;
}

function onKey(event: KeyboardEvent): void {
	if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
		event.preventDefault();
		overlay.value = overlay.value === "palette" ? "none" : "palette";
		return;
	}
	if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || overlay.value !== "none") return;
	const view = views.value[Number(event.key) - 1];
	if (view) go(view);
	else if (event.key === "?") overlay.value = "help";
	else if (event.key === "t") toggleTheme();
	else if (event.key === "/") document.querySelector<HTMLInputElement>("main input[type=search]")?.focus();
	else return;
	event.preventDefault();
}

export function listenForKeys(): () => void {
	document.addEventListener("keydown", onKey);
	return () => document.removeEventListener("keydown", onKey);
}

const KEYS: [string, string][] = [
	["Ctrl K", "commands: anything that can be done, by name"],
	["1 … 6", "the views, from left to right"],
	["/", "to the filter of this view"],
	["t", "dark or light"],
	["↑ ↓ Enter", "in lists: move, open"],
	["Tab", "in the shell: complete; Esc Tab leaves it"],
	["?", "this list"],
];

export function Help() {
	return (
		<Dialog title="Keys" onClose={closeOverlay}>
			<h2>Keys</h2>
			<dl class="keys">
				{KEYS.map(([key, does]) => (
					<div key={key}>
						<dt>
							<kbd>{key}</kbd>
						</dt>
						<dd>{does}</dd>
					</div>
				))}
			</dl>
			<p>
				<a href="LICENSES.txt" target="_blank" rel="noreferrer">
					Licences of the libraries in this page
				</a>
			</p>
			<button class="primary" onClick={closeOverlay}>
				Close
			</button>
		</Dialog>
	);
}
