// SPDX-License-Identifier: MIT
// One file: its text to edit, or, when it is no text or too large, to download.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { say } from "../api/client";
import { logs } from "../api/logs";
import { bytes, visible } from "../format";
import { checkSource, isApp, problemsOf, runs, runSource } from "../scripts/runs";
import { faultOf, saidBy } from "../scripts/said";
import { Icon } from "../ui/icons";
import { Empty, Failure, Panel } from "../ui/parts";
import type { Question } from "./ask";
import { drafts, keepDraft } from "./drafts";
import { markProblems, openEditor, showPlace, type Editor } from "./editor";
import { download, FILE_NAME, join, nameOf, parentOf, readFile, removeFile, renameFile, saveFile } from "./file_actions";
import { RunPanel } from "./run_panel";

const EDITED_MAX = 1 << 20;
// A source is checked when no key was pressed for so long.
const CHECKED_AFTER_MS = 300;

// textOf: the bytes as text; null when they are none.
function textOf(content: Uint8Array): string | null {
	if (content.length > EDITED_MAX || content.includes(0)) return null;
	try {
		return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
	} catch {
		return null;
	}
}

interface Props {
	path: string;
	// Another one: the file may have changed.
	version: string;
	onAsk: (question: Question) => void;
	// The file has gone to another path, or away.
	onGone: (to: string | null) => void;
}

export function FileEditor({ path, version, onAsk, onGone }: Props) {
	const place = useRef<HTMLDivElement>(null);
	const editor = useRef<Editor | null>(null);
	const [content, setContent] = useState<Uint8Array<ArrayBuffer> | null>(null);
	const [failure, setFailure] = useState("");
	// The text as the system has it.
	const [saved, setSaved] = useState("");
	const onSystem = useRef("");
	const name = nameOf(path);
	const draft = drafts.value.get(path);
	const changed = draft !== undefined;
	const text = draft ?? saved;
	const isText = content !== null && textOf(content) !== null;
	const runsAsApp = isText && isApp(name, text);
	const run = runs.value.get(path);
	const problems = useMemo(() => (run ? problemsOf(run, text) : []), [run, text]);
	const said = useMemo(() => (run && run.app !== null ? saidBy(logs.value, run) : []), [logs.value, run]);
	// Of the text that ran.
	const fault = useMemo(() => (run?.source === text ? faultOf(said, name) : null), [said, text]);
	useEffect(() => {
		let gone = false;
		readFile(path).then(
			(read) => !gone && setContent(read),
			(error: unknown) => !gone && setFailure(say(error)),
		);
		return () => {
			gone = true;
		};
	}, [path, version]);
	useEffect(() => () => editor.current?.remove(), []);
	useEffect(() => {
		if (!isText) return;
		const read = textOf(content)!;
		const isOther = read !== onSystem.current;
		setSaved(read);
		onSystem.current = read;
		if (editor.current) {
			// What was typed here stays.
			if (isOther && !changed) editor.current.setOptions({ value: read });
			return;
		}
		const keep = (typed: string) => keepDraft(path, typed === onSystem.current ? null : typed);
		editor.current = openEditor(place.current!, name, drafts.value.get(path) ?? read, keep);
		// Whoever is elsewhere is left there.
		if (document.activeElement === document.body) editor.current.textarea.focus();
	}, [content]);
	useEffect(() => {
		if (editor.current) markProblems(editor.current, fault ? [...problems, fault] : problems);
	}, [problems, fault]);
	useEffect(() => {
		if (!runsAsApp) return;
		let gone = false;
		const timer = setTimeout(() => void checkSource(path, text, () => !gone), CHECKED_AFTER_MS);
		return () => {
			gone = true;
			clearTimeout(timer);
		};
	}, [path, text, runsAsApp]);
	// Of what the editor has now: what is drawn may be older.
	const save = async () => {
		const typed = editor.current!.value;
		// What runs says so itself.
		const quietly = isApp(name, typed);
		if (quietly) void runSource(path, name, typed);
		if (!drafts.value.has(path) || !(await saveFile(path, new Blob([typed]), quietly))) return;
		setSaved(typed);
		onSystem.current = typed;
		// More may have been typed while it was saved.
		if (drafts.value.get(path) === typed) keepDraft(path, null);
	};
	const leave = () => {
		const close = () => {
			keepDraft(path, null);
			onGone(null);
		};
		if (!changed) close();
		else onAsk({ title: `${name} was changed. Close it without saving?`, value: "", action: "Close it", danger: true, run: close });
	};
	const rename = () =>
		onAsk({
			title: `Rename ${name}`,
			label: "New name",
			pattern: FILE_NAME,
			value: name,
			action: "Rename",
			run: async (to) => {
				const target = join(parentOf(path), to);
				if (!(await renameFile(path, target))) return;
				keepDraft(target, drafts.value.get(path) ?? null);
				keepDraft(path, null);
				onGone(target);
			},
		});
	const remove = () =>
		onAsk({
			title: `Remove ${name}?`,
			value: "",
			action: "Remove it",
			danger: true,
			run: async () => {
				if (!(await removeFile(path))) return;
				keepDraft(path, null);
				onGone(null);
			},
		});
	useEffect(() => {
		const onKey = (event: KeyboardEvent) => {
			if (!(event.ctrlKey || event.metaKey) || event.key !== "s" || document.querySelector("dialog[open]")) return;
			event.preventDefault();
			if (editor.current) void save();
		};
		document.addEventListener("keydown", onKey);
		return () => document.removeEventListener("keydown", onKey);
	}, []);
	const tools = (
		<>
			{isText && (
				<button class={changed ? "primary" : ""} disabled={!changed && !runsAsApp} onClick={() => void save()}>
					{runsAsApp ? (changed ? "Save and run" : "Run") : "Save"}
				</button>
			)}
			<button disabled={!content} onClick={() => content && download(name, isText ? text : content)}>
				Download
			</button>
			<button onClick={rename}>Rename</button>
			<button class="danger" onClick={remove}>
				Remove
			</button>
			<button class="quiet" aria-label="Close" onClick={leave}>
				<Icon name="close" />
			</button>
		</>
	);
	return (
		<Panel title={visible(name)} note={changed ? "changed" : content ? bytes(content.length) : ""} tools={tools} class="fill editor">
			{failure && <Failure text={failure} />}
			{content && !isText && (
				<Empty title={content.length > EDITED_MAX ? "This file is too large to edit here." : "This file is no text."}>
					Download it to open it elsewhere.
				</Empty>
			)}
			<div class="scroll" ref={place} />
			{isText && run && (
				<RunPanel file={name} run={run} problems={problems} said={said} onPlace={(line, column) => showPlace(editor.current!, line, column)} />
			)}
			{isText && <p class="legend">Ctrl S saves{runsAsApp && ", and runs it"}. Tab indents; Ctrl M lets Tab move on instead.</p>}
		</Panel>
	);
}
