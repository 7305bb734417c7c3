// SPDX-License-Identifier: MIT
// The view of a terminal.

import { useEffect, useRef } from "preact/hooks";
import { visible } from "../format";
import { theme } from "../ui/theme";
import type { TerminalSession } from "./terminal_session";

export function TerminalPane({ session, shown }: { session: TerminalSession; shown: boolean }) {
	const place = useRef<HTMLDivElement>(null);
	useEffect(() => session.show(place.current!), [session]);
	useEffect(() => session.colour(), [session, theme.value]);
	useEffect(() => {
		if (shown) session.focus();
	}, [session, shown]);
	const restart = () => {
		session.restart();
		session.focus();
	};
	return (
		<>
			{session.ended.value && (
				<p class="ended" role="status">
					{visible(session.ended.value)} <button onClick={restart}>{session.again}</button>
				</p>
			)}
			<div class="linux" ref={place} />
		</>
	);
}
