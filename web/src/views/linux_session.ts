// SPDX-License-Identifier: MIT
// A Linux shell: xterm at this end, a process in a virtual machine at the other. It runs on while no view shows it.

import { signal, type Signal } from "@preact/signals";
import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
import { closeSocket, openSocket } from "../api/client";
import { theme } from "../ui/theme";
import { withConstructedStyles } from "./constructed_styles";

const ARGV = ["/bin/sh"];
// A paste comes as one piece; the system takes messages of 64 KiB at most.
const MESSAGE_BYTES = 16 << 10;

export interface LinuxSession {
	// How the shell ended; empty while it runs.
	ended: Signal<string>;
	// Puts the terminal into an element of the page, and starts the shell at the first time. Returns what takes it out.
	show: (place: HTMLElement) => () => void;
	// Takes the colours that the page has.
	colour: () => void;
	focus: () => void;
	// Starts another shell in place of the one that has ended.
	restart: () => void;
	// Ends the shell and the terminal.
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

// join: joins a terminal to a new shell. Returns what ends it.
function join(terminal: Terminal, onEnd: (how: string) => void): () => void {
	const query = new URLSearchParams({ rows: String(terminal.rows), cols: String(terminal.cols) });
	for (const word of ARGV) query.append("argv", word);
	const socket = openSocket(`terminal?${query}`);
	const encoder = new TextEncoder();
	let ended = "";
	const send = (data: string | Uint8Array<ArrayBuffer>) => {
		if (socket.readyState === WebSocket.OPEN) socket.send(data);
	};
	const type = (bytes: Uint8Array<ArrayBuffer>) => {
		for (let at = 0; at < bytes.length; at += MESSAGE_BYTES) send(bytes.subarray(at, at + MESSAGE_BYTES));
	};
	socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
		if (typeof data !== "string") {
			terminal.write(new Uint8Array(data));
			return;
		}
		const { exit, error } = JSON.parse(data) as { exit?: number; error?: string };
		ended = error ?? (exit === undefined ? ended : `The shell ended with status ${exit}.`);
	};
	socket.onclose = () => onEnd(ended || "The connection to the shell was lost.");
	const parts = [
		terminal.onData((text) => type(encoder.encode(text))),
		terminal.onBinary((text) => type(Uint8Array.from(text, (c) => c.charCodeAt(0)))),
		terminal.onResize(({ rows, cols }) => send(JSON.stringify({ resize: [rows, cols] }))),
	];
	return () => {
		parts.forEach((part) => part.dispose());
		closeSocket(socket);
	};
}

export function makeLinuxSession(): LinuxSession {
	const ended = signal("");
	const fit = new FitAddon();
	const terminal = new Terminal({
		cursorBlink: true,
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
		leave = join(terminal, (how) => (ended.value = how));
	};
	return {
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
