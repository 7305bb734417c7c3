import { Empty } from "../ui/parts";
export function Terminal() {
	return <Empty title="Terminal" />;
}
