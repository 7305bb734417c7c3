// SPDX-License-Identifier: MIT
// The view of a Linux shell.

import { useEffect, useRef } from "preact/hooks";
import { theme } from "../ui/theme";
import type { LinuxSession } from "./linux_session";

export function LinuxShell({ session, shown }: { session: LinuxSession; shown: boolean }) {
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
					{session.ended.value} <button onClick={restart}>Start another</button>
				</p>
			)}
			<div class="linux" ref={place} />
		</>
	);
}
