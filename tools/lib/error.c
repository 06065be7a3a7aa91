// SPDX-License-Identifier: GPL-2.0-only
/* Refusals: the errno, the kernel's detail and one line of words. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "internal.h"
#include "util.h"

const char *vmxhv_message(const struct vmxhv_fail *fail)
{
	return fail->error ? fail->text : "no error";
}

int fail_set(struct vmxhv_fail *fail, int error, const char *format, ...)
{
	va_list ap;

	memset(fail, 0, sizeof(*fail));
	fail->error = error;
	va_start(ap, format);
	vsnprintf(fail->text, sizeof(fail->text), format, ap);
	va_end(ap);
	return -error;
}

/* Append where the kernel found fault: which element, which field, what it saw and wanted. */
static void describe_detail(struct vmxhv_fail *fail)
{
	static const char *const where[] = {
		[VMXHV_ERR_ARGUMENT] = "argument", [VMXHV_ERR_MEM_OP] = "operation",
		[VMXHV_ERR_STATE] = "state group", [VMXHV_ERR_MSR] = "MSR entry",
		[VMXHV_ERR_CPUID] = "CPUID entry", [VMXHV_ERR_RUN] = "run area",
		[VMXHV_ERR_VMX] = "VMX", [VMXHV_ERR_LIMIT] = "limit",
	};
	const struct vmxhv_error *detail = &fail->detail;
	const size_t used = strlen(fail->text);
	const char *name = "detail";

	if (detail->code < ARRAY_SIZE(where) && where[detail->code])
		name = where[detail->code];
	snprintf(fail->text + used, sizeof(fail->text) - used,
		 ": %.*s (%s %u, item %#x, value %#llx, wanted %#llx)",
		 (int)sizeof(detail->text), detail->text, name, detail->index, detail->item,
		 detail->value, detail->wanted);
}

int fail_ioctl(struct vmxhv_fail *fail, int fd, unsigned long request, void *arg, const char *what)
{
	const int result = ioctl(fd, request, arg);

	return result < 0 ? fail_errno(fail, fd, errno, what) : result;
}

int fail_errno(struct vmxhv_fail *fail, int fd, int error, const char *what)
{
	struct vmxhv_error detail = { .size = sizeof(detail) };

	fail_set(fail, error, "%s: %s", what, strerror(error));
	if (ioctl(fd, VMXHV_GET_ERROR, &detail) == 0 && detail.error == error && detail.code) {
		fail->detail = detail;
		describe_detail(fail);
	}
	return -error;
}
