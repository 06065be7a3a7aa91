// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "refusal.h"
#include "tap.h"

#define MAX_STRUCT	1024

int call(int fd, unsigned long command, const void *arg)
{
	int ret = ioctl(fd, command, arg);

	return ret < 0 ? -errno : ret;
}

struct vmxhv_error last_error(int fd)
{
	struct vmxhv_error e = { .size = sizeof(e) };
	int ret = call(fd, VMXHV_GET_ERROR, &e);

	if (ret)
		tap_note("GET_ERROR: %s", strerror(-ret));
	return e;
}

void expect_error(int fd, int seen, int error, uint32_t code, uint32_t item, const char *text,
		  const char *name)
{
	struct vmxhv_error e = last_error(fd);
	bool good = seen == -error && e.error == error;

	good = good && (code == ANY || e.code == code) && (item == ANY || e.item == item);
	good = good && (!text || strstr(e.text, text));
	if (!good) {
		tap_note("returned %d, wanted %d", seen, -error);
		tap_note("GET_ERROR: error %d code %u index %u item %u (wanted code %d item %d)",
			 e.error, e.code, e.index, e.item, (int)code, (int)item);
		tap_note("  value %#llx wanted %#llx text '%.96s' (should have '%s')",
			 (unsigned long long)e.value, (unsigned long long)e.wanted, e.text,
			 text ?: "");
	}
	tap_ok(good, "%s", name);
}

void expect_refused(int fd, unsigned long command, void *arg, void *target,
		    const struct poke *rows, int count)
{
	for (const struct poke *p = rows; p < rows + count; p++) {
		uint8_t saved_arg[MAX_STRUCT], saved[8];
		uint32_t size = *(uint32_t *)arg;
		int ret;

		memcpy(saved_arg, arg, size);
		memcpy(saved, (char *)target + p->at, sizeof(saved));
		memcpy((char *)target + p->at, &p->value, p->bytes);
		ret = call(fd, command, arg);
		memcpy((char *)target + p->at, saved, p->bytes);
		memcpy(arg, saved_arg, size);
		expect_error(fd, ret, p->error, p->code, p->item, p->text, p->name);
	}
}

static void name_of(char *to, const char *prefix, const char *what)
{
	snprintf(to, 80, "%s: %s", prefix, what);
}

void expect_grown_rules(int fd, unsigned long command, const void *good, uint32_t first,
			uint32_t size, const char *name)
{
	struct { uint32_t size, flags; uint8_t rest[MAX_STRUCT]; } a;
	char what[80];

	memset(&a, 0, sizeof(a));
	memcpy(&a, good, size);
	a.flags = 1u << 31;
	name_of(what, name, "unknown flag");
	expect_error(fd, call(fd, command, &a), EINVAL, VMXHV_ERR_ARGUMENT, 4, "flag", what);

	memcpy(&a, good, size);
	a.size = first - 4;
	name_of(what, name, "size too small");
	expect_error(fd, call(fd, command, &a), EINVAL, VMXHV_ERR_ARGUMENT, 0, "size", what);

	memcpy(&a, good, size);
	a.size = size + 8;
	((uint8_t *)&a)[size + 3] = 1;
	name_of(what, name, "tail not zero");
	expect_error(fd, call(fd, command, &a), E2BIG, VMXHV_ERR_ARGUMENT, 0, NULL, what);

	memcpy(&a, good, size);
	a.size = 0x80000000;
	name_of(what, name, "size absurd");
	expect_error(fd, call(fd, command, &a), E2BIG, VMXHV_ERR_ARGUMENT, 0, "size", what);

	name_of(what, name, "NULL");
	expect_error(fd, call(fd, command, NULL), EFAULT, VMXHV_ERR_NONE, 0, NULL, what);
}

void expect_struct_rules(int fd, unsigned long command, const void *good, uint32_t size,
			 const char *name)
{
	expect_grown_rules(fd, command, good, size, size, name);
}
