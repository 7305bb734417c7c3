import { Empty } from "../ui/parts";
export function Files() {
	return <Empty title="Files" />;
}
