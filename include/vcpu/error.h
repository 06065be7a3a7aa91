/* SPDX-License-Identifier: GPL-2.0-only */
/* How a refused request says what was wrong: an errno, and the detail that GET_ERROR returns. */
#ifndef VCPU_ERROR_H
#define VCPU_ERROR_H

#include <linux/compiler_attributes.h>
#include <linux/types.h>

#include "vmxhv.h"

/**
 * struct refusal - what the caller of refuse() knows beyond the errno
 * @code: which kind of thing @index and @item name
 * @index: the array entry, or 0
 * @item: byte offset of the field, or the MSR or leaf, as @code says
 * @value: what was seen
 * @wanted: what was expected
 */
struct refusal {
	enum vmxhv_error_code code;
	u32 index;
	u32 item;
	u64 value;
	u64 wanted;
};

__printf(4, 5)
int refuse(struct vmxhv_error *err, int error, const struct refusal *what, const char *fmt, ...);

/* The common case: one bad field of an ioctl's structure, by its offset. */
#define refuse_field(err, error, type, member, seen, want, ...)			\
	refuse(err, error, &(const struct refusal){				\
		.code = VMXHV_ERR_ARGUMENT, .item = offsetof(type, member),	\
		.value = (seen), .wanted = (want) }, __VA_ARGS__)

#endif /* VCPU_ERROR_H */
