// SPDX-License-Identifier: MIT
//
// What of node's own API the tool uses, unchecked: npm's package of these types would be one more to pin.
declare module "node:*";
declare const process: any;
interface ImportMeta {
	url: string;
}
