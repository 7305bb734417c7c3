// SPDX-License-Identifier: MIT
// The log: by level, by app, by words; it follows, or stands still to be read.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { logs, logsLost } from "../api/logs";
import type { LogLine } from "../api/types";
import { visible } from "../format";
import { Empty, Panel } from "../ui/parts";
import { go, route } from "../ui/route";
import { LogLines } from "./log_lines";

const LEVELS = ["error", "warn", "info", "debug"];
// As many as are laid out at a time.
const SHOWN = 1000;

// chosenOf: the lines that the filters let through. A level lets those above it through, too.
function chosenOf(lines: readonly LogLine[], level: string, app: string, words: string): LogLine[] {
	const worst = LEVELS.indexOf(level);
	const wanted = words.toLowerCase();
	return lines.filter(
		(line) =>
			(!app || line.app === app) &&
			(worst < 0 || LEVELS.indexOf(line.level) <= worst) &&
			(!wanted || line.text.toLowerCase().includes(wanted)),
	);
}

export function Logs() {
	const app = route.value.argument;
	const [level, setLevel] = useState("");
	const [words, setWords] = useState("");
	// Lines as they were when the list was stopped; null: it follows.
	const [held, setHeld] = useState<readonly LogLine[] | null>(null);
	const scroll = useRef<HTMLDivElement>(null);
	const all = held ?? logs.value;
	const lines = useMemo(() => chosenOf(all, level, app, words), [all, level, app, words]);
	const apps = useMemo(() => [...new Set(logs.value.map((line) => line.app))].sort(), [logs.value]);
	useEffect(() => {
		if (!held) scroll.current?.scrollTo(0, scroll.current.scrollHeight);
	}, [lines, held]);
	const tools = (
		<>
			<select aria-label="App" value={app} onChange={(event) => go("logs", event.currentTarget.value)}>
				<option value="">all apps</option>
				{[...new Set([...apps, ...(app ? [app] : [])])].map((name) => (
					<option key={name} value={name}>
						{visible(name)}
					</option>
				))}
			</select>
			<select aria-label="Level" value={level} onChange={(event) => setLevel(event.currentTarget.value)}>
				<option value="">all levels</option>
				{LEVELS.slice(0, 3).map((name) => (
					<option key={name} value={name}>
						{name}
						{name === "error" ? "" : " and worse"}
					</option>
				))}
			</select>
			<input
				type="search"
				aria-label="Words in the line"
				placeholder="Words"
				value={words}
				onInput={(event) => setWords(event.currentTarget.value)}
			/>
			<button aria-pressed={held === null} onClick={() => setHeld(held ? null : logs.value)}>
				{held ? `Follow (${logs.value.length - held.length} new)` : "Hold"}
			</button>
		</>
	);
	return (
		<Panel title="Log" note={`${lines.length} lines${logsLost.value ? `, ${logsLost.value} lost` : ""}`} tools={tools} class="fill">
			<div class="scroll" ref={scroll} tabIndex={0} role="group" aria-label="Log lines">
				{lines.length ? (
					<LogLines lines={lines.slice(-SHOWN)} />
				) : (
					<Empty title={all.length ? "No line matches." : "No lines yet."} />
				)}
			</div>
		</Panel>
	);
}
