// SPDX-License-Identifier: MIT
// Lines of the log.

import type { ComponentChildren } from "preact";
import type { LogLine } from "../api/types";
import { sinceBoot, visible } from "../format";
import { Empty, Name } from "../ui/parts";

interface Props {
	lines: readonly LogLine[];
	// How the text of a line is shown.
	show?: (text: string) => ComponentChildren;
}

export function LogLines({ lines, show = visible }: Props) {
	if (lines.length === 0) return <Empty title="No lines yet." />;
	return (
		<ol class="lines">
			{lines.map((line) => (
				<li key={line.seq} class={line.level}>
					<time>{sinceBoot(line.time_ns)}</time>
					<span class="level">{line.level}</span>
					<Name text={line.app} />
					<span class="text">{show(line.text)}</span>
				</li>
			))}
		</ol>
	);
}
