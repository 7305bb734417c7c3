// SPDX-License-Identifier: MIT
// A value that a command or an expression gave: lists of things as tables, all else as text.

import { visible } from "../format";

const ROWS = 500;

function isThing(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

function cell(value: unknown): string {
	if (value === null || value === undefined) return "";
	return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function Table({ rows }: { rows: Record<string, unknown>[] }) {
	const names = [...new Set(rows.slice(0, ROWS).flatMap(Object.keys))];
	return (
		<div class="result" tabIndex={0} role="group" aria-label="Result">
			<table>
				<thead>
					<tr>
						{names.map((name) => (
							<th key={name} scope="col" class={typeof rows[0]?.[name] === "number" ? "number" : undefined}>
								{visible(name)}
							</th>
						))}
					</tr>
				</thead>
				<tbody>
					{rows.slice(0, ROWS).map((row, i) => (
						<tr key={i}>
							{names.map((name) => (
								<td key={name} class={typeof row[name] === "number" ? "number" : undefined}>
									<bdi>{visible(cell(row[name]))}</bdi>
								</td>
							))}
						</tr>
					))}
				</tbody>
			</table>
			{rows.length > ROWS && <p class="note">and {rows.length - ROWS} more</p>}
		</div>
	);
}

// Text: with its own lines and tabs; other control characters are shown.
export function Text({ text, kind = "plain" }: { text: string; kind?: string }) {
	const shown = text.replace(/\r\n/g, "\n").split(/([\n\t])/).map((part) => (part === "\n" || part === "\t" ? part : visible(part)));
	return <pre class={kind}>{shown.join("")}</pre>;
}

export function Value({ value }: { value: unknown }) {
	if (value === undefined) return null;
	if (typeof value === "string") return <Text text={value} />;
	if (Array.isArray(value)) {
		if (value.length === 0) return <p class="note">an empty list</p>;
		if (value.every(isThing)) return <Table rows={value} />;
	} else if (isThing(value)) {
		return <Table rows={Object.entries(value).map(([name, each]) => ({ name, value: each }))} />;
	}
	return <Text text={JSON.stringify(value, null, 2) ?? String(value)} />;
}
