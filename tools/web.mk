# SPDX-License-Identifier: MIT
#
# The web page: web/ bundled into $(BUILD)/web/, and packed into $(BUILD)/web.img, which travels on the boot disk.

# Nothing where setup.sh could not fetch what it is made of.
WEB_PAGE := $(if $(wildcard third_party/web/.stamp),$(BUILD)/web.img)
WEB_SRCS := $(sort $(shell find web/src -name '*.ts' -o -name '*.tsx' -o -name '*.css')) web/index.html web/icon.svg web/tsconfig.json \
	$(wildcard ts/tool/*.mjs)
WEB_ENTRIES := web/src/main.tsx web/src/styles/main.css web/src/styles/terminal.css web/src/styles/editor.css
# Each is one file: its policy lets it load no other.
WEB_WORKERS := web/src/worker.ts web/src/app_worker.ts web/src/types_worker.ts
WEB_TYPES := $(BUILD)/gen/web_types.json

$(WEB_TYPES): $(sort $(wildcard ts/*.d.ts)) ts/tsconfig.json third_party/web/.stamp tools/build/web_types.py
	@mkdir -p $(@D)
	$(Q)tools/build/web_types.py third_party/web/node_modules/typescript/lib ts/tsconfig.json $@ $(filter %.d.ts,$^)

$(BUILD)/web.img: $(WEB_SRCS) $(WEB_TYPES) third_party/web/.stamp tools/build/web_image.sh tools/build/web_index.py tools/build/web_sizes.py tools/build/web_licenses.py
	$(call say,WEB,$@)
	$(Q)tools/build/web_image.sh $(BUILD) "$(WEB_ENTRIES)" "$(WEB_WORKERS)"

third_party/web/.stamp:
	@echo "npm's packages of tools/web.lock are missing, which the web page and apps in TypeScript are made with: run ./setup.sh" >&2; false

.PHONY: web web-dev lint-web test-web
run-files: $(WEB_PAGE)

web: $(BUILD)/web.img ## bundle the web page into build/web/ and build/web.img

web-dev: $(BUILD)/web.img ## serve the web page with a system that is made up, for work on it (PORT=8090)
	$(Q)web/dev/mock.py --page $(BUILD)/web --port $(or $(PORT),8090)

lint-web:
	$(call say,TSC,web)
	$(Q)$(if $(WEB_PAGE),third_party/web/tsc --project web,echo "  the web page is not checked: third_party/web could not be filled")

# WEB="PART-OF-A-NAME ..." chooses among the tests.
WEB ?=
test-web: $(WEB_PAGE) ## the web page in Chromium
	$(Q)BUILD=$(BUILD) web/tests/run.py $(WEB)
