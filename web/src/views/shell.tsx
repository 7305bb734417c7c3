// SPDX-License-Identifier: MIT
// The shell: a line to type in, and above it what came of the lines before.

import { useEffect, useRef, useState } from "preact/hooks";
import { visible } from "../format";
import { Failure } from "../ui/parts";
import { common, complete } from "../shell/complete";
import { entries, history, interrupt, runLine, type Entry } from "../shell/session";
import { Text, Value } from "./value";

const EXAMPLES = ["ps", "ps | _.filter(p => p.mode === 'kernel').length", "logs -f", "services", "run uname -a", "help"];

function Shown({ entry }: { entry: Entry }) {
	return (
		<li class="entry">
			<p class="typed">
				<span aria-hidden="true">❯</span> {visible(entry.line)}
			</p>
			{entry.written.map((piece, i) => (
				<Text key={i} text={piece.text} kind={piece.kind} />
			))}
			{entry.failure !== undefined && <Failure text={entry.failure} />}
			{entry.done ? <Value value={entry.value} /> : <p class="note">runs… (Ctrl-C ends it)</p>}
		</li>
	);
}

function Welcome({ onPick }: { onPick: (line: string) => void }) {
	return (
		<div class="welcome">
			<p>
				Commands are calls of the system's API, and their results are values: <code>_</code> is the last one, <code>|</code> computes
				on, <code>name = …</code> keeps. Tab completes.
			</p>
			<p class="chips">
				{EXAMPLES.map((line) => (
					<button key={line} class="chip mono" onClick={() => onPick(line)}>
						{line}
					</button>
				))}
			</p>
		</div>
	);
}

export function Shell() {
	const [line, setLine] = useState("");
	const [choices, setChoices] = useState<string[]>([]);
	const [back, setBack] = useState(0);
	const [leaving, setLeaving] = useState(false);
	const input = useRef<HTMLInputElement>(null);
	const list = useRef<HTMLDivElement>(null);
	useEffect(() => input.current?.focus(), []);
	useEffect(() => {
		list.current?.scrollTo(0, list.current.scrollHeight);
	}, [entries.value]);
	const set = (text: string) => {
		setLine(text);
		setChoices([]);
	};
	const run = (text: string) => {
		set("");
		setBack(0);
		void runLine(text);
	};
	const recall = (steps: number) => {
		const to = Math.max(0, Math.min(history.length, back + steps));
		setBack(to);
		set(to ? history[history.length - to]! : "");
	};
	const tab = async () => {
		const { start, choices: found } = await complete(line);
		const longest = common(found);
		const kept = line.slice(0, start);
		if (found.length === 1) set(kept + longest + (longest.endsWith("/") ? "" : " "));
		else {
			if (found.length) setLine(kept + longest);
			setChoices(found.slice(0, 40));
		}
	};
	const onKey = (event: KeyboardEvent) => {
		if (event.key === "Escape") {
			setChoices([]);
			setLeaving(true);
			return;
		}
		const leaves = leaving;
		setLeaving(false);
		if (event.key === "Enter") run(line);
		else if (event.key === "ArrowUp") recall(1);
		else if (event.key === "ArrowDown") recall(-1);
		else if (event.key === "Tab" && !event.shiftKey && !leaves && line) void tab();
		else if (event.ctrlKey && event.key === "c" && !getSelection()?.toString()) {
			if (!interrupt()) set("");
		} else if (event.ctrlKey && event.key === "l") entries.value = [];
		else return;
		event.preventDefault();
	};
	return (
		<div class="shell" onClick={() => !getSelection()?.toString() && input.current?.focus()}>
			<div class="entries" ref={list} role="log" aria-label="What the shell answered" tabIndex={0}>
				{entries.value.length === 0 && <Welcome onPick={run} />}
				<ol>
					{entries.value.map((entry) => (
						<Shown key={entry.id} entry={entry} />
					))}
				</ol>
			</div>
			{choices.length > 0 && (
				<p class="choices mono" role="status">
					{choices.map((choice) => (
						<span key={choice}>{visible(choice)}</span>
					))}
				</p>
			)}
			<label class="prompt">
				<span aria-hidden="true">❯</span>
				<span class="hidden">Command line</span>
				<input
					ref={input}
					class="mono"
					value={line}
					autocomplete="off"
					autocapitalize="off"
					spellcheck={false}
					placeholder="help"
					onInput={(event) => set(event.currentTarget.value)}
					onKeyDown={onKey}
				/>
			</label>
		</div>
	);
}
