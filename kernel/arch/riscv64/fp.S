// SPDX-License-Identifier: MIT
// See fp.h. struct arch_fp: f0 to f31, then fcsr.

	.text
	.global fp_save
fp_save:
	.irp	r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	fsd	f\r, \r * 8(a0)
	.endr
	frcsr	t0
	sd	t0, 256(a0)
	ret

	.global fp_restore
fp_restore:
	.irp	r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	fld	f\r, \r * 8(a0)
	.endr
	ld	t0, 256(a0)
	fscsr	t0
	ret
