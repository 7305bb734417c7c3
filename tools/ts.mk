# SPDX-License-Identifier: MIT
#
# Apps in TypeScript: what makes them of their sources (ts/tool), and the types that they are checked with (ts/*.d.ts).

# The reference is made of the types.
TYPESCRIPT_PAGE := docs/typescript-api.md $(wildcard ts/*.d.ts)
.PHONY: lint-ts test-ts typescript-page
typescript-page: ## write docs/typescript-api.md from ts/*.d.ts
	$(Q)tools/docs/typescript_page.py $(TYPESCRIPT_PAGE)

lint-ts:
	$(call say,TSC,ts)
	$(Q)tools/docs/typescript_page.py --check $(TYPESCRIPT_PAGE)
	$(Q)$(if $(wildcard third_party/web/.stamp),third_party/web/tsc --project ts --noUnusedLocals --noUnusedParameters && \
	third_party/web/tsc --project ts/tool && tools/lint/check_js_names.sh third_party/web/tsc apps/js/lib,\
	echo "  apps in TypeScript are not checked: third_party/web could not be filled")

test-ts: $(BUILD)/host/starina-push ## the tool that makes apps of TypeScript
	$(Q)$(if $(wildcard third_party/web/.stamp),BUILD=$(BUILD) ts/tool/test.sh,\
	echo "  apps in TypeScript are not tested: third_party/web could not be filled")
