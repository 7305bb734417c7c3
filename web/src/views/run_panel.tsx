// SPDX-License-Identifier: MIT
// Below the editor of an app: what is wrong with its source, how its start went, and what it says while it runs.

import { useEffect, useMemo, useRef } from "preact/hooks";
import { processes } from "../api/live";
import { logs } from "../api/logs";
import type { LogLine } from "../api/types";
import { visible } from "../format";
import type { Problem } from "../scripts/problem";
import type { Run } from "../scripts/runs";
import { hrefOf } from "../ui/route";
import { LogLines } from "./log_lines";

const SHOWN = 200;

// saidBy: lines of the app, and of those that tell of it.
function saidBy(lines: readonly LogLine[], run: Run): LogLine[] {
	const about = `${run.app}: `;
	return lines.filter(
		(line) =>
			line.seq >= run.since && (line.app === run.app || (["kernel", "app_manager"].includes(line.app) && line.text.startsWith(about))),
	);
}

function placeOf({ line, column }: Problem, file: string): string {
	return line === null ? file : `${file}:${line}${column === null ? "" : `:${column}`}`;
}

interface Props {
	file: string;
	run: Run;
	problems: readonly Problem[];
	onPlace: (line: number, column: number) => void;
}

function Problems({ file, problems, onPlace }: Omit<Props, "run">) {
	return (
		<ul class="problems" aria-label="Problems">
			{problems.map((problem, i) => (
				<li key={i}>
					<button class="quiet" disabled={problem.line === null} onClick={() => onPlace(problem.line!, problem.column ?? 1)}>
						{visible(placeOf(problem, file))}
					</button>{" "}
					<span>{problem.text.split("\n").map(visible).join("\n")}</span>
				</li>
			))}
		</ul>
	);
}

function State({ run }: { run: Run }) {
	const process = processes.value.find((each) => each.name === run.app);
	return (
		<p class={`state ${run.state}`} role="status">
			{run.state === "building" ? "It is made…" : visible(run.text)}{" "}
			{run.state === "runs" && !process && "It has ended."}
			{process && <a href={hrefOf("processes", String(process.id))}>process {process.id}</a>}{" "}
			{run.app !== null && <a href={hrefOf("logs", run.app)}>all its lines</a>}
		</p>
	);
}

// Stack: a line of the log, in which places of the source are led to.
function Stack({ text, file, onPlace }: { text: string; file: string; onPlace: Props["onPlace"] }) {
	const at = text.indexOf(`${file}:`);
	const digits = at < 0 ? "" : (/^\d+/.exec(text.slice(at + file.length + 1))?.[0] ?? "");
	if (digits === "") return <>{visible(text)}</>;
	return (
		<>
			{visible(text.slice(0, at))}
			<button class="quiet place" onClick={() => onPlace(Number(digits), 1)}>
				{visible(`${file}:${digits}`)}
			</button>
			{visible(text.slice(at + file.length + 1 + digits.length))}
		</>
	);
}

export function RunPanel({ file, run, problems, onPlace }: Props) {
	const scroll = useRef<HTMLDivElement>(null);
	const lines = useMemo(() => (run.app === null ? [] : saidBy(logs.value, run).slice(-SHOWN)), [logs.value, run]);
	useEffect(() => scroll.current?.scrollTo(0, scroll.current.scrollHeight), [lines]);
	if (run.state === "new" && problems.length === 0) return null;
	return (
		<section class="run" aria-label="The app">
			{run.state !== "new" && <State run={run} />}
			{problems.length > 0 && <Problems file={file} problems={problems} onPlace={onPlace} />}
			{lines.length > 0 && (
				<div class="said" ref={scroll} tabIndex={0} role="group" aria-label="What it says">
					<LogLines lines={lines} show={(text) => <Stack text={text} file={file} onPlace={onPlace} />} />
				</div>
			)}
		</section>
	);
}
