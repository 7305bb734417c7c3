// SPDX-License-Identifier: MIT
// What tools/build/web_types.py writes.

declare module "starina-types" {
	const types: { options: Record<string, unknown>; library: Record<string, string>; declarations: Record<string, string> };
	export default types;
}
