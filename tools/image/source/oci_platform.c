// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/image/json_input.h"
#include "tools/image/source/oci_select.h"
#include "tools/image/source/reference.h"

// Profiles that the VMs' CPUs run, best first; no profile is better than any. QEMU's rv64 lacks
// Zfhmin, which RVA22 and later demand, and so does the VMs' device tree
// (libs/linux/machine/guest_fdt.c). (RISC-V profiles)
static const char *const profiles[] = { "", "rva20u64" };
#define NUM_PROFILES (sizeof(profiles) / sizeof(profiles[0]))

static void platforms_add(struct oci_platforms *platforms, const char *os, const char *architecture,
                          const char *variant)
{
	char name[192];
	size_t length = strlen(platforms->text);

	snprintf(name, sizeof(name), "%.60s/%.60s%s%.60s", os, architecture, variant[0] ? "/" : "",
	         variant);
	if (strcmp(os, "unknown") == 0 || strstr(platforms->text, name))
		return;
	snprintf(platforms->text + length, sizeof(platforms->text) - length, "%s%s",
	         length ? ", " : "", name);
}

// `key` of the configuration, else of the descriptor's platform, else NULL.
static const char *platform_text(const json_t *config, const json_t *platform, const char *key)
{
	const char *text = json_get_string(config, key);

	return text && text[0] ? text : json_get_string(platform, key);
}

unsigned oci_platform_rank(const json_t *config, const json_t *descriptor,
                           struct oci_platforms *platforms)
{
	const json_t *platform = json_object_get(descriptor, "platform");
	const char *architecture = platform_text(config, platform, "architecture");
	const char *os = platform_text(config, platform, "os");
	const char *variant = platform_text(config, platform, "variant");

	if (!architecture) {
		platforms->artifacts++;
		return 0;
	}
	if (!os)
		os = OCI_OS;
	if (!variant)
		variant = "";
	if (strcmp(os, OCI_OS) == 0 && strcmp(architecture, OCI_ARCHITECTURE) == 0)
		for (unsigned i = 0; i < NUM_PROFILES; i++)
			if (strcmp(variant, profiles[i]) == 0)
				return (unsigned)NUM_PROFILES - i;
	platforms_add(platforms, os, architecture, variant);
	return 0;
}

int oci_no_platform(struct error *err, const char *name, const struct oci_platforms *platforms)
{
	const char *what = platforms->text;

	if (!what[0])
		what = platforms->artifacts ? "artifacts only, such as signatures or charts"
					    : "none at all";
	if (strstr(what, OCI_OS "/" OCI_ARCHITECTURE "/"))
		return error_set(
			err,
			"%s has no image for " OCI_OS "/" OCI_ARCHITECTURE
			" that runs here; it has %s. The CPUs of Starina's VMs have the "
			"profile %s: choose an image for that, or for plain " OCI_ARCHITECTURE,
			name, what, profiles[1]);
	return error_set(err,
	                 "%s has no image for " OCI_OS "/" OCI_ARCHITECTURE "; it has %s. "
	                 "Choose an image that is built for riscv64",
	                 name, what);
}

// Whether both texts stand for one name in registries.
static bool same_reference(const char *name, const char *wanted)
{
	struct error ignored;
	char *a = reference_normalize(name, &ignored);
	char *b = reference_normalize(wanted, &ignored);
	bool same = a && b && strcmp(a, b) == 0;

	free(a);
	free(b);
	return same;
}

bool oci_name_matches(const char *name, const char *wanted, bool loosely)
{
	char local[512];

	if (strcmp(name, wanted) == 0)
		return true;
	if (!loosely)
		return false;
	if (same_reference(name, wanted))
		return true;
	snprintf(local, sizeof(local), "localhost/%.400s", wanted);
	return strncmp(name, "localhost/", 10) == 0 && same_reference(name, local);
}
