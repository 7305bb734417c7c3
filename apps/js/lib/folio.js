// SPDX-License-Identifier: MIT
//
// Memory that moves between apps, and what messages carry of it.
import { folio, folioWith, payload as range } from "native:folio";
import { systemError } from "./errors.js";

export { folio, folioWith };

// MSG_DATA_INLINE_MAX.
const INLINE_MAX = 248;

export const payload = {
	make(bytes) {
		if (bytes.byteLength <= INLINE_MAX)
			return { type: "data", offset: 0, length: bytes.byteLength, tail: bytes, handles: [] };
		return { type: "data", offset: 0, length: bytes.byteLength, tail: new Uint8Array(), handles: [folioWith(bytes)] };
	},

	open({ offset, length, tail, handles }) {
		const [folio] = handles;
		if (folio === undefined)
			return { bytes: tail, close() {} };
		// A peer may send a channel in its place.
		if (folio.map === undefined) {
			handles.forEach(handle => handle.close());
			throw systemError("ERR_PROTOCOL", "the message has no folio");
		}
		return { bytes: range(folio, offset, length), folio, close: () => folio.close() };
	},
};
