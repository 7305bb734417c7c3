// SPDX-License-Identifier: MIT
// A terminal: xterm at this end, a program of the system at the other. It runs on while no view shows it.

import { signal, type Signal } from "@preact/signals";
import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
import { theme } from "../ui/theme";
import { withConstructedStyles } from "./constructed_styles";
import { makeLines, type Lines } from "./cooked";
import type { Program } from "./programs";

export interface TerminalSession {
	// Of the button that joins the program again.
	again: string;
	// How the program ended; empty while it runs.
	ended: Signal<string>;
	// Puts the terminal into an element of the page, and starts the program at the first time. Returns what takes it out.
	show: (place: HTMLElement) => () => void;
	// Takes the colours that the page has.
	colour: () => void;
	focus: () => void;
	// Starts the program again, once it has ended.
	restart: () => void;
	// Leaves the program, and ends the terminal.
	close: () => void;
}

function colours(): { background: string; foreground: string; cursor: string; selectionBackground: string } {
	const style = getComputedStyle(document.body);
	const colour = (name: string) => style.getPropertyValue(name).trim();
	return {
		background: colour("--panel"),
		foreground: colour("--text"),
		cursor: colour("--accent"),
		selectionBackground: theme.value === "dark" ? "#2d4a55" : "#b9ded8",
	};
}

// join: joins a terminal to a program. Returns what leaves it.
function join(terminal: Terminal, program: Program, onEnd: (how: string) => void): () => void {
	const encoder = new TextEncoder();
	// Of a program without a terminal.
	let lines: Lines | null = null;
	terminal.options.convertEol = false;
	const connection = program.connect({
		rows: terminal.rows,
		cols: terminal.cols,
		write: (output) => terminal.write(output),
		hasNoTerminal: () => {
			terminal.options.convertEol = true;
			lines = makeLines(
				(text) => terminal.write(text),
				(text) => connection.type(encoder.encode(text)),
				() => connection.endInput(),
			);
		},
		ended: onEnd,
	});
	const parts = [
		terminal.onData((text) => (lines ? lines.type(text) : connection.type(encoder.encode(text)))),
		terminal.onBinary((text) => connection.type(Uint8Array.from(text, (c) => c.charCodeAt(0)))),
		terminal.onResize(({ rows, cols }) => connection.resize(rows, cols)),
	];
	return () => {
		parts.forEach((part) => part.dispose());
		connection.leave();
	};
}

export function makeTerminalSession(program: Program): TerminalSession {
	const ended = signal("");
	const fit = new FitAddon();
	const terminal = new Terminal({
		cursorBlink: true,
		disableStdin: !program.readsKeys,
		fontFamily: 'ui-monospace, "SF Mono", "Cascadia Code", "DejaVu Sans Mono", monospace',
		fontSize: 13,
		screenReaderMode: true,
		theme: colours(),
	});
	terminal.loadAddon(fit);
	let leave: (() => void) | null = null;
	const start = () => {
		leave?.();
		ended.value = "";
		leave = join(terminal, program, (how) => (ended.value = how));
	};
	return {
		again: program.again,
		ended,
		show: (place) => {
			if (terminal.element) place.append(terminal.element);
			else withConstructedStyles(() => terminal.open(place));
			fit.fit();
			if (!leave) start();
			const watch = new ResizeObserver(() => place.offsetParent && fit.fit());
			watch.observe(place);
			return () => {
				watch.disconnect();
				terminal.element?.remove();
			};
		},
		colour: () => {
			terminal.options.theme = colours();
		},
		focus: () => terminal.focus(),
		restart: () => {
			terminal.reset();
			start();
		},
		close: () => {
			leave?.();
			terminal.dispose();
		},
	};
}
