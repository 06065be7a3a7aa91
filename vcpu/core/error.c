// SPDX-License-Identifier: GPL-2.0-only
/* The detail of a refusal, kept for GET_ERROR. */
#include <linux/kernel.h>
#include <linux/string.h>

#include "vcpu/core.h"

/**
 * refuse() - record why a request was refused
 * @err: where GET_ERROR will find it; may be NULL
 * @error: the negative errno that the call returns
 * @what: the field, entry, MSR or leaf, with the value seen and the value wanted
 * @fmt: one clause in words: the rule
 *
 * Context: Any.
 * Return: @error, so that a check reads `return refuse(...)`.
 */
int refuse(struct vmxhv_error *err, int error, const struct refusal *what, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return error;

	memset(err, 0, sizeof(*err));
	err->error = -error;
	err->code = what->code;
	err->index = what->index;
	err->item = what->item;
	err->value = what->value;
	err->wanted = what->wanted;

	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	return error;
}
