// SPDX-License-Identifier: MIT
// Files: volumes of the state disk, and folders of the host that it shares, to browse and to edit.

// With this all that the first view has is in one file of the build, and not in one for each set of views that share it.
import "../ui/page";
import { useEffect, useState } from "preact/hooks";
import type { FileEntry, Folder } from "../api/types";
import { bytes, visible } from "../format";
import { newApp } from "../scripts/templates";
import { announce, attempt } from "../ui/announce";
import { Icon } from "../ui/icons";
import { Empty, Failure, Name, Panel } from "../ui/parts";
import { usePolled } from "../ui/polled";
import { go, hrefOf, route } from "../ui/route";
import { Ask, type Question } from "./ask";
import { drafts } from "./drafts";
import { FILE_NAME, join, listFolder, makeFolder, nameOf, parentOf, pick, saveFile } from "./file_actions";
import { FileEditor } from "./file_editor";
import { isAppWanted, isKept, KEPT, readKept, saveKept } from "./kept";

// placeOf: the view's address is a folder's path with a / at its end, or a file's.
function placeOf(argument: string): { folder: string; file: string | null } {
	const path = argument.startsWith("/") ? argument : `/${argument}`;
	if (path.endsWith("/")) return { folder: path.replace(/(.)\/$/, "$1"), file: null };
	return { folder: parentOf(path), file: path };
}

function hrefOfEntry(folder: string, entry: FileEntry): string {
	return hrefOf("files", join(folder, entry.name) + (entry.kind === "folder" ? "/" : ""));
}

function Crumbs({ folder }: { folder: string }) {
	const names = folder.split("/").filter(Boolean);
	return (
		<nav class="crumbs" aria-label="Path">
			<a href={hrefOf("files", "/")}>all</a>
			{names.map((name, i) => (
				<span key={i}>
					<span aria-hidden="true">/</span>
					<a href={hrefOf("files", `/${names.slice(0, i + 1).join("/")}/`)} aria-current={i === names.length - 1 ? "location" : undefined}>
						<Name text={name} />
					</a>
				</span>
			))}
		</nav>
	);
}

// A folder of the host is /@NAME.
function isShare(folder: string, entry: FileEntry): boolean {
	return folder === "/" && entry.name.startsWith("@");
}

// noteOf: what is said of an entry beside its name.
function noteOf(folder: string, entry: FileEntry): string {
	if (drafts.value.has(join(folder, entry.name))) return "not saved";
	if (join(folder, entry.name) === KEPT) return "kept in this tab";
	if (folder === "/") return isShare(folder, entry) ? "folder of the host" : "volume";
	return entry.kind === "file" ? bytes(entry.size) : entry.kind;
}

function Entries({ listed, file }: { listed: Folder; file: string | null }) {
	const folder = listed.path;
	const order = [...listed.entries].sort(
		(a, b) =>
			Number(isShare(folder, a)) - Number(isShare(folder, b)) ||
			Number(b.kind === "folder") - Number(a.kind === "folder") ||
			a.name.localeCompare(b.name),
	);
	if (order.length === 0) {
		return folder === "/" ? (
			<Empty title="There is no volume yet, and no folder of the host.">
				<code>./run.sh -v data:/data IMAGE</code> makes a volume, <code>--share notes=./notes</code> shares a folder.
			</Empty>
		) : (
			<Empty title="This folder is empty." />
		);
	}
	return (
		<ul class="entries">
			{order.map((entry) => (
				<li key={entry.name}>
					<a href={hrefOfEntry(folder, entry)} aria-current={join(folder, entry.name) === file ? "true" : undefined}>
						<Icon name={entry.kind === "other" ? "file" : entry.kind} />
						<Name text={entry.name} />
						<small>{noteOf(folder, entry)}</small>
					</a>
				</li>
			))}
		</ul>
	);
}

// versionOf: changes when the file does, as far as its folder tells.
function versionOf(listed: Folder | null, file: string): string {
	const entry = listed?.entries.find((each) => join(listed.path, each.name) === file);
	return entry ? `${entry.size} ${entry.modified_ms ?? ""}` : "";
}

export function Files() {
	const { folder, file } = placeOf(route.value.argument || "/");
	const [question, setQuestion] = useState<Question | null>(null);
	const [turn, setTurn] = useState(0);
	const again = () => setTurn((value) => value + 1);
	const { value: listed, failure } = usePolled(() => listFolder(folder), `${turn} ${folder}`);
	// One after the other: the system holds a file in its memory while it comes.
	const put = async (files: File[]) => {
		for (const each of files) await saveFile(join(folder, each.name), each);
		again();
	};
	const upload = () =>
		pick((files) => {
			const there = files.filter((each) => listed?.entries.some((entry) => entry.name === each.name)).map((each) => each.name);
			if (there.length === 0) void put(files);
			else setQuestion({ title: `Replace ${there.join(", ")}?`, value: "", action: "Replace", danger: true, run: () => put(files) });
		});
	const create = (kind: "file" | "folder") =>
		setQuestion({
			title: `New ${kind}`,
			label: "Name",
			pattern: FILE_NAME,
			value: "",
			action: "Make it",
			run: async (name) => {
				const path = join(folder, name);
				if (listed?.entries.some((entry) => entry.name === name)) announce(`${visible(name)} is there already`, "bad");
				else if (kind === "folder" ? await makeFolder(path) : await saveFile(path, new Blob([]))) {
					go("files", path + (kind === "folder" ? "/" : ""));
					again();
				}
			},
		});
	const writeApp = () =>
		setQuestion({
			title: "New app in TypeScript",
			label: "Name",
			pattern: "[A-Za-z_][A-Za-z0-9_]{0,22}",
			value: "greeter",
			action: "Write it",
			run: (name) =>
				attempt("", async () => {
					const path = join(KEPT, `${name}.ts`);
					if (readKept(path) !== null) throw new Error(`${name}.ts is there already`);
					saveKept(path, newApp(name));
					go("files", path);
					again();
				}),
		});
	useEffect(() => {
		if (isAppWanted.value) writeApp();
		isAppWanted.value = false;
	}, [isAppWanted.value]);
	// Volumes are made by who keeps account of them.
	const tools = folder === "/" ? (
		<button onClick={writeApp}>New app</button>
	) : (
		<>
			{isKept(folder) && <button onClick={writeApp}>New app</button>}
			<button onClick={() => create("file")}>New file</button>
			{!isKept(folder) && <button onClick={() => create("folder")}>New folder</button>}
			<button onClick={upload}>Upload</button>
		</>
	);
	return (
		<div class={`split files ${file ? "open" : ""}`}>
			<Panel title="Files" note={listed?.more ? "the first of many" : undefined} tools={tools} class="fill">
				<Crumbs folder={folder} />
				<div class="scroll">
					{failure ? (
						<Failure text={failure} />
					) : listed ? (
						<Entries listed={listed} file={file} />
					) : (
						<Empty title="Loading…" />
					)}
				</div>
			</Panel>
			{file && (
				<FileEditor
					key={file}
					path={file}
					version={versionOf(listed, file)}
					onAsk={setQuestion}
					onGone={(to) => {
						go("files", to ?? `${folder.replace(/\/$/, "")}/`);
						again();
					}}
				/>
			)}
			{!file && (
				<Panel title="Editor" class="fill editor">
					<Empty title={nameOf(folder) ? `Nothing of ${nameOf(folder)} is open.` : "Nothing is open."}>Choose a file to see and edit it.</Empty>
				</Panel>
			)}
			{question && <Ask question={question} onClose={() => setQuestion(null)} />}
		</div>
	);
}
