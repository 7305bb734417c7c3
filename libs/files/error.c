// SPDX-License-Identifier: MIT
#include <stddef.h>

#include "libs/abi/linux_error.h"
#include "libs/files/files.h"

static const struct {
	uint32_t number;
	error_t error;
} table[] = {
	{ LINUX_EPERM, ERR_REFUSED },
	{ LINUX_ENOENT, ERR_NOT_FOUND },
	{ LINUX_EIO, ERR_IO },
	{ LINUX_EBADF, ERR_BAD_STATE },
	{ LINUX_EAGAIN, ERR_NOT_READY },
	{ LINUX_ENOMEM, ERR_NO_MEMORY },
	{ LINUX_EACCES, ERR_REFUSED },
	{ LINUX_EBUSY, ERR_BAD_STATE },
	{ LINUX_EEXIST, ERR_EXISTS },
	{ LINUX_EXDEV, ERR_NOT_SUPPORTED },
	{ LINUX_ENOTDIR, ERR_NOT_FOLDER },
	{ LINUX_EISDIR, ERR_IS_FOLDER },
	{ LINUX_EINVAL, ERR_INVALID },
	{ LINUX_ENFILE, ERR_LIMIT },
	{ LINUX_EMFILE, ERR_LIMIT },
	{ LINUX_ETXTBSY, ERR_BAD_STATE },
	{ LINUX_EFBIG, ERR_TOO_LARGE },
	{ LINUX_ENOSPC, ERR_NO_SPACE },
	{ LINUX_EROFS, ERR_READ_ONLY },
	{ LINUX_EMLINK, ERR_LIMIT },
	{ LINUX_ENAMETOOLONG, ERR_TOO_LARGE },
	{ LINUX_ENOSYS, ERR_NOT_SUPPORTED },
	{ LINUX_ENOTEMPTY, ERR_NOT_EMPTY },
	{ LINUX_ELOOP, ERR_CYCLE },
	{ LINUX_EOPNOTSUPP, ERR_NOT_SUPPORTED },
	{ LINUX_ENOTCONN, ERR_PEER_CLOSED },
	{ LINUX_ESTALE, ERR_NOT_FOUND },
	{ LINUX_EDQUOT, ERR_NO_SPACE },
};

error_t files_error(uint32_t number)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].number == number)
			return table[i].error;
	}
	return ERR_IO;
}
