// SPDX-License-Identifier: MIT
// Dark or light: as the machine says, unless the user says otherwise.

import { effect, signal } from "@preact/signals";

export type Theme = "dark" | "light";

const KEY = "starina.theme";
const darkMachine = matchMedia("(prefers-color-scheme: dark)");

function initial(): Theme {
	const kept = localStorage.getItem(KEY);
	if (kept === "dark" || kept === "light") return kept;
	return darkMachine.matches ? "dark" : "light";
}

export const theme = signal<Theme>(initial());

darkMachine.addEventListener("change", () => {
	if (!localStorage.getItem(KEY)) theme.value = darkMachine.matches ? "dark" : "light";
});

effect(() => {
	document.documentElement.dataset.theme = theme.value;
});

export function toggleTheme(): void {
	theme.value = theme.value === "dark" ? "light" : "dark";
	localStorage.setItem(KEY, theme.value);
}
