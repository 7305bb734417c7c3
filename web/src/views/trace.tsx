import { Empty } from "../ui/parts";
export function Trace() {
	return <Empty title="Trace" />;
}
