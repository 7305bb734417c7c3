#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Writes the table of the apps in this image, and where the linker puts them: app_table.sh DIRECTORY APP|APP.user...
#
# APP.user is one in user mode: tools/build/flatten_app.py makes what the table points to, and the linker puts it.
# The three .ld files are INCLUDEd by boot/kernel.ld at the level of SECTIONS, between its own output sections.
set -euo pipefail

dir=$1
shift
linked=()
for app in "$@"; do
	[[ $app == *.user ]] || linked+=("$app")
done

{
	echo '#include "kernel/startup/app_image.h"'
	for app in "$@"; do
		echo "extern const struct app_spec app_spec_${app%.user};"
		if [[ $app == *.user ]]; then
			echo "extern const struct user_image user_image_${app%.user};"
			continue
		fi
		for symbol in text_start text_end rodata_start rodata_end; do
			echo "extern const uint8_t __app_${app}_${symbol}[];"
		done
		for symbol in data_start data_end bss_end; do
			echo "extern uint8_t __app_${app}_${symbol}[];"
		done
	done
	echo 'const struct app_image app_images[] = {'
	for app in "$@"; do
		if [[ $app == *.user ]]; then
			echo "	{.spec = &app_spec_${app%.user}, .user = &user_image_${app%.user}},"
			continue
		fi
		echo "	{&app_spec_$app, __app_${app}_text_start, __app_${app}_text_end, __app_${app}_rodata_start,"
		echo "	 __app_${app}_rodata_end, __app_${app}_data_start, __app_${app}_data_end, __app_${app}_bss_end, NULL},"
	done
	echo '};'
	echo 'const size_t num_app_images = sizeof(app_images) / sizeof(app_images[0]);'
} >"$dir/app_table.c"

for part in text rodata; do
	for app in "${linked[@]}"; do
		echo ".app_${part}_$app : ALIGN(16) {"
		echo "	__app_${app}_${part}_start = .;"
		echo "	KEEP(*(.app.$app.$part))"
		echo "	__app_${app}_${part}_end = .;"
		echo "}"
	done >"$dir/apps_$part.ld"
done

# .bss is an output section of its own, so that it takes no room in the file. The symbols stand outside of the sections: the
# linker drops an empty section with its alignment, and the app's .bss would begin before its region.
for app in "${linked[@]}"; do
	echo ". = ALIGN(4096);"
	echo "__app_${app}_data_start = .;"
	echo ".app_data_$app : {"
	echo "	KEEP(*(.app.$app.data))"
	echo "}"
	echo ". = ALIGN(16);"
	echo "__app_${app}_data_end = .;"
	echo ".app_bss_$app (NOLOAD) : {"
	echo "	KEEP(*(.app.$app.bss))"
	echo "}"
	echo ". = ALIGN(4096);"
	echo "__app_${app}_bss_end = .;"
done >"$dir/apps_data.ld"
