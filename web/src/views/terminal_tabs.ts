// SPDX-License-Identifier: MIT
// The terminals that are open: the shell of this system always, and others beside it.

import { signal } from "@preact/signals";
import type { Program } from "./programs";
import { makeTerminalSession, type TerminalSession } from "./terminal_session";

interface Tab {
	id: number;
	title: string;
	// Of all but the shell.
	session?: TerminalSession;
}

export const tabs = signal<readonly Tab[]>([{ id: 0, title: "Shell" }]);
export const chosen = signal(0);
let last = 0;

// openTab: a program in a terminal of its own. Tabs of the same title are numbered.
export function openTab(title: string, program: Program): void {
	const id = ++last;
	const isTaken = (name: string) => tabs.value.some((tab) => tab.title === name);
	let name = title;
	for (let number = 2; isTaken(name); number++) name = `${title} ${number}`;
	tabs.value = [...tabs.value, { id, title: name, session: makeTerminalSession(program) }];
	chosen.value = id;
}

export function closeTab(id: number): void {
	tabs.value.find((tab) => tab.id === id)?.session?.close();
	tabs.value = tabs.value.filter((tab) => tab.id !== id);
	if (chosen.value === id) chosen.value = 0;
}
