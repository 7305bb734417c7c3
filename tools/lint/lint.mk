# SPDX-License-Identifier: MIT
#
# Static checks.

# The files of a pattern below some folders, but for what was built or fetched.
tree_files = $(shell find $(1) -name '$(2)' -not -path './third_party/*' -not -path './build*' -not -path './.git/*' | sort)

TIDY_FLAGS := --target=riscv64-linux-gnu -std=gnu11 -march=rv64gc -ffreestanding -DSTARINA_DEBUG=1 -I. \
	-isystem third_party/libfdt $(LWIP_CFLAGS) -isystem /usr/riscv64-linux-gnu/include -Wno-unknown-warning-option
TIDY_SRCS := $(call not_tests,$(call tree_files,kernel libs apps,*.c))
TIDY_SRCS := $(filter-out kernel/arch/host/% apps/victim/% apps/adversary/%,$(TIDY_SRCS))
# What is written for a C library has that one's headers.
TIDY_HOSTED_SRCS := $(filter libs/c/% apps/js/% apps/js_test/% apps/ported/%,$(TIDY_SRCS))
TIDY_HOSTED_FLAGS := --target=riscv64-linux-gnu -std=gnu11 -march=rv64gc -DSTARINA_DEBUG=1 -I. $(QUICKJS_CFLAGS) -Wno-unknown-warning-option

# How many states of a function clang's analyser looks at. It takes statements that it has not seen first, so that fewer are combinations of
# paths that it does not see. Its own number, 225000, takes four times as long.
TIDY_NODES ?= 20000
TIDY_FLAGS += -Xclang -analyzer-config -Xclang max-nodes=$(TIDY_NODES)
TIDY_HOSTED_FLAGS += -Xclang -analyzer-config -Xclang max-nodes=$(TIDY_NODES)

# What .clang-format promises was tried with this version; others differ in details, and are not asked.
FORMAT_VERSION := 14
FORMAT_SRCS = $(call tree_files,boot kernel libs apps guest tools,*.[ch])

.PHONY: lint lint-quick lint-tidy lint-deep lint-cppcheck lint-shell lint-headers lint-format format
lint: lint-quick lint-tidy ## static checks of everything

# What takes seconds, once all files were seen; the analyser takes minutes until then.
lint-quick: lint-headers lint-format lint-shell lint-cppcheck lint-web lint-ts ## the same without clang-tidy

format: ## lay out all C files as .clang-format says
	$(Q)clang-format -i $(FORMAT_SRCS)

lint-format:
	$(call say,FORMAT,$(words $(FORMAT_SRCS)) files)
	$(Q)tools/lint/check_format.sh $(FORMAT_VERSION) $(FORMAT_SRCS)

lint-tidy:
	$(call say,TIDY,$(words $(TIDY_SRCS)) files)
	$(Q)tools/lint/tidy.py '$(TIDY_FLAGS)' $(filter-out $(TIDY_HOSTED_SRCS),$(TIDY_SRCS))
	$(Q)tools/lint/tidy.py '$(TIDY_HOSTED_FLAGS)' $(TIDY_HOSTED_SRCS)

lint-deep: ## clang-tidy with the analyser's own patience (1.3 s of CPU a file); not in the gate
	$(Q)$(MAKE) --no-print-directory lint-tidy TIDY_NODES=225000

# The three suppressed last are about paths behind functions that do not return, which it does not follow; clang's
# analyser does. NULL after the arguments of a variadic function is a pointer in C's headers, which it doubts.
# Inline assembly that cppcheck 2.17 does not parse; 2.10 does. clang-tidy reads these files all the same.
CPPCHECK_UNPARSED := $(patsubst %,--suppress=syntaxError:%,apps/autotest/vm/vm_tests.c kernel/arch/riscv64/app_access.h \
	kernel/arch/riscv64/sbi.h)

lint-cppcheck:
	$(call say,CPPCHECK,all)
	$(Q)tools/lint/cppcheck.sh $(BUILD)/lint/cppcheck -j$$(nproc) --quiet --error-exitcode=1 --enable=warning,performance,portability --inline-suppr --std=c11 \
		--platform=unix64 -D__riscv -D__riscv_xlen=64 -DSTARINA_DEBUG=1 \
		-I. $(CPPCHECK_UNPARSED) --suppress=normalCheckLevelMaxBranches --suppress=missingInclude --suppress=unknownMacro --suppress=varFuncNullUB \
		--suppress=unusedStructMember --suppress=nullPointerRedundantCheck --suppress=zerodivcond --suppress=uninitvar --suppress=ctuuninitvar --suppress=va_end_missing \
		$(TIDY_SRCS) $(call not_tests,$(wildcard guest/bootd/*.c))

lint-shell:
	$(call say,SHELLCHECK,all)
	$(Q)shellcheck -x $(call tree_files,.,*.sh) .ci/run

# What apps/js and ts/ know of the messages of libs/abi.
MESSAGES := apps/js/native/message_table.c ts/messages.d.ts
.PHONY: messages
messages: ## writes the messages of libs/abi for apps in TypeScript, after a change of them
	$(Q)tools/build/messages.py $(MESSAGES) $(wildcard libs/abi/*.h)

lint-headers:
	$(call say,CHECK,public prototypes and SPECIFICATION.md)
	$(Q)tools/lint/check_prototypes.py $(filter-out libs/lwip_port/include/%,$(call tree_files,boot kernel libs apps guest tools,*.h))
	$(Q)tools/lint/check_messages.py $(wildcard libs/abi/*.h)
	$(Q)tools/build/messages.py --check $(MESSAGES) $(wildcard libs/abi/*.h)
	$(Q)tools/lint/check_specification.py
	$(Q)tools/lint/check_layers.py
	@! grep -rnwE '(app_(load|store|store_2|copy)|copy_(from|to)_app|user_(read|write))' kernel --include='*.[ch]' | \
		grep -vE '^kernel/(syscall|arch)/' || \
		{ echo "an app's memory is read and written by kernel/syscall alone" >&2; false; }
	@! grep -rnE 'log_(error|warn|info).*[( ]error %d' apps libs --include='*.c' | grep -v 'Linux error' || \
		{ echo 'an error is told in words: error_text() of libs/starina/log.h' >&2; false; }
	$(Q)tools/lint/check_listings.py $(wildcard docs/*.md)
	$(Q)tools/docs/api_page.py --check apps/httpd/api/routes.h docs/api.md

.PHONY: api-page
api-page: ## write docs/api.md from the routes of the API
	$(Q)tools/docs/api_page.py apps/httpd/api/routes.h docs/api.md
