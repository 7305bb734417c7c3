// SPDX-License-Identifier: MIT
// Lines of the log.

import type { LogLine } from "../api/types";
import { sinceBoot, visible } from "../format";
import { Empty, Name } from "../ui/parts";

export function LogLines({ lines }: { lines: readonly LogLine[] }) {
	if (lines.length === 0) return <Empty title="No lines yet." />;
	return (
		<ol class="lines">
			{lines.map((line) => (
				<li key={line.seq} class={line.level}>
					<time>{sinceBoot(line.time_ns)}</time>
					<span class="level">{line.level}</span>
					<Name text={line.app} />
					<span class="text">{visible(line.text)}</span>
				</li>
			))}
		</ol>
	);
}
