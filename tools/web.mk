# SPDX-License-Identifier: MIT
#
# The web page: web/ bundled into $(BUILD)/web/, and packed into $(BUILD)/web.tar, which travels on the boot disk.

WEB_SRCS := $(sort $(shell find web/src -name '*.ts' -o -name '*.tsx' -o -name '*.css')) web/index.html web/icon.svg web/tsconfig.json
WEB_ENTRIES := web/src/main.tsx web/src/eval.ts web/src/styles/main.css web/src/styles/terminal.css web/src/styles/editor.css

$(BUILD)/web.tar: $(WEB_SRCS) third_party/web/.stamp tools/build/web_tar.sh tools/build/web_sizes.py
	$(call say,WEB,$@)
	$(Q)tools/build/web_tar.sh $(BUILD) $(WEB_ENTRIES)

third_party/web/.stamp:
	@echo "the web page's packages are missing: run ./setup.sh first" >&2; false

.PHONY: web web-dev lint-web test-web
web: $(BUILD)/web.tar ## bundle the web page into build/web/ and build/web.tar

web-dev: $(BUILD)/web.tar ## serve the web page with a system that is made up, for work on it (PORT=8090)
	$(Q)web/dev/mock.py --page $(BUILD)/web --port $(or $(PORT),8090)

lint-web: third_party/web/.stamp
	$(call say,TSC,web)
	$(Q)third_party/web/tsc --project web

# WEB="PART-OF-A-NAME ..." chooses among the tests.
WEB ?=
test-web: $(BUILD)/web.tar ## the web page in Chromium
	$(Q)BUILD=$(BUILD) web/tests/run.py $(WEB)
