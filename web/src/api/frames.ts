// SPDX-License-Identifier: MIT
// Output of a container as docker's API sends it: bytes of its terminal, or pieces with a head of 8 bytes, which says of which
// stream a piece is and how long.

export type From = "stdout" | "stderr";
export type Take = (bytes: Uint8Array, from: From) => void;

const HEAD_BYTES = 8;
const RAW = "application/vnd.docker.raw-stream";

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
	const both = new Uint8Array(a.length + b.length);
	both.set(a);
	both.set(b, a.length);
	return both;
}

// frameReader: is called with the stream's bytes, cut anywhere; gives `take` whole pieces.
export function frameReader(take: Take): (bytes: Uint8Array) => void {
	let rest: Uint8Array = new Uint8Array();
	return (bytes) => {
		rest = joined(rest, bytes);
		while (rest.length >= HEAD_BYTES) {
			const end = HEAD_BYTES + new DataView(rest.buffer, rest.byteOffset).getUint32(4);
			if (rest.length < end) return;
			take(rest.subarray(HEAD_BYTES, end), rest[0] === 2 ? "stderr" : "stdout");
			rest = rest.subarray(end);
		}
	};
}

// readFrames: gives `take` all output of an answer, until that ends.
export async function readFrames(response: Response, take: Take): Promise<void> {
	const isRaw = response.headers.get("Content-Type") === RAW;
	const give: (bytes: Uint8Array) => void = isRaw ? (bytes) => take(bytes, "stdout") : frameReader(take);
	const reader = response.body!.getReader();
	for (;;) {
		const { done, value } = await reader.read();
		if (done) return;
		give(value);
	}
}
