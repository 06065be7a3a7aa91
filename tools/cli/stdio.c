// SPDX-License-Identifier: GPL-2.0-only
/* Output that was lost is no success. */
#include <errno.h>
#include <stdio.h>

#include "cli.h"

int cli_close_stdout(void)
{
	const int failed = ferror(stdout);

	errno = 0;
	if (fclose(stdout) || failed)
		return errno ? -errno : -EIO;
	return 0;
}
