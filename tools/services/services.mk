# SPDX-License-Identifier: MIT
#
# The service table of an image as a picture, read from the image itself.

SERVICES_IMAGE ?= starina
SERVICES_FORMAT ?= text

.PHONY: services test-services
services: $(BUILD)/$(SERVICES_IMAGE).elf ## picture of the service table (SERVICES_FORMAT=mermaid or dot: for other tools)
	$(Q)tools/services/services.py --format $(SERVICES_FORMAT) $<

test-services: ## the tool behind `make services`
	$(Q)tools/services/services_test.py
